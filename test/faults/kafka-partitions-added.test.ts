/** A topic that grows while engines read it: the new partitions are found within seconds, and read from their start. */
import t from "tap";
import { expectExact } from "../support/expect-exact.ts";
import { setTheStage } from "../support/fault-setting.ts";
import { untilCaughtUp, untilShared } from "../support/partitions.ts";
import { countedIn } from "../support/snapshot.ts";
import { type StreamMessage, stream } from "../support/stream.ts";
import { send } from "../support/topic.ts";
import { waitUntil } from "../support/wait-until.ts";

const BEFORE = 2;
const AFTER = 5;
const EACH = 200;
/** More than are sent. */
const MESSAGES_MAX = 150_000;

t.test("partitions added under load are shared, and nothing in them is missed", async (t) => {
	let messages: readonly StreamMessage[] = [];
	const stage = await setTheStage(t, {
		partitions: BEFORE,
		messages: (seed) => {
			messages = stream(seed, MESSAGES_MAX);
			return messages;
		},
	});
	const one = await stage.start({ label: "one" });
	const two = await stage.start({ label: "two" });
	await untilShared([one, two], BEFORE);
	await waitUntil(async () => (await countedIn(stage.client)) > 0, { what: "the first commit" });

	await stage.topic.growTo(AFTER);
	// Into the new ones before any engine knows of them: they begin at their start, not at the end.
	const early = await send(
		stage.topic,
		Array.from({ length: (AFTER - BEFORE) * EACH }, (_, i) => ({
			partition: BEFORE + (i % (AFTER - BEFORE)),
			value: `early ${i}`,
		})),
	);
	await untilShared([one, two], AFTER);
	const counted = await waitUntil(
		async () => {
			const { rows } = await stage.client.query<{ partition: number; counted: number }>(
				`SELECT kafka_partition AS partition, (stored_count + dead_letter_count)::int AS counted
				 FROM source_offsets WHERE kafka_partition >= $1 ORDER BY 1`,
				[BEFORE],
			);
			return rows.length === AFTER - BEFORE && rows.every((row) => row.counted >= EACH) && rows;
		},
		{ what: "what was sent into the new partitions" },
	);
	t.equal(counted.length, AFTER - BEFORE);
	const sent = await stage.producer.stop();
	await expectExact(t, stage.client, stage.topic, [
		...messages.slice(0, sent),
		...early.map(({ value }) => ({ key: null, value: value! })),
	]);
	for (const engine of [one, two]) {
		await untilCaughtUp(engine);
		t.same(await engine.stop(), { code: 0, signal: null });
	}
});
