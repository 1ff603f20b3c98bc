/**
 * I4: everything acknowledged to a producer is stored or dead-lettered, exactly once. Kills and restarts are in
 * restart.test.ts; here are the moments in which nobody knows what the database has done, and the log that is shorter
 * than it was.
 */
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { PATIENT_SESSION, setTheStage } from "../support/fault-setting.ts";
import { untilShared } from "../support/partitions.ts";
import { startProxy } from "../support/tcp-proxy.ts";
import { send } from "../support/topic.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Each costs a recovery of two heartbeats, about two seconds. */
const LOST_ANSWERS = 6;
const CUTS = 4;

t.test("a COMMIT whose answer is lost counts once, whether it was a flush's or a claim's", async (t) => {
	const stage = await setTheStage(t);
	const { settings } = stage.database;
	const proxy = await startProxy(t, settings.port);
	const engine = await stage.start({
		database: { settings: { ...settings, port: proxy.port } },
		env: { FLUSH_INTERVAL_MS: "20" },
	});
	await engine.ready();
	proxy.onRequest = (chunk) =>
		chunk.includes("COMMIT\0") && proxy.swallowed < LOST_ANSWERS && stage.random.chance(0.4)
			? "swallow"
			: "pass";
	await waitUntil(() => proxy.swallowed >= LOST_ANSWERS, { what: `${LOST_ANSWERS} lost answers` });
	for (let cut = 0; cut < CUTS; cut++) {
		// Somewhere within a transaction: at its first or at a later chunk.
		let chunksLeft = 1 + stage.random.below(12);
		let isCut = false;
		proxy.onRequest = () => {
			if (--chunksLeft === 0) {
				isCut = true;
				queueMicrotask(() => proxy.cut());
			}
			return "pass";
		};
		await waitUntil(() => isCut, { what: `cut ${cut}`, everyMs: 5 });
	}
	proxy.onRequest = () => "pass";
	await stage.expectExact();
	const { totals } = await engine.status();
	t.ok(totals.recoveries >= LOST_ANSWERS / 2, `${totals.recoveries} recoveries`);
	t.same(await engine.stop(), { code: 0, signal: null });
});

t.test(
	"when the log is trimmed past what is counted, that partition halts, and nothing is skipped in silence",
	async (t) => {
		const stage = await setTheStage(t, { partitions: 2, messages: () => [] });
		const { topic, client } = stage;
		const say = (partition: number, count: number) =>
			send(
				topic,
				Array.from({ length: count }, (_, i) => ({
					partition,
					value: `{"event_type":"login","event_time":"2025-06-01T10:00:00","payload":{"user_id":"u${i}","session_id":${i}}}`,
				})),
			);
		const offsetOf = async (partition: number): Promise<number> => {
			const { rows } = await client.query(
				"SELECT next_offset::int FROM source_offsets WHERE kafka_partition = $1",
				[partition],
			);
			return rows[0]?.next_offset;
		};
		await say(0, 20);
		const engine = await stage.start({ env: PATIENT_SESSION });
		await untilShared([engine], 2);
		await waitUntil(async () => (await offsetOf(0)) === 20);

		engine.kill("SIGSTOP");
		// The fetch it has at the broker is answered empty by then: what comes now it can only ask for later.
		await sleep(3_000);
		await say(0, 30);
		await topic.deleteRecordsBefore(new Map([[0, 40]]));
		engine.kill("SIGCONT");
		await say(1, 10);
		const halted = await waitUntil(async () => {
			const { partitions } = await engine.status();
			return partitions.find(({ state }) => state === "halted");
		});
		t.match(halted, {
			partition: 0,
			haltReason: /offset_out_of_range.* 20 .*40 to 50|counted up to offset 20.* starts at 40/,
		});
		t.ok(halted.pausedReasons.includes("halted"));
		const { status, body } = await engine.get("/readyz");
		t.equal(status, 503);
		t.match(body, /partition 0 is halted/);
		await waitUntil(async () => (await offsetOf(1)) === 10, { what: "the other partition going on" });
		t.equal(await offsetOf(0), 20, "not one offset was counted that was not read");
		t.same(await engine.stop(), { code: 0, signal: null });

		const next = await stage.start({ groupId: `${topic.name}-next` });
		const again = await waitUntil(async () => {
			const { partitions } = await next.status();
			return partitions.find(({ state }) => state === "halted");
		});
		t.match(again.haltReason, /counted up to offset 20.* starts at 40: 20 offsets were deleted/);
		t.equal(await offsetOf(0), 20);
		const { rows } = await client.query(
			"SELECT kafka_partition AS partition, array_agg(kafka_offset::int ORDER BY kafka_offset) AS offsets FROM events GROUP BY 1 ORDER BY 1",
		);
		t.same(rows, [
			{ partition: 0, offsets: [...Array(20).keys()] },
			{ partition: 1, offsets: [...Array(10).keys()] },
		]);
		t.same(await next.stop(), { code: 0, signal: null });
	},
);
