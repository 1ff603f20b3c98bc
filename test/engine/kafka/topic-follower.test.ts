import t from "tap";
import { appendStandIn } from "../../../engine/kafka/batch-scanner.ts";
import type { Exchange, RequestOf } from "../../../engine/kafka/cluster-inside.ts";
import { TopicFollower } from "../../../engine/kafka/topic-follower.ts";

const OLD = `${"0".repeat(31)}1`;
const NEW = `${"0".repeat(31)}2`;
const NEWEST_BROKER = {
	versions: { 1: { minVersion: 4, maxVersion: 17 }, 3: { minVersion: 0, maxVersion: 13 } },
};

/** A cluster whose topic has the id that the test says, or none. */
function fakeCluster(first: string | null) {
	const state = { id: first };
	const broker = { ...NEWEST_BROKER, connectionPool: { send: async () => state.id } };
	const cluster = {
		refreshMetadata: async () => {},
		brokerPool: { versions: {}, findConnectedBroker: async () => broker },
	} as unknown as Parameters<TopicFollower["follow"]>[0];
	return { state, cluster };
}

const byName: RequestOf = () => ({ request: {}, response: {} }) as unknown as Exchange;

/** The version that a fetch is sent with; null when it is kafkajs's own. */
function versionOf(follower: TopicFollower, broker = NEWEST_BROKER): number | null {
	return follower.fetch(byName, broker)({ topics: [] }).request.apiVersion ?? null;
}

t.test("fetches are by name until a join, and by the topic's id from then on", async (t) => {
	const { cluster } = fakeCluster(OLD);
	const follower = new TopicFollower("t", appendStandIn, 64 * 2 ** 20);
	follower.follow(cluster);
	t.equal(versionOf(follower), null);
	await cluster.refreshMetadata();
	t.equal(versionOf(follower), null, "no position was claimed yet");
	t.equal(follower.accept(), false, "the first topic is no other one");
	t.equal(versionOf(follower), 13);
	t.equal(
		versionOf(follower, { versions: { ...NEWEST_BROKER.versions, 1: { minVersion: 0, maxVersion: 12 } } }),
		null,
	);
});

t.test("another topic under the name is gone over to at a join only, which says so once", async (t) => {
	const { cluster, state } = fakeCluster(OLD);
	const follower = new TopicFollower("t", appendStandIn, 64 * 2 ** 20);
	follower.follow(cluster);
	await cluster.refreshMetadata();
	follower.accept();
	state.id = NEW;
	const other = fakeCluster(NEW);
	follower.follow(other.cluster);
	await other.cluster.refreshMetadata();
	t.equal(follower.accept(), true);
	t.equal(follower.accept(), false);
});

t.test(
	"a topic that is gone for a while is still the same one; brokers without ids change nothing",
	async (t) => {
		const { cluster, state } = fakeCluster(OLD);
		const follower = new TopicFollower("t", appendStandIn, 64 * 2 ** 20);
		follower.follow(cluster);
		await cluster.refreshMetadata();
		follower.accept();
		state.id = null;
		await cluster.refreshMetadata();
		t.equal(follower.accept(), false);
		const old = new TopicFollower("t", appendStandIn, 64 * 2 ** 20);
		const none = fakeCluster(null);
		old.follow(none.cluster);
		await none.cluster.refreshMetadata();
		t.same([old.accept(), versionOf(old)], [false, null]);
	},
);

/** What is asked for in the end, when kafkajs asks for so much of these partitions. */
function noted(partitions: readonly number[], partitionBytes: number, maxBytes = 10 * 1024 * 1024) {
	const asked: unknown[] = [];
	const noting: RequestOf = (options) => {
		asked.push(options);
		return byName(options);
	};
	const options = {
		minBytes: 1,
		maxBytes,
		topics: [
			{
				topic: "t",
				partitions: partitions.map((partition) => ({
					partition,
					maxBytes: partitionBytes,
					fetchOffset: "7",
				})),
			},
		],
	};
	return { asked, noting, options };
}

t.test(
	"a request by name asks for more of each partition than kafkajs does, when there are few",
	async (t) => {
		const follower = new TopicFollower("t", appendStandIn, 64 * 2 ** 20);
		const { asked, noting, options } = noted([3, 1], 128 * 1024);
		follower.fetch(noting, NEWEST_BROKER)({ ...options, maxWaitTime: 20 });
		t.same(asked, [{ ...noted([3, 1], 1024 * 1024).options, maxWaitTime: 250 }]);
	},
);

t.test("a request by id asks for one megabyte of each, and for four in all", async (t) => {
	const { cluster } = fakeCluster(OLD);
	const follower = new TopicFollower("t", appendStandIn, 64 * 2 ** 20);
	follower.follow(cluster);
	await cluster.refreshMetadata();
	follower.accept();
	const many = Array.from({ length: 40 }, (_, partition) => partition);
	const { asked, noting, options } = noted(many, 128 * 1024);
	follower.fetch(noting, NEWEST_BROKER)({ ...options, maxWaitTime: 20 });
	t.same(asked, [{ ...noted(many, 1024 * 1024, 4 * 1024 * 1024).options, maxWaitTime: 250 }]);
});
