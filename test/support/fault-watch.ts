/**
 * Looks at one engine and its tables all through a fault test: what `/readyz` says, whether every snapshot conserves
 * records, and that each recovery shows as one line of the log and one count of its metric.
 */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Test } from "tap";
import type { TestDatabase } from "./database.ts";
import type { EngineProcess, LogLine } from "./engine-process.ts";
import { lookAtSnapshot, type Violation } from "./snapshot.ts";
import { type WaitOptions, waitUntil } from "./wait-until.ts";

/** One answer of `/readyz`. */
export interface Readiness {
	/** When it was asked, in ms since 1970, as the times of the log. */
	readonly atMs: number;
	readonly ready: boolean;
	/** Why not, joined; empty when ready. */
	readonly reasons: string;
	/** The same, one by one. */
	readonly each: readonly string[];
}

export interface RecoverySpan {
	/** The lines that say what happened and what was done, one a recovery. */
	readonly lines: readonly LogLine[];
	/** What `/readyz` said from just before the fault until the engine read on. */
	readonly readiness: readonly Readiness[];
}

export interface ExpectedRecoveries {
	/** Label of the counter for the first; several where it depends on what was under way. */
	readonly reason: string | readonly string[];
	/** What the line must say of the cause. */
	readonly says: RegExp;
	/** How many in a row; default 1. A range where other recoveries may follow from the first. */
	readonly times?: number | { readonly atLeast: number };
}

export interface FaultWatch {
	/**
	 * Runs `fault`, waits until the engine has recovered and committed again, and holds what it showed meanwhile against
	 * the promise: not ready while it recovers, and why; a line and a count for each recovery; ready at the end.
	 */
	recoversFrom(
		name: string,
		fault: () => Promise<unknown>,
		expected: ExpectedRecoveries,
		options?: WaitOptions,
	): Promise<RecoverySpan>;
	/**
	 * Runs `work`; nobody may notice anything of it: no recovery, and ready all the time. `besides`: what `/readyz` may
	 * say all the same, and be right, on a machine that is slow. So may a heartbeat be late there: these are faults of
	 * Postgres, and what it says of Kafka is not judged.
	 */
	staysWell(name: string, work: () => Promise<unknown>, besides?: RegExp): Promise<void>;
	/** Ends the looking, and holds every snapshot that was taken against the invariants. */
	expectWell(): Promise<void>;
}

const READY_EVERY_MS = 40;
/** A snapshot recomputes every hour; tables of a test take some ten milliseconds. */
const SNAPSHOT_EVERY_MS = 400;

/** Starts looking. `engine` must be ready. */
export function watchFaults(
	t: Test,
	engine: EngineProcess,
	database: Pick<TestDatabase, "settings">,
): FaultWatch {
	const answers: Readiness[] = [];
	const snapshots = { looks: 0, counted: 0, violations: [] as Violation[] };
	let ended = false;
	const looking = Promise.all([
		every(
			READY_EVERY_MS,
			() => ended,
			async () => {
				answers.push(await readinessOf(engine));
			},
		),
		lookForViolations(database, () => ended, snapshots),
	]);
	const end = async (): Promise<void> => {
		ended = true;
		await looking;
	};
	t.teardown(end);

	const recoveriesSince = (mark: number): LogLine[] =>
		engine.log.slice(mark).filter(({ component, level, reason }) => {
			// An error once it has failed for a while.
			return component === "recovery" && /warn|error/.test(level) && reason !== undefined;
		});
	const counters = async (): Promise<Readonly<Record<string, number>>> => {
		const samples = (await engine.metrics()).get("engine_recoveries_total")?.samples ?? [];
		return Object.fromEntries(samples.map(({ labels, value }) => [labels["reason"], value]));
	};
	const nextCommit = async (what: string, options: WaitOptions = {}): Promise<void> => {
		const { commits } = (await engine.status()).flush;
		await waitUntil(
			async () => {
				const { flush, state } = await engine.status();
				return state === "running" && flush.commits > commits;
			},
			{ what: `a commit after: ${what}`, ...options },
		);
	};

	return {
		async recoversFrom(name, fault, { reason, says, times = 1 }, options = {}) {
			const mark = engine.log.length;
			const fromMs = Date.now();
			const before = await counters();
			await fault();
			const least = typeof times === "number" ? times : times.atLeast;
			await waitUntil(() => recoveriesSince(mark).length >= least, {
				what: `${least} recoveries from: ${name}`,
				...options,
			});
			await nextCommit(name, options);
			await waitUntil(async () => answers.at(-1)?.ready, { what: `readiness after: ${name}`, ...options });
			const lines = recoveriesSince(mark);
			const readiness = answers.filter(({ atMs }) => atMs >= fromMs);
			if (typeof times === "number") t.equal(lines.length, times, `${name}: a line for each recovery`);
			t.match(lines[0]?.msg, says, `${name}: the line says what happened`);
			t.match(lines[0]?.msg, /dropped \d+ uncommitted records, claiming again/, "and what was done");
			t.ok([reason].flat().includes(String(lines[0]?.["reason"])), `${name}: ${lines[0]?.["reason"]}`);
			const after = await counters();
			for (const label of new Set(lines.map((line) => String(line["reason"])))) {
				const told = lines.filter((line) => line["reason"] === label).length;
				t.equal(after[label]! - before[label]!, told, `${name}: counted as ${label}`);
			}
			t.ok(
				readiness.some(({ ready, reasons }) => !ready && /recovering/.test(reasons)),
				`${name}: not ready while it recovers`,
			);
			return { lines, readiness };
		},
		async staysWell(name, work, besides) {
			const mark = engine.log.length;
			const fromMs = Date.now();
			await work();
			await nextCommit(name);
			t.same(recoveriesSince(mark), [], `${name}: no recovery`);
			const told = answers.filter(
				({ atMs, ready, each }) =>
					atMs >= fromMs && !ready && !each.every((one) => /^Kafka/.test(one) || besides?.test(one)),
			);
			t.same(told.slice(0, 3), [], `${name}: ready all the time`);
		},
		async expectWell() {
			await end();
			t.same(snapshots.violations.slice(0, 3), [], `${snapshots.looks} snapshots conserve every record`);
			t.ok(snapshots.looks > 3, `${snapshots.looks} snapshots were taken`);
		},
	};
}

async function readinessOf(engine: EngineProcess): Promise<Readiness> {
	const atMs = Date.now();
	const { status, body } = await engine.get("/readyz");
	const { reasons = [] } = JSON.parse(body) as { reasons?: readonly string[] };
	return { atMs, ready: status === 200, reasons: reasons.join("; "), each: reasons };
}

/** A server that is away answers nothing; the next look connects anew. */
async function lookForViolations(
	{ settings }: Pick<TestDatabase, "settings">,
	ended: () => boolean,
	found: { looks: number; violations: Violation[] },
): Promise<void> {
	let client: pg.Client | null = null;
	await every(SNAPSHOT_EVERY_MS, ended, async () => {
		try {
			if (client === null) {
				client = new pg.Client({
					...settings,
					application_name: "test snapshots",
					connectionTimeoutMillis: 2_000,
				});
				client.on("error", () => {});
				await client.connect();
			}
			const { violations } = await lookAtSnapshot(client);
			found.looks++;
			found.violations.push(...violations);
		} catch {
			await client?.end().catch(() => {});
			client = null;
		}
	});
	await (client as pg.Client | null)?.end().catch(() => {});
}

async function every(pauseMs: number, ended: () => boolean, look: () => Promise<void>): Promise<void> {
	while (!ended()) {
		await look().catch(() => {});
		await sleep(pauseMs);
	}
}
