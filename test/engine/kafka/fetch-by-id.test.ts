import { createRequire } from "node:module";
import t from "tap";
import { appendStandIn, scannedRecords } from "../../../engine/kafka/batch-scanner.ts";
import type { RequestOf } from "../../../engine/kafka/cluster-inside.ts";
import { registerCodecs } from "../../../engine/kafka/codecs.ts";
import { fetchById } from "../../../engine/kafka/fetch-by-id.ts";
import { unreadableReason } from "../../../engine/kafka/fetch-patch.ts";
import { FlexibleReader } from "../../../engine/kafka/flexible-wire.ts";
import { appendMessages } from "../../../engine/kafka/kafkajs-decoder.ts";
import type { BatchDecoder } from "../../../engine/kafka/record-batches.ts";
import { JAVA_RECORDS, javaBatch } from "../../support/java-batches.ts";

const ID = "00112233445566778899aabbccddeeff";
const OPTIONS = {
	isolationLevel: 1,
	maxWaitTime: 250,
	minBytes: 1,
	maxBytes: 1_000_000,
	topics: [{ topic: "t", partitions: [{ partition: 3, fetchOffset: "9007199254740993", maxBytes: 65_536 }] }],
};

registerCodecs();

/** kafkajs's newest fetch, and what becomes of it. */
function exchange(decode: BatchDecoder = appendMessages, served: (partition: number) => void = () => {}) {
	const topic = { name: "t", id: ID, decode, served };
	const fetch = createRequire(import.meta.url)("kafkajs/src/protocol/requests/fetch") as {
		protocol(about: { version: number }): RequestOf;
	};
	return fetchById(fetch.protocol({ version: 11 }), topic)(OPTIONS);
}

t.test("the request names the topic by its id, and asks for what kafkajs would", async (t) => {
	const { request } = exchange();
	t.match(request, { apiKey: 1, apiVersion: 13, apiName: "Fetch" });
	const { buffer } = (await request.encode()) as { buffer: Buffer };
	const reader = new FlexibleReader(buffer);
	reader.skipTags();
	t.same([reader.int32(), reader.int32(), reader.int32(), reader.int32()], [-1, 250, 1, 1_000_000]);
	// Isolation level, then no session.
	t.equal(buffer[17], 1);
	const rest = new FlexibleReader(buffer.subarray(18));
	t.same([rest.int32(), rest.int32(), rest.count(), rest.uuid(), rest.count()], [0, -1, 1, ID, 1]);
	t.same([rest.int32(), rest.int32(), rest.int64(), rest.int32()], [3, -1, 9007199254740993n, -1]);
	t.same([rest.int64(), rest.int32()], [-1n, 65_536]);
});

interface Answered {
	readonly responses: readonly {
		readonly topicName: string;
		readonly partitions: readonly { readonly errorCode: number; readonly messages: object[] }[];
	}[];
}

/** An answer with one partition. */
async function answered(
	errorCode: number,
	records: Buffer,
	decode?: BatchDecoder,
	served?: (partition: number) => void,
): Promise<Answered> {
	const head = Buffer.alloc(1 + 4 + 2 + 4);
	const partition = Buffer.alloc(4 + 2 + 8 + 8 + 8);
	partition.writeInt32BE(3, 0);
	partition.writeInt16BE(errorCode, 4);
	const length = records.length + 1;
	const varint = Buffer.from([(length & 0x7f) | 0x80, (length >>> 7) & 0x7f]);
	const bytes = Buffer.concat([
		...[head, Buffer.from([2]), Buffer.from(ID, "hex"), Buffer.from([2]), partition],
		// No aborted transactions, no preferred replica, the records; then three ends without tags.
		...[Buffer.from([0, 0xff, 0xff, 0xff, 0xff]), varint, records, Buffer.alloc(3)],
	]);
	return (await exchange(decode, served).response.decode(bytes)) as Answered;
}

t.test("an answer becomes what kafkajs makes of its own, a batch that cannot be read included", async (t) => {
	const { responses } = await answered(0, javaBatch("lz4"));
	t.equal(responses[0]!.topicName, "t");
	t.match(responses[0]!.partitions, [{ errorCode: 0, partition: 3, preferredReadReplica: -1 }]);
	t.equal(responses[0]!.partitions[0]!.messages.length, JAVA_RECORDS.length);
	const broken = javaBatch("lz4");
	broken[100]! ^= 1;
	const [bad] = (await answered(0, broken)).responses[0]!.partitions;
	t.match(unreadableReason({ rawMessages: bad!.messages }), /checksum/);
});

t.test("a topic of that id which the broker has no more is stale metadata to kafkajs", async (t) => {
	for (const gone of [100, 103]) {
		const answer = await answered(gone, Buffer.alloc(0));
		t.equal(answer.responses[0]!.partitions[0]!.errorCode, 3);
		await t.rejects(exchange().response.parse(answer as never), /does not host this topic-partition/);
	}
});

t.test("the scanner leaves one message for a batch, whatever its records", async (t) => {
	const [partition] = (await answered(0, javaBatch("lz4"), appendStandIn)).responses[0]!.partitions;
	t.match(
		partition!.messages,
		[{ offset: "11", isControlRecord: true }],
		"below the offset that was asked for",
	);
	t.not(scannedRecords([{ offset: "11", scanned: {} }], 0), null);
	t.equal(scannedRecords([{ offset: "11", value: null }], 0), null, "messages of kafkajs are told from them");
});

t.test("who brought records is told, and who brought none is not", async (t) => {
	const served: number[] = [];
	await answered(0, Buffer.alloc(0), appendStandIn, (partition) => served.push(partition));
	await answered(3, Buffer.alloc(0), appendStandIn, (partition) => served.push(partition));
	t.same(served, []);
	await answered(0, javaBatch("lz4"), appendStandIn, (partition) => served.push(partition));
	t.same(served, [3]);
});
