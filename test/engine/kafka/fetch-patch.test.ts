import { createRequire } from "node:module";
import t from "tap";
import { registerCodecs } from "../../../engine/kafka/codecs.ts";
import { patchFetch, unreadableReason } from "../../../engine/kafka/fetch-patch.ts";
import { JAVA_RECORDS, javaBatch } from "../../support/java-batches.ts";

interface Partition {
	readonly partition: number;
	readonly errorCode: number;
	readonly messages: object[];
}

interface FetchResponse {
	decode(bytes: Buffer): Promise<{ readonly responses: { readonly partitions: Partition[] }[] }>;
	parse(data: object): Promise<object>;
}

interface KafkaBatch {
	readonly messages: object[];
	isEmpty(): boolean;
	isEmptyDueToFiltering(): boolean;
	firstOffset(): string | null;
	lastOffset(): string;
	offsetLag(): string;
}

const require = createRequire(import.meta.url);
const Batch = require("kafkajs/src/consumer/batch") as new (
	topic: string,
	at: string,
	data: object,
) => KafkaBatch;

/** As kafkajs finds it for each request. */
function response(version: number): FetchResponse {
	const fetch = require("kafkajs/src/protocol/requests/fetch") as {
		protocol(about: { version: number }): (options: object) => { readonly response: FetchResponse };
	};
	return fetch.protocol({ version })({ topics: [], maxWaitTime: 1, minBytes: 1, maxBytes: 1 }).response;
}

/** The answer of a broker to Fetch v11, by the protocol's own description. */
function answer(partitions: readonly { readonly errorCode: number; readonly batches: Buffer }[]): Buffer {
	const int16 = (value: number) => Buffer.from([value >> 8, value & 0xff]);
	const int32 = (value: number) => {
		const bytes = Buffer.alloc(4);
		bytes.writeInt32BE(value);
		return bytes;
	};
	const int64 = (value: number) => {
		const bytes = Buffer.alloc(8);
		bytes.writeBigInt64BE(BigInt(value));
		return bytes;
	};
	return Buffer.concat([
		...[int32(0), int16(0), int32(0), int32(1), int16(1), Buffer.from("t"), int32(partitions.length)],
		...partitions.flatMap(({ errorCode, batches }, partition) => [
			...[int32(partition), int16(errorCode), int64(100), int64(100), int64(0)],
			...[int32(0), int32(-1), int32(batches.length), batches],
		]),
	]);
}

const good = { errorCode: 0, batches: javaBatch("lz4") };
const flipped = javaBatch("lz4");
flipped[150]! ^= 4;
const bad = { errorCode: 0, batches: flipped };

t.test("kafkajs as it is loses all partitions with one: the reason for the patch", async (t) => {
	await t.rejects(response(11).decode(answer([good, bad])));
});

t.test(
	"a partition that cannot be read is a batch without records that says why, and the others are whole",
	async (t) => {
		patchFetch();
		patchFetch();
		registerCodecs();
		const decoded = await response(11).decode(answer([good, bad, good]));
		await response(11).parse(decoded);
		const partitions = decoded.responses[0]!.partitions;
		t.same(
			partitions.map(({ messages }) => messages.length),
			[JAVA_RECORDS.length, 0, JAVA_RECORDS.length],
		);
		const [first, second] = partitions.map((data) => new Batch("t", "0", { ...data, highWatermark: "100" }));
		t.equal(unreadableReason(first!), null);
		t.match(unreadableReason(second!), /^the checksum of the batch/);
		t.same([second!.isEmpty(), second!.isEmptyDueToFiltering(), second!.firstOffset()], [false, false, null]);
		t.same([second!.messages.length, second!.offsetLag()], [0, "0"], "kafkajs asks these of every batch");
	},
);

t.test(
	"a broker that finds its own log broken stops that partition only, and other errors are kafkajs's",
	async (t) => {
		patchFetch();
		registerCodecs();
		const none = Buffer.alloc(0);
		const decoded = await response(11).decode(answer([good, { errorCode: 2, batches: none }]));
		await response(11).parse(decoded);
		const [, corrupt] = decoded.responses[0]!.partitions;
		t.match(unreadableReason(new Batch("t", "0", { ...corrupt, highWatermark: "100" })), /CORRUPT_MESSAGE/);
		const outOfRange = await response(11).decode(answer([good, { errorCode: 1, batches: none }]));
		await t.rejects(response(11).parse(outOfRange), { name: "KafkaJSOffsetOutOfRange" });
	},
);

t.test("empty answers are no trouble, and every version has the patch", async (t) => {
	patchFetch();
	const decoded = await response(11).decode(answer([{ errorCode: 0, batches: Buffer.alloc(0) }]));
	const [partition] = decoded.responses[0]!.partitions;
	const batch = new Batch("t", "0", { ...partition, highWatermark: "0" });
	t.same([batch.isEmpty(), unreadableReason(batch)], [true, null]);
	for (const version of [4, 5, 6, 7, 8, 9, 10, 11]) {
		t.equal(response(version).decode.name, "", `version ${version} has ours, which has no name`);
	}
});
