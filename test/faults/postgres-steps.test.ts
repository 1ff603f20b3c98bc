/**
 * Whatever Postgres does to a transaction of ours, in whichever step: the engine drops it, asks the rows, and goes on.
 * Triggers in the test's database hold the transaction at the step, or raise the error there.
 */
import t from "tap";
import type { EngineProcess } from "../support/engine-process.ts";
import { type FaultSetting, setTheStage } from "../support/fault-setting.ts";
import { type FaultWatch, watchFaults } from "../support/fault-watch.ts";
import { holdStep, prepareHolds, type Step } from "../support/hold-step.ts";
import { prepareRaises, raiseAtStep } from "../support/raise-at-step.ts";
import { waitUntil } from "../support/wait-until.ts";

const STEPS_OF_A_FLUSH = [
	"move offsets",
	"COPY events",
	"COPY dead letters",
	"users",
	"sessions",
	"hours",
	"COMMIT",
] as const satisfies readonly Step[];

const TERMINATED = {
	reason: "flush_failed",
	says: /terminating connection due to administrator command/,
} as const;

const FULL_DISK_TRIES = 4;
/** What the first of several recoveries waits for at most (engine/limits.ts); each further one for twice as long. */
const FIRST_BACKOFF_MS = 200;

/** A recovery waits for two heartbeats, a second each: stages side by side take as long as one. */
t.jobs = 3;

interface Scene {
	readonly stage: FaultSetting;
	readonly engine: EngineProcess;
	readonly watch: FaultWatch;
	/** Ends the backend of the engine's lane, as an administrator or a failing server does. */
	terminate(lane: "writer" | "claimer" | "probe"): Promise<void>;
	/** The same to the writer, in the middle of a flush. */
	terminateAt(step: Step): Promise<void>;
	/** Everything exact, every snapshot conserving, and the engine still the one that was started. */
	end(): Promise<void>;
}

async function openScene(t: Parameters<typeof setTheStage>[0]): Promise<Scene> {
	const stage = await setTheStage(t, { partitions: 2, perSecond: 400 });
	await prepareHolds(stage.client);
	await prepareRaises(stage.client);
	const engine = await stage.start({ env: { ACTORS: "1" } });
	await engine.ready();
	await waitUntil(async () => (await engine.status()).flush.commits > 0, { what: "its first commit" });
	const watch = watchFaults(t, engine, stage.database);
	const terminate: Scene["terminate"] = async (lane) => {
		const { rowCount } = await stage.client.query(
			`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND application_name LIKE 'lottery-engine ' || $1 || ' %'`,
			[lane],
		);
		t.equal(rowCount, 1, `there is one ${lane}`);
	};
	return {
		stage,
		engine,
		watch,
		terminate,
		async terminateAt(step) {
			const held = await holdStep(stage.client, step, engine.pid);
			await held.reached();
			await terminate("writer");
			await held.release();
		},
		async end() {
			await stage.expectExact();
			await watch.expectWell();
			t.same(await engine.stop(), { code: 0, signal: null }, "the process is the one that was started");
		},
	};
}

t.test("a writer whose backend is terminated in any step of a flush stores everything once", async (t) => {
	const { watch, terminateAt, end } = await openScene(t);
	for (const step of STEPS_OF_A_FLUSH) {
		await watch.recoversFrom(`terminated at ${step}`, () => terminateAt(step), TERMINATED);
	}
	await end();
});

t.test(
	"a claimer whose backend is terminated claims again, a lost probe is nobody's trouble, and a full disk is waited for",
	async (t) => {
		const { stage, engine, watch, terminate, terminateAt, end } = await openScene(t);
		const { lines } = await watch.recoversFrom(
			"the writer is terminated in a flush, then the claimer in its claim",
			async () => {
				const held = await holdStep(stage.client, "claim", engine.pid);
				await terminateAt("users");
				await held.reached();
				await terminate("claimer");
				await held.release();
			},
			{ ...TERMINATED, times: 2 },
		);
		t.match(lines[1], { reason: "claim_failed", msg: /terminating connection/, tries: 2 });

		await watch.staysWell(
			"the probe is terminated",
			async () => {
				const probe = async (): Promise<number | undefined> => {
					const { rows } = await stage.client.query<{ pid: number }>(
						`SELECT pid FROM pg_stat_activity
					WHERE datname = current_database() AND application_name LIKE 'lottery-engine probe %'`,
					);
					return rows[0]?.pid;
				};
				const lost = await probe();
				await terminate("probe");
				await waitUntil(async () => ![lost, undefined].includes(await probe()), { what: "another probe" });
			},
			// A question that was under way was not answered.
			/terminating connection/,
		);

		const full = await watch.recoversFrom(
			`a disk that is full for ${FULL_DISK_TRIES} tries`,
			() => raiseAtStep(stage.client, "COPY events", "53100", FULL_DISK_TRIES),
			{ reason: "flush_failed", says: /a fault of the test at COPY events/, times: FULL_DISK_TRIES },
		);
		for (const [index, line] of full.lines.entries()) {
			const { tries, delayMs } = line as { tries?: number; delayMs?: number };
			t.equal(tries, index + 1, "each try is counted");
			const ceilingMs = FIRST_BACKOFF_MS * 2 ** index;
			t.ok(
				delayMs !== undefined && delayMs >= ceilingMs / 2 && delayMs <= ceilingMs,
				`try ${tries} waits for ${delayMs} of at most ${ceilingMs} ms`,
			);
		}
		// A claim succeeds in between, and yet nothing can be stored.
		const triedMs = Date.parse(String(full.lines[0]!["time"]));
		const firstMs = full.readiness.find(({ ready, atMs }) => !ready && atMs >= triedMs)!.atMs;
		const lastMs = Date.parse(String(full.lines.at(-1)!["time"]));
		const between = full.readiness.filter(({ atMs }) => atMs >= firstMs && atMs <= lastMs);
		t.same(
			between.filter(({ ready }) => ready),
			[],
			`not ready at any of ${between.length} looks between the first try and the last`,
		);
		await end();
	},
);

/** Errors that pass, by the step at which a server raises them. */
const PASSING_ERRORS: readonly (readonly [code: string, what: string, step: Step])[] = [
	["40001", "a serialization failure", "hours"],
	["40P01", "a deadlock", "users"],
	["55P03", "a lock time-out", "move offsets"],
	["57014", "a statement time-out", "sessions"],
	["53200", "out of memory", "COPY dead letters"],
	["58030", "an I/O error", "COMMIT"],
	["53400", "a limit of the configuration", "claim"],
];

t.test(
	"errors of Postgres that pass are retried, whatever the step, and none makes a dead letter",
	async (t) => {
		const { stage, watch, terminateAt, end } = await openScene(t);
		for (const [code, what, step] of PASSING_ERRORS) {
			const raise = () => raiseAtStep(stage.client, step, code);
			if (step !== "claim") {
				const says = new RegExp(`a fault of the test at ${step}`);
				await watch.recoversFrom(`${what} at ${step}`, raise, { reason: "flush_failed", says });
				continue;
			}
			const { lines } = await watch.recoversFrom(
				`${what} at ${step}`,
				async () => {
					await raise();
					await terminateAt("users");
				},
				{ ...TERMINATED, times: 2 },
			);
			t.match(lines[1], { reason: "claim_failed", msg: /a fault of the test at claim/ });
		}
		await end();
	},
);
