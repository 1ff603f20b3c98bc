/**
 * Holds an engine at one step of its transactions, from outside: a trigger in the test's own database waits there for
 * an advisory lock that the test has. The engine knows nothing of it, and other engines pass.
 */
import { randomInt } from "node:crypto";
import type pg from "pg";
import { type WaitOptions, waitUntil } from "./wait-until.ts";

/** The steps of ARCHITECTURE.md: 2 is `claim`, the others are those of a commit (7) in their order. */
export type Step =
	| "claim"
	| "move offsets"
	| "COPY events"
	| "COPY dead letters"
	| "users"
	| "sessions"
	| "hours"
	| "COMMIT";

/** First half of the advisory locks: nobody else's in a database of a test. */
const HOLDS = 7_001;

/** Where a trigger must stand to be met at each step. */
export const STEP_TRIGGERS: Readonly<Record<Step, string>> = {
	claim: "BEFORE UPDATE ON source_offsets FOR EACH ROW WHEN (NEW.epoch <> OLD.epoch)",
	"move offsets": "BEFORE UPDATE ON source_offsets FOR EACH ROW WHEN (NEW.next_offset <> OLD.next_offset)",
	"COPY events": "BEFORE INSERT ON events FOR EACH STATEMENT",
	"COPY dead letters": "BEFORE INSERT ON dead_letters FOR EACH STATEMENT",
	users: "BEFORE INSERT ON hourly_users FOR EACH STATEMENT",
	sessions: "BEFORE INSERT ON hourly_sessions FOR EACH STATEMENT",
	hours: "BEFORE INSERT OR UPDATE ON hourly_totals FOR EACH STATEMENT",
	COMMIT:
		"AFTER UPDATE ON source_offsets DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.next_offset <> OLD.next_offset)",
};

/** An engine that is held, or will be as soon as it comes by. */
export interface HeldStep {
	/** Resolves when its transaction stands at the step. */
	reached(options?: WaitOptions): Promise<void>;
	/** Lets it, and who comes by from now on, go on. Safe twice. */
	release(): Promise<void>;
}

/** Puts the triggers into a migrated database. Before the engines start: it would wait for their transactions. */
export async function prepareHolds(client: pg.Client): Promise<void> {
	await client.query(`
		CREATE TABLE holds (step text, engine_pid int, lock_key int);
		CREATE FUNCTION hold_here() RETURNS trigger LANGUAGE plpgsql AS $$
		DECLARE
			hold holds;
		BEGIN
			FOR hold IN SELECT * FROM holds WHERE step = TG_ARGV[0]
				AND position(':' || engine_pid || ':' IN current_setting('application_name')) > 0
			LOOP
				PERFORM pg_advisory_xact_lock_shared(${HOLDS}, hold.lock_key);
			END LOOP;
			RETURN NEW;
		END $$`);
	for (const [index, [step, when]] of Object.entries(STEP_TRIGGERS).entries()) {
		const kind = step === "COMMIT" ? "CONSTRAINT TRIGGER" : "TRIGGER";
		await client.query(`CREATE ${kind} hold_${index} ${when} EXECUTE FUNCTION hold_here('${step}')`);
	}
}

/** Holds the next transaction of this engine that comes to `step`. `client` is the one that must let go. */
export async function holdStep(client: pg.Client, step: Step, enginePid: number): Promise<HeldStep> {
	const key = randomInt(2 ** 31);
	await client.query("SELECT pg_advisory_lock($1, $2)", [HOLDS, key]);
	await client.query("INSERT INTO holds VALUES ($1, $2, $3)", [step, enginePid, key]);
	const waits = async (): Promise<boolean> => {
		const { rows } = await client.query(
			`SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid = $1 AND objid = $2
				AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
			[HOLDS, key],
		);
		return rows.length > 0;
	};
	let isHeld = true;
	return {
		reached: async (options = {}) => {
			await waitUntil(waits, { what: `an engine held at "${step}"`, everyMs: 10, ...options });
		},
		async release() {
			if (!isHeld) return;
			isHeld = false;
			await client.query("DELETE FROM holds WHERE lock_key = $1", [key]);
			await client.query("SELECT pg_advisory_unlock($1, $2)", [HOLDS, key]);
		},
	};
}
