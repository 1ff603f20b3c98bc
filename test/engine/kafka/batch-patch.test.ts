import { createRequire } from "node:module";
import t from "tap";
import { patchBatch } from "../../../engine/kafka/batch-patch.ts";

interface Message {
	readonly offset: string;
	readonly isControlRecord?: boolean;
}

interface BatchClass {
	new (
		topic: string,
		fetchedOffset: string,
		data: object,
	): { firstOffset(): string | null; lastOffset(): string };
}

const Batch = createRequire(import.meta.url)("kafkajs/src/consumer/batch") as BatchClass;

/** What kafkajs makes of a fetch from `fetchedOffset`. */
function batchOf(fetchedOffset: string, messages: readonly Message[]) {
	return new Batch("topic", fetchedOffset, {
		partition: 0,
		highWatermark: "1000",
		abortedTransactions: [],
		messages,
	});
}

const control = (offset: string): Message => ({ offset, isControlRecord: true });

t.test("kafkajs as it is names the first record it found, or none", async (t) => {
	t.equal(
		batchOf("100", [control("105")]).firstOffset(),
		"105",
		"a hole before it cannot be told from a jump",
	);
	t.equal(batchOf("100", [control("99")]).firstOffset(), null);
});

t.test("a fetch without a record for us says where it was fetched from", async (t) => {
	patchBatch();
	patchBatch();
	const behindHole = batchOf("100", [control("105"), control("106")]);
	t.same([behindHole.firstOffset(), behindHole.lastOffset()], ["100", "106"]);
	const compacted = batchOf("100", [{ offset: "98" }, { offset: "99" }]);
	t.same([compacted.firstOffset(), compacted.lastOffset()], ["100", "100"]);
});

t.test("batches with records, and truly empty ones, are as they were", async (t) => {
	patchBatch();
	t.equal(batchOf("100", [{ offset: "103" }, control("104")]).firstOffset(), "103");
	t.equal(batchOf("100", []).firstOffset(), null);
});
