/**
 * What is inside kafkajs and in use by us: prototypes that are patched, objects that are reached into, and what its
 * decoder does not do. Rows K2, K22, K27, K34, K37 and K38 of docs/kafkajs.md.
 */
import { createRequire } from "node:module";
import { AssignerProtocol, type Kafka, PartitionAssigners } from "kafkajs";
import t, { type Test } from "tap";
import { randomGroup, startRawConsumer } from "../support/raw-consumer.ts";
import { createTopic, kafkaClient, send } from "../support/topic.ts";
import { waitUntil } from "../support/wait-until.ts";

const require = createRequire(import.meta.url);

type RequestOf = (options: object) => { readonly response: { parse(data: unknown): Promise<unknown> } };

interface Broker {
	lookupRequest(apiKey: number, definition: object): RequestOf;
	joinGroup(request: object): Promise<{ generationId: number; memberId: string; leaderId: string }>;
	syncGroup(request: object): Promise<unknown>;
	leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>;
}

interface Cluster {
	connect(): Promise<void>;
	disconnect(): Promise<void>;
	findGroupCoordinator(about: { groupId: string }): Promise<Broker>;
	readonly brokerPool: {
		readonly versions: Record<number, { readonly minVersion: number; readonly maxVersion: number }>;
	};
}

/** kafkajs's own cluster object, as engine/kafka reaches it: by the symbol on the client. */
async function openCluster(t: Test): Promise<Cluster> {
	const { kafka } = kafkaClient();
	const inside = kafka as unknown as Record<symbol, (options: object) => Cluster>;
	const symbol = Object.getOwnPropertySymbols(kafka satisfies Kafka).find(
		({ description }) => description === "private:Kafka:createCluster",
	);
	if (symbol === undefined) throw new Error("kafkajs has no createCluster any more");
	const cluster = inside[symbol]!({});
	await cluster.connect();
	t.teardown(() => cluster.disconnect());
	return cluster;
}

t.test("the methods we patch are where the patches look for them", async (t) => {
	const requestQueue = require("kafkajs/src/network/requestQueue") as { prototype: Record<string, unknown> };
	for (const method of ["scheduleCheckPendingRequests", "checkPendingRequests", "destroy"]) {
		t.type(requestQueue.prototype[method], "function", `RequestQueue.${method}`);
	}
	const batch = require("kafkajs/src/consumer/batch") as { prototype: Record<string, unknown> };
	for (const method of ["firstOffset", "lastOffset", "isEmptyDueToFiltering"]) {
		t.type(batch.prototype[method], "function", `Batch.${method}`);
	}
});

/** Requests of the engine, its producer and its commands, by kafkajs's names for them. */
const REQUESTS = [
	"Produce",
	"Fetch",
	"ListOffsets",
	"Metadata",
	"OffsetCommit",
	"OffsetFetch",
	"GroupCoordinator",
	"JoinGroup",
	"Heartbeat",
	"LeaveGroup",
	"SyncGroup",
	"ApiVersions",
	"InitProducerId",
	"CreateTopics",
] as const;

t.test("K2: the broker and kafkajs share a version of every request the engine makes", async (t) => {
	const cluster = await openCluster(t);
	const { requests } = require("kafkajs/src/protocol/requests") as {
		requests: Record<string, { versions: readonly string[] }>;
	};
	const keys = require("kafkajs/src/protocol/requests/apiKeys") as Record<string, number>;
	for (const name of REQUESTS) {
		const broker = cluster.brokerPool.versions[keys[name]!];
		const ours = requests[name]!.versions.map(Number);
		const shared = ours.filter((one) => broker && one >= broker.minVersion && one <= broker.maxVersion);
		t.ok(shared.length > 0, `${name}: ${ours} of kafkajs, ${broker?.minVersion} to ${broker?.maxVersion}`);
		// kafkajs takes its highest version below the broker's highest, and never looks at the broker's lowest.
		t.equal(Math.max(...ours.filter((one) => one <= broker!.maxVersion)), Math.max(...shared), name);
	}
});

t.test("K27: versions are read once from the first broker, as a table by request number", async (t) => {
	const { versions } = (await openCluster(t)).brokerPool;
	const PRODUCE = 0;
	t.match(versions[PRODUCE], { minVersion: Number, maxVersion: Number });
	t.ok(Object.keys(versions).length > 40);
});

t.test(
	"K34: a dead member keeps its partitions from a successor until somebody leaves the group in its name",
	async (t) => {
		const topic = await createTopic(t, { partitions: 2 });
		const groupId = randomGroup();
		const cluster = await openCluster(t);
		const coordinator = await cluster.findGroupCoordinator({ groupId });
		// A member that joined and was killed: nobody sends its heartbeats, and its session lasts for long.
		const { memberId, generationId, leaderId } = await coordinator.joinGroup({
			groupId,
			sessionTimeout: 60_000,
			rebalanceTimeout: 60_000,
			groupProtocols: [
				{
					name: "RoundRobinAssigner",
					metadata: AssignerProtocol.MemberMetadata.encode({
						version: 1,
						topics: [topic.name],
						userData: Buffer.alloc(0),
					}),
				},
			],
		});
		t.equal(leaderId, memberId);
		await coordinator.syncGroup({ groupId, generationId, memberId, groupAssignment: [] });
		const joining = startRawConsumer(t, topic, { groupId });
		let isIn = false;
		void joining.then(() => {
			isIn = true;
		});
		await new Promise((resolve) => setTimeout(resolve, 1_000));
		t.notOk(isIn, "the successor waits for a session of a minute");
		await coordinator.leaveGroup({ groupId, memberId });
		const successor = await joining;
		t.same(successor.joins, [[0, 1]]);
		t.ok(successor.memberIds[0], "GROUP_JOIN tells the id under which the next one may be freed of us");
		// A member that is gone already: an error to pass over.
		const refused = await coordinator.leaveGroup({ groupId, memberId }).catch((error: unknown) => error);
		t.match(refused, { type: "UNKNOWN_MEMBER_ID" });
	},
);

t.test(
	"K22: a value that was changed on the way is decoded all the same: nobody looks at the CRC",
	async (t) => {
		const { RecordBatch } = require("kafkajs/src/protocol/recordBatch/v0") as {
			RecordBatch: (about: object) => Promise<{ readonly buffer: Buffer }>;
		};
		const record = require("kafkajs/src/protocol/recordBatch/record/v0") as (about: object) => unknown;
		const decode = require("kafkajs/src/protocol/recordBatch/v0/decoder") as (
			decoder: unknown,
		) => Promise<{ records: { value: Buffer }[] }>;
		const Decoder = require("kafkajs/src/protocol/decoder") as new (buffer: Buffer) => unknown;
		const { buffer } = await RecordBatch({
			firstTimestamp: 0,
			maxTimestamp: 0,
			records: [record({ offsetDelta: 0, timestampDelta: 0, key: null, value: "amount 100", headers: {} })],
		});
		const changed = Buffer.from(buffer);
		const at = changed.indexOf("amount 100");
		changed.write("amount 900", at);
		const { records } = await decode(new Decoder(changed));
		t.equal(
			String(records[0]?.value),
			"amount 900",
			"when this throws, corrupt batches need a look at what happens then",
		);
	},
);

t.test("K37: a compression of an unknown number is taken for none", async (t) => {
	const { lookupCodecByAttributes } = require("kafkajs/src/protocol/message/compression") as {
		lookupCodecByAttributes: (attributes: number) => unknown;
	};
	for (const unknown of [5, 6, 7]) t.equal(lookupCodecByAttributes(unknown), null);
});

t.test("K38: offsets that compaction has left empty at the end of a batch are lost", async (t) => {
	const { RecordBatch } = require("kafkajs/src/protocol/recordBatch/v0") as {
		RecordBatch: (about: object) => Promise<{ readonly buffer: Buffer }>;
	};
	const record = require("kafkajs/src/protocol/recordBatch/record/v0") as (about: object) => unknown;
	const decode = require("kafkajs/src/protocol/recordBatch/v0/decoder") as (
		decoder: unknown,
	) => Promise<{ records: { offset: string }[]; lastOffsetDelta: number }>;
	const Decoder = require("kafkajs/src/protocol/decoder") as new (buffer: Buffer) => unknown;
	const { buffer } = await RecordBatch({
		lastOffsetDelta: 5,
		firstTimestamp: 0,
		maxTimestamp: 0,
		records: [record({ offsetDelta: 0, timestampDelta: 0, key: null, value: "first of six", headers: {} })],
	});
	const { records, lastOffsetDelta } = await decode(new Decoder(buffer));
	t.equal(lastOffsetDelta, 5);
	t.same(
		records.map(({ offset }) => offset),
		["0"],
		"engine/kafka/record-batches.ts puts a mark at the end",
	);
});

/** Calls `onName` with the member's name in every answer to JoinGroup, of which the first is an error (KIP-394). */
function listenForNames(cluster: Cluster, onName: (name: string) => void): void {
	const JOIN_GROUP = 11;
	const find = cluster.findGroupCoordinator.bind(cluster);
	let watched: Broker | null = null;
	cluster.findGroupCoordinator = async (group) => {
		const broker = await find(group);
		if (watched === broker) return broker;
		watched = broker;
		const lookup = broker.lookupRequest.bind(broker);
		broker.lookupRequest = (apiKey, definition) => {
			const requestOf = lookup(apiKey, definition);
			if (apiKey !== JOIN_GROUP) return requestOf;
			return (options) => {
				const made = requestOf(options);
				const parse = (data: unknown): Promise<unknown> => {
					const { memberId } = data as { memberId?: string };
					if (memberId) onName(memberId);
					return made.response.parse(data);
				};
				return { ...made, response: { ...made.response, parse } };
			};
		};
		return broker;
	};
}

t.test(
	"K34: assigners get the cluster whose coordinator is asked before a join, and its first answer has the name",
	async (t) => {
		const topic = await createTopic(t, { partitions: 1 });
		const heard: string[] = [];
		let heardBefore = 0;
		const raw = await startRawConsumer(t, topic, {
			config: {
				partitionAssigners: [
					(kit) => {
						listenForNames(kit.cluster as unknown as Cluster, (name) => void heard.push(name));
						return PartitionAssigners.roundRobin(kit);
					},
				],
			},
			onJoin: () => {
				heardBefore ||= heard.length;
			},
		});
		await waitUntil(() => raw.joins.length > 0);
		t.ok(heardBefore >= 2, "in the refusal that gives it, and again in the answer to the second try");
		t.same(
			new Set(heard),
			new Set([raw.memberIds[0]]),
			"who is killed before GROUP_JOIN has a name that somebody knows",
		);
	},
);

t.test("fetchedOffset, which the position fence compares, is on every batch", async (t) => {
	const topic = await createTopic(t, { partitions: 1 });
	await send(topic, [{ value: "v", partition: 0 }]);
	const raw = await startRawConsumer(t, topic);
	await waitUntil(() => raw.batches.length > 0);
	t.equal(raw.batches[0]?.fetchedOffset, 0);
});

t.test(
	"a login that is refused has the name by which we tell a person so, and causes lead to it",
	async (t) => {
		const errors = require("kafkajs/src/errors") as Record<string, new (...about: unknown[]) => Error>;
		const refused = new errors["KafkaJSSASLAuthenticationError"]!("no");
		t.equal(refused.name, "KafkaJSSASLAuthenticationError");
		const wrapped = new errors["KafkaJSNumberOfRetriesExceeded"]!(refused, { retryCount: 5, retryTime: 1 });
		t.equal(wrapped.cause, refused);
	},
);
