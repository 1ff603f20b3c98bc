/** What happens to Postgres: restarts, crashes, single backends, and other people's locks. */
import { setTimeout as sleep } from "node:timers/promises";
import { identify } from "../../engine/local/process-identity.ts";
import type { HowToStop } from "../support/own-parts.ts";
import { waitUntil } from "../support/wait-until.ts";
import { close, connectTo, withClient } from "./database-client.ts";
import { type Fault, type Lift, nothingToLift } from "./fault.ts";
import { MissedError } from "./missed-error.ts";
import { childrenOf, signal } from "./processes.ts";
import type { World } from "./world.ts";

const GONE_WITHIN_MS = 30_000;
const TERMINATIONS = 6;
/** A backend that works for an engine; it is there most of the time. */
const FOUND_WITHIN_MS = 5_000;

/** What an analyst may hold: no lock that keeps readers out, or our own snapshots would wait. */
const LOCKS = [
	"LOCK TABLE hourly_totals IN EXCLUSIVE MODE",
	"LOCK TABLE events IN SHARE MODE",
	"LOCK TABLE dead_letters, hourly_users IN SHARE ROW EXCLUSIVE MODE",
	"SELECT FROM source_offsets FOR UPDATE",
	"SELECT FROM source_offsets WHERE kafka_partition = 0 FOR SHARE",
];

export const POSTGRES_FAULTS: readonly Fault[] = [
	{
		name: "postgres-restart",
		victim: "postgres",
		weight: 2,
		holdMs: [0, 2_000],
		strike: (world) => stopped(world, "orderly"),
	},
	{
		name: "postgres-immediate",
		victim: "postgres",
		weight: 2,
		holdMs: [0, 5_000],
		strike: (world) => stopped(world, "crash"),
	},
	{
		name: "postgres-kill",
		victim: "postgres",
		weight: 2,
		holdMs: [0, 2_000],
		async strike({ postgres }) {
			const children = childrenOf(postgres.pid);
			signal(postgres.pid, "SIGKILL");
			// They notice by themselves that their postmaster is gone; a new one does not start before.
			const isGone = () => [postgres.pid, ...children].every((pid) => identify(pid) === null);
			await waitUntil(isGone, { deadlineMs: GONE_WITHIN_MS, what: "the end of Postgres" });
			return () => postgres.startAgain();
		},
	},
	{
		name: "postgres-freeze",
		victim: "postgres",
		weight: 2,
		holdMs: [1_000, 9_000],
		async strike({ postgres }) {
			const stopped = [postgres.pid, ...childrenOf(postgres.pid)].filter((pid) => signal(pid, "SIGSTOP"));
			return async () => {
				for (const pid of stopped) signal(pid, "SIGCONT");
			};
		},
	},
	{
		name: "backend-kill",
		victim: "postgres",
		weight: 2,
		holdMs: [0, 0],
		async strike(world) {
			signal(await backendOf(world, "writer"), "SIGKILL");
			return nothingToLift;
		},
	},
	{
		name: "backend-freeze",
		victim: "postgres",
		weight: 2,
		holdMs: [1_000, 9_000],
		async strike(world) {
			const pid = await backendOf(world, world.random.pick(["writer", "claimer", "writer"]));
			signal(pid, "SIGSTOP");
			return async () => void signal(pid, "SIGCONT");
		},
	},
	{
		name: "backends-terminate",
		victim: "postgres",
		weight: 3,
		holdMs: [0, 0],
		strike: ({ database, random }) =>
			missedOnError(async () => {
				for (let time = 0; time < TERMINATIONS; time++) {
					await withClient(database, (client) =>
						client.query(
							`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
							WHERE datname = current_database() AND application_name LIKE 'lottery-engine%' AND random() < 0.7`,
						),
					);
					await sleep(random.below(700));
				}
				return nothingToLift;
			}),
	},
	{
		name: "analyst-lock",
		victim: "postgres",
		weight: 2,
		holdMs: [1_000, 8_000],
		strike: ({ database, random }) =>
			missedOnError(async () => {
				const client = await connectTo(database, "chaos analyst");
				try {
					await client.query("BEGIN");
					await client.query(random.pick(LOCKS));
				} catch (error) {
					close(client);
					throw error;
				}
				return async () => close(client);
			}),
	},
	{
		name: "analyst-snapshot",
		victim: "postgres",
		weight: 1,
		holdMs: [3_000, 9_000],
		strike: ({ database }) =>
			missedOnError(async () => {
				const client = await connectTo(database, "chaos analyst");
				await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
				await client.query("SELECT count(*) FROM hourly_business_metrics");
				return async () => close(client);
			}),
	},
];

async function stopped({ postgres }: World, how: HowToStop): Promise<Lift> {
	await postgres.stop(how);
	return () => postgres.startAgain();
}

async function backendOf({ database, random }: World, lane: string): Promise<number> {
	return await missedOnError(() =>
		waitUntil(
			() =>
				withClient(database, async (client) => {
					const { rows } = await client.query<{ pid: number }>(
						`SELECT pid FROM pg_stat_activity
						WHERE datname = current_database() AND application_name LIKE $1 ORDER BY state = 'idle', pid`,
						[`lottery-engine ${lane}%`],
					);
					return rows.length > 0 && random.pick(rows).pid;
				}),
			{ deadlineMs: FOUND_WITHIN_MS, everyMs: 20, what: `a ${lane}'s backend` },
		),
	);
}

/** Without a server to ask there is nothing to strike. */
async function missedOnError<T>(action: () => Promise<T>): Promise<T> {
	try {
		return await action();
	} catch (error) {
		throw new MissedError((error as Error).message);
	}
}
