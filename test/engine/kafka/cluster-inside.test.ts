import { Kafka, logLevel } from "kafkajs";
import t from "tap";
import {
	type BrokerInside,
	clusterInside,
	type Exchange,
	hookRequests,
	type RequestOf,
} from "../../../engine/kafka/cluster-inside.ts";
import {
	awaitingLeader,
	JOIN_GROUP,
	notingMemberId,
	SYNC_GROUP,
} from "../../../engine/kafka/join-requests.ts";

t.test("a cluster of kafkajs has what we reach into", async (t) => {
	const cluster = clusterInside(new Kafka({ brokers: ["127.0.0.1:1"], logLevel: logLevel.NOTHING }));
	for (const method of [
		"connect",
		"disconnect",
		"refreshMetadata",
		"findBroker",
		"findGroupCoordinator",
	] as const) {
		t.type(cluster[method], "function", method);
	}
	t.type(cluster.brokerPool.findConnectedBroker, "function");
});

/** A broker whose every answer is `answer`, in a cluster that has it alone. */
function fakeCluster(answer: object) {
	const parsed: object[] = [];
	const requestOf: RequestOf = () =>
		({
			request: {},
			response: { decode: async () => answer, parse: async (data: object) => parsed.push(data) },
		}) as unknown as Exchange;
	const broker = { versions: {}, lookupRequest: () => requestOf } as unknown as BrokerInside;
	const cluster = { findBroker: async () => broker };
	return { cluster, broker, parsed, plainLookup: broker.lookupRequest };
}

t.test(
	"a name from the group is noted before kafkajs sees the answer, be it an error or a welcome",
	async (t) => {
		const { cluster, parsed } = fakeCluster({});
		const order: string[] = [];
		const onMember = async (name: string) => void order.push(`${name} before ${parsed.length}`);
		hookRequests(cluster, { [JOIN_GROUP]: (requestOf) => notingMemberId(requestOf, onMember) });
		const broker = await cluster.findBroker();
		for (const data of [
			{ memberId: "m1", errorCode: 79 },
			{ memberId: "m1" },
			{ memberId: "" },
			{ memberId: null },
		]) {
			await broker
				.lookupRequest(
					JOIN_GROUP,
					{},
				)({})
				.response.parse(data as never);
		}
		t.same(order, ["m1 before 0", "m1 before 1"]);
		t.equal(parsed.length, 4, "kafkajs has seen them all");
	},
);

t.test("hooks are set once, again after a new connection, and only for their kind of request", async (t) => {
	const { cluster, broker, plainLookup } = fakeCluster({});
	let calls = 0;
	hookRequests(cluster, {
		[JOIN_GROUP]: (requestOf) => {
			calls++;
			return requestOf;
		},
	});
	for (let i = 0; i < 3; i++) (await cluster.findBroker()).lookupRequest(JOIN_GROUP, {});
	t.equal(calls, 3);
	(await cluster.findBroker()).lookupRequest(0, {});
	t.equal(calls, 3);
	broker.lookupRequest = plainLookup;
	(await cluster.findBroker()).lookupRequest(JOIN_GROUP, {});
	t.equal(calls, 4);
});

t.test(
	"an assignment is waited for as long as a join, since a frozen leader may have to be given up",
	async (t) => {
		const { cluster } = fakeCluster({});
		hookRequests(cluster, { [SYNC_GROUP]: (requestOf) => awaitingLeader(requestOf, 15_000) });
		const broker = await cluster.findBroker();
		t.equal(broker.lookupRequest(SYNC_GROUP, {})({}).requestTimeout, 20_000);
		t.equal(broker.lookupRequest(JOIN_GROUP, {})({}).requestTimeout, undefined, "kafkajs's own rule");
	},
);
