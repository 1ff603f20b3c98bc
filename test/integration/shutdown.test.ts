import t from "tap";
import { createDatabase } from "../support/database.ts";
import { spawnEngine } from "../support/engine-process.ts";
import { setTheStage } from "../support/fault-setting.ts";
import { runningPartitions, untilShared } from "../support/partitions.ts";
import { countedIn } from "../support/snapshot.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Far below the session time-out of these engines: what comes that soon was handed over, not waited for. */
const HANDED_OVER_MS = 30_000;
const LONG_SESSION = { KAFKA_SESSION_TIMEOUT_MS: "60000" };

t.test("SIGTERM commits what was read, exits 0, and leaves the group at once", async (t) => {
	const stage = await setTheStage(t, { partitions: 1 });
	const first = await stage.start({ label: "first", env: { ...LONG_SESSION, FLUSH_INTERVAL_MS: "1000" } });
	await untilShared([first], 1);
	await waitUntil(async () => (await first.status()).totals.stored > 0);
	const successor = await stage.start({ label: "successor", env: LONG_SESSION });
	await waitUntil(async () => (await successor.status()).state !== "starting");
	t.same(await runningPartitions(first), [0], "the first keeps its partition when another joins");
	await waitUntil(async () => (await first.status()).sets.open !== null, {
		what: "a set under way",
		everyMs: 5,
	});

	first.kill("SIGTERM");
	t.same(await first.exited, { code: 0, signal: null });
	const sinceMs = performance.now();
	t.notOk(
		first.log.find(({ msg }) => msg.includes("not committed")),
		"nothing was left",
	);
	await untilShared([successor], 1);
	const tookMs = performance.now() - sinceMs;
	t.ok(tookMs < HANDED_OVER_MS, `the successor reads ${Math.round(tookMs)} ms after the first has ended`);
	const counted = await countedIn(stage.client);
	t.match(first.log.at(-1)?.msg, /stopped: \d+ stored, \d+ dead letters/);
	t.ok(counted > 0);
	await stage.expectExact();
	t.same(await successor.stop(), { code: 0, signal: null });
});

t.test(
	"past its deadline it ends with exit 1, says how much was left, and is not ready meanwhile",
	async (t) => {
		const stage = await setTheStage(t, { partitions: 2 });
		const engine = await stage.start({ label: "late", env: { SHUTDOWN_TIMEOUT_S: "10" } });
		await engine.ready();
		await waitUntil(async () => (await engine.status()).totals.stored > 0);
		await stage.client.query("BEGIN; LOCK TABLE source_offsets");
		await waitUntil(async () => (await engine.status()).sets.waiting !== null, { what: "sets that pile up" });

		engine.kill("SIGTERM");
		const unready = await waitUntil(async () => {
			const answer = await engine.get("/readyz");
			// Whatever else it was not ready for a moment before.
			return answer.status === 503 && answer.body.includes('"stopping"') && answer.body;
		});
		t.match(JSON.parse(unready), { ready: false, state: "stopping", reasons: ["stopping"] });
		t.same(await engine.exited, { code: 1, signal: null });
		const left = engine.log.find(({ msg }) => msg.includes("records were read and not committed"));
		t.match(left?.msg, /^[1-9]\d* records were read and not committed; the next start reads them again/);
		t.equal(left?.level, "error");
		await stage.client.query("ROLLBACK");

		const next = await stage.start({ label: "next", groupId: `${stage.topic.name}-next` });
		await stage.expectExact();
		t.same(await next.stop(), { code: 0, signal: null });
	},
);

t.test("a second signal ends it at once", async (t) => {
	const stage = await setTheStage(t, { partitions: 2 });
	const engine = await stage.start({ label: "impatient", env: { SHUTDOWN_TIMEOUT_S: "120" } });
	await engine.ready();
	await waitUntil(async () => (await engine.status()).totals.stored > 0);
	await stage.client.query("BEGIN; LOCK TABLE source_offsets");
	await waitUntil(async () => (await engine.status()).sets.committing !== null);
	engine.kill("SIGINT");
	await waitUntil(async () => (await engine.status()).state === "stopping");
	const sinceMs = performance.now();
	engine.kill("SIGINT");
	t.same(await engine.exited, { code: 1, signal: null });
	t.ok(performance.now() - sinceMs < HANDED_OVER_MS);
	t.match(engine.log.at(-1), { level: "error", msg: /second SIGINT: ending at once/ });
	await stage.client.query("ROLLBACK");

	await stage.start({ label: "next", groupId: `${stage.topic.name}-next` });
	await stage.expectExact();
});

t.test("a signal while it waits for Kafka ends it with 128 and the signal's number", async (t) => {
	const database = await createDatabase(t);
	const topic = { name: "nowhere", brokers: ["127.0.0.1:1"] };
	for (const [signal, code] of [
		["SIGINT", 130],
		["SIGTERM", 143],
	] as const) {
		const engine = spawnEngine(t, { topic, database });
		await waitUntil(() => engine.log.some(({ msg }) => /waiting for Kafka/i.test(msg)), {
			what: "the wait for Kafka",
		});
		engine.kill(signal);
		t.same(await engine.exited, { code, signal: null });
	}
});
