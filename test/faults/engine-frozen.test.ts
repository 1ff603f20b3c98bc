/**
 * An engine that is frozen (SIGSTOP: a suspended machine, a stopped container) in each step, for longer than its session.
 * Another one must take over although the frozen one's transaction holds its locks, and when it wakes neither may it
 * commit what is not its any more, nor may the two take the partitions from each other for ever.
 */
import pg from "pg";
import type { Test } from "tap";
import t from "tap";
import type { EngineProcess } from "../support/engine-process.ts";
import { type FaultSetting, setTheStage } from "../support/fault-setting.ts";
import { holdStep, prepareHolds, type Step } from "../support/hold-step.ts";
import { untilShared } from "../support/partitions.ts";
import { metricValue } from "../support/prometheus-text.ts";
import { countedIn } from "../support/snapshot.ts";
import { startProxy } from "../support/tcp-proxy.ts";
import { waitUntil } from "../support/wait-until.ts";

const PARTITIONS = 2;
/**
 * Transactions that raise epochs: the sleeper's first, the heir's, the sleeper's when it wakes, one more each when they
 * share again, and as many once more for a busy machine. Two that fence each other for ever make one a second each.
 */
const CLAIMS_MAX = 12;
/** More than can have been under way when the lock was taken. */
const STORED_MEANWHILE = 1_500;
/** A session of 6 s and a lock wait of 5 s; the server's own time-out for a transaction that idles comes after 60 s. */
const HEIR_DEADLINE_MS = 45_000;

/** Stops the engine at a moment; returns what must be done while it is stopped. */
type Freeze = (stage: FaultSetting, sleeper: EngineProcess) => Promise<void>;

/** Held by a trigger until it is stopped: then the server ends the step, and waits for the next one in vain. */
const heldAt =
	(step: Step): Freeze =>
	async ({ client }, sleeper) => {
		const held = await holdStep(client, step, sleeper.pid);
		await held.reached();
		sleeper.kill("SIGSTOP");
		await held.release();
	};

/** With a claim under way: its connections are taken from it, so that it recovers, and claims again. */
const inClaim: Freeze = async (stage, sleeper) => {
	const held = await holdStep(stage.client, "claim", sleeper.pid);
	await terminateWriter(stage, sleeper);
	await held.reached();
	sleeper.kill("SIGSTOP");
	await held.release();
};

const MOMENTS: Readonly<Record<string, Freeze>> = {
	"in a claim": inClaim,
	"while it moves its offsets": heldAt("move offsets"),
	"before it counts users": heldAt("users"),
	"in COMMIT": heldAt("COMMIT"),
};

// Each waits for a session of six seconds and a lock of five: together they take as long as one.
t.jobs = Object.keys(MOMENTS).length + 2;

for (const [moment, freeze] of Object.entries(MOMENTS)) {
	t.test(
		`an engine frozen ${moment} keeps nobody from its partitions, and commits nothing when it wakes`,
		(t) => sleepThrough(t, freeze),
	);
}

t.test("an engine frozen in mid-COPY keeps nobody from its partitions", async (t) => {
	await sleepThrough(t, async ({ client }, sleeper, proxy) => {
		const isCopying = async (): Promise<boolean> => {
			const { rows } = await client.query(
				`SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY events%'
					AND state = 'active' AND wait_event = 'ClientRead' AND application_name LIKE 'lottery-engine writer%'`,
			);
			return rows.length > 0;
		};
		// The command gets through, the rows do not: from then on the backend waits for its client.
		proxy.onRequest = (chunk) => {
			if (chunk.includes("COPY events")) proxy.freeze();
			return "pass";
		};
		await waitUntil(isCopying, { what: "a COPY without rows", everyMs: 10 });
		sleeper.kill("SIGSTOP");
		proxy.onRequest = () => "pass";
		t.ok(await isCopying(), "the backend waits for the rows of a frozen client");
	});
});

t.test("an engine frozen while it makes a day's partition keeps nobody from writing", async (t) => {
	const stage = await setTheStage(t, { partitions: PARTITIONS, perSecond: 400 });
	const engine = await stage.start({ label: "engine", env: { ACTORS: "1" } });
	await waitUntil(async () => (await engine.status()).totals.stored > 0, { what: "its first commit" });
	// What Postgres sees of the other one: its connection for days, in mid-transaction, and silence.
	const frozen = new pg.Client({
		...stage.database.settings,
		application_name: "lottery-engine days frozen:1:0",
	});
	frozen.on("error", () => {});
	t.teardown(() => frozen.end().catch(() => {}));
	await frozen.connect();
	await frozen.query("BEGIN; LOCK TABLE ONLY events IN SHARE ROW EXCLUSIVE MODE");
	const { stored } = (await engine.status()).totals;
	await waitUntil(async () => (await engine.status()).totals.stored > stored + STORED_MEANWHILE, {
		what: "work going on",
	});
	await stage.expectExact();
	t.equal((await engine.status()).totals.recoveries, 0, "it waited for the lock, and got it");
	t.same(await engine.stop(), { code: 0, signal: null });
});

async function sleepThrough(
	t: Test,
	freeze: (
		stage: FaultSetting,
		sleeper: EngineProcess,
		proxy: Awaited<ReturnType<typeof startProxy>>,
	) => Promise<void>,
): Promise<void> {
	const stage = await setTheStage(t, { partitions: PARTITIONS, perSecond: 400 });
	await prepareHolds(stage.client);
	const { settings } = stage.database;
	const proxy = await startProxy(t, settings.port);
	const sleeper = await stage.start({
		label: "sleeper",
		env: { ACTORS: "1" },
		database: { settings: { ...settings, port: proxy.port } },
	});
	await untilShared([sleeper], PARTITIONS);
	await waitUntil(async () => (await sleeper.status()).totals.stored > 0, { what: "its first commit" });

	await freeze(stage, sleeper, proxy);
	const heir = await stage.start({ label: "heir", env: { ACTORS: "1" } });
	await untilShared([heir], PARTITIONS, { deadlineMs: HEIR_DEADLINE_MS });
	await heir.ready();
	const counted = await countedIn(stage.client);
	await waitUntil(async () => (await countedIn(stage.client)) > counted, { what: "work going on" });

	proxy.thaw();
	sleeper.kill("SIGCONT");
	await untilShared([sleeper, heir], PARTITIONS);
	for (const engine of [sleeper, heir]) await engine.ready();
	const { claims } = await stage.expectExact();
	t.ok(claims <= CLAIMS_MAX, `${claims} claims: nobody fences another for ever`);
	await tellsOfItsRecoveries(t, sleeper);
	for (const engine of [sleeper, heir]) t.same(await engine.stop(), { code: 0, signal: null });
}

/** One line of the log and one count of the metric each. */
async function tellsOfItsRecoveries(t: Test, engine: EngineProcess): Promise<void> {
	const metrics = await engine.metrics();
	const lines = engine.log.filter(
		({ component, level, reason }) => component === "recovery" && /warn|error/.test(level) && reason,
	);
	for (const reason of new Set(lines.map(({ reason }) => String(reason)))) {
		const told = lines.filter((line) => line.reason === reason).length;
		t.equal(
			metricValue(metrics, "engine_recoveries_total", { reason }),
			told,
			`${told} recoveries: ${reason}`,
		);
	}
}

async function terminateWriter({ client }: FaultSetting, { pid }: EngineProcess): Promise<void> {
	await client.query(
		`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()
			AND application_name LIKE 'lottery-engine writer%' AND position($1 IN application_name) > 0`,
		[`:${pid}:`],
	);
}
