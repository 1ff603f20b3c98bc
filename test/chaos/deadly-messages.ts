/**
 * Two kinds of message that no check refuses and that are deadly all the same, made so from outside: one ends the thread
 * that folds it (test/support/deadly-actor.ts), one is refused by Postgres (a trigger in the database of the test).
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type pg from "pg";
import { type Death, deadlyEnvironment, deadlyUser } from "../support/deadly-actor.ts";
import { type LotteryEventFields, lotteryEvent } from "../support/lottery-event.ts";
import type { SentMessage } from "../support/topic.ts";

/** The harness counts deaths by user, and has room for 64 of them. */
const USERS = 8;
/** The user's id; Postgres raises 22023. */
const REFUSED_USER = "deadly to Postgres";
/** Those of `DEATHS` that a round has time for. */
const DEATHS_STRUCK: readonly Death[] = ["crash", "exit"];

/** A message that ends the actor that folds it, always. */
export function actorKiller(session: number): string {
	const death = DEATHS_STRUCK[session % DEATHS_STRUCK.length]!;
	return deadly({ user: deadlyUser(death, "always", session % USERS), session });
}

export function refusedByPostgres(session: number): string {
	return deadly({ user: REFUSED_USER, session });
}

function deadly(fields: LotteryEventFields): string {
	return lotteryEvent({ time: "2025-06-01T14:00:00", ...fields });
}

/** Environment of an engine that dies of them; `build` is the folder of its build, null for ours. */
export function mortalEnvironment(build: string | null): Readonly<Record<string, string>> {
	const ours = deadlyEnvironment();
	if (build === null) return ours;
	// It changes the engine's own modules, so it has to be of the same build.
	const preload = pathToFileURL(join(build, "test/support/deadly-actor.js")).href;
	return { ...ours, NODE_OPTIONS: `--import=${preload}` };
}

/** Goes into a migrated database, before the engines start. */
export async function refuseThem(client: pg.Client): Promise<void> {
	await client.query(`
		CREATE FUNCTION refuse_event() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			RAISE 'this user is refused' USING ERRCODE = '22023';
		END $$;
		CREATE TRIGGER refuse_event BEFORE INSERT ON events FOR EACH ROW
			WHEN (NEW.user_id = '${REFUSED_USER}') EXECUTE FUNCTION refuse_event()`);
}

/** For the oracle: what must have become a dead letter although it is a valid event. */
export function condemnedIn(messages: readonly SentMessage[]): Map<string, "pg_value" | "actor_crash"> {
	const condemned = new Map<string, "pg_value" | "actor_crash">();
	for (const { partition, offset, value } of messages) {
		if (value === null) continue;
		if (/"deadly \w+ always /.test(value.toString("latin1")))
			condemned.set(`${partition}/${offset}`, "actor_crash");
		else if (value.includes(REFUSED_USER)) condemned.set(`${partition}/${offset}`, "pg_value");
	}
	return condemned;
}
