/**
 * A member that was put out of its group while its connection breaks, and a client that comes while the broker is frozen:
 * rows K42 and K44 of docs/kafkajs.md, and what join-patch.ts and broker-patch.ts in engine/kafka make of them.
 */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import kafkajs from "kafkajs";
import t, { type Test } from "tap";
import { patchBroker } from "../../engine/kafka/broker-patch.ts";
import { patchJoin } from "../../engine/kafka/join-patch.ts";
import { JOIN_GROUP } from "../../engine/kafka/join-requests.ts";
import { leaveGroup } from "../../engine/kafka/leave-group.ts";
import { filledTopic, type RawConsumer, startRawConsumer, throughProxy } from "../support/raw-consumer.ts";
import { startProxy } from "../support/tcp-proxy.ts";
import { kafkaClient } from "../support/topic.ts";
import { waitUntil } from "../support/wait-until.ts";

const API_KEY_AT = 4;

/** A member of a group that is put out, and whose connection is cut when it asks to come in again. */
async function putOut(t: Test): Promise<RawConsumer> {
	const topic = await filledTopic(t, 1, 3);
	const proxy = await startProxy(t, Number(topic.brokers[0]!.split(":")[1]));
	const member = await startRawConsumer(t, topic, { client: throughProxy(proxy) });
	await waitUntil(() => member.heartbeats > 0);
	let cuts = 0;
	proxy.onRequest = (chunk) => {
		if (chunk.length < 6 || chunk.readInt16BE(API_KEY_AT) !== JOIN_GROUP || cuts > 0) return "pass";
		cuts++;
		return "drop";
	};
	await leaveGroup(kafkaClient().kafka, member.groupId, member.memberIds[0]!);
	await waitUntil(() => cuts > 0, { what: "a join that is cut off" });
	return member;
}

/** Fetches go on all the time, so that time is counted in them. */
const FETCHES = 8;

/** A client that comes while the broker accepts connections and answers none, and reads once it does. */
async function readAfterFreeze(t: Test, triesMax: number): Promise<unknown> {
	const topic = await filledTopic(t, 1, 3);
	const proxy = await startProxy(t, Number(topic.brokers[0]!.split(":")[1]));
	proxy.freeze();
	const kafka = new kafkajs.Kafka({
		brokers: [...topic.brokers],
		logLevel: kafkajs.logLevel.NOTHING,
		retry: { initialRetryTime: 50, retries: 1 },
		...throughProxy(proxy),
	});
	const admin = kafka.admin();
	t.teardown(() => admin.disconnect());
	await admin.connect().catch(() => {});
	await admin.fetchTopicOffsets(topic.name).catch(() => {});
	proxy.thaw();
	// Connections are made anew where that is what it takes.
	for (let tries = 1; tries < triesMax; tries++) {
		const found = await admin.fetchTopicOffsets(topic.name).catch(() => null);
		if (found !== null) return found;
	}
	return admin.fetchTopicOffsets(topic.name);
}

t.test(
	"K42: kafkajs as it is takes a failed rejoin for a success: no member of anything, it fetches on and never asks again",
	async (t) => {
		const member = await putOut(t);
		const { consumer } = member;
		let fetches = 0;
		consumer.on(consumer.events.FETCH, () => void fetches++);
		await waitUntil(() => fetches >= FETCHES);
		const heartbeats = member.heartbeats;
		fetches = 0;
		await waitUntil(() => fetches >= FETCHES);
		t.equal(member.joins.length, 1, "it has not joined again");
		t.equal(member.heartbeats, heartbeats, "it has no name to send heartbeats with");
		t.same(member.crashes, []);
	},
);

t.test(
	"K44: a client whose first connection was not answered takes it for made, and fails for ever",
	async (t) => {
		await t.rejects(readAfterFreeze(t, 4), /Broker not connected/);
	},
);

t.test("with the patch a rejoin that failed is tried again", async (t) => {
	patchJoin();
	patchJoin();
	const member = await putOut(t);
	await waitUntil(() => member.joins.length === 2, { what: "the second join" });
	const { heartbeats } = member;
	await waitUntil(() => member.heartbeats > heartbeats, { what: "heartbeats" });
	t.same(member.crashes, []);
});

t.test("with the patch a client whose first connection was not answered connects again", async (t) => {
	patchBroker();
	patchBroker();
	t.match(await readAfterFreeze(t, 20), [{ partition: 0, high: "3" }]);
});

t.test("with the patch a new client turns to the next broker when the first does not answer", async (t) => {
	patchBroker();
	const topic = await filledTopic(t, 1, 3);
	// Takes connections and says nothing.
	const silent = createServer(() => {}).listen(0, "127.0.0.1");
	await once(silent, "listening");
	t.teardown(() => void silent.close());
	const { port } = silent.address() as AddressInfo;
	// Whom a client asks first is chance.
	for (let client = 0; client < 6; client++) {
		const kafka = new kafkajs.Kafka({
			brokers: [`127.0.0.1:${port}`, ...topic.brokers],
			logLevel: kafkajs.logLevel.NOTHING,
			requestTimeout: 1_000,
			retry: { initialRetryTime: 10, retries: 4 },
		});
		const admin = kafka.admin();
		await admin.connect();
		t.match(await admin.fetchTopicOffsets(topic.name), [{ high: "3" }]);
		await admin.disconnect();
	}
});
