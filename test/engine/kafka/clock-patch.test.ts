import { createRequire } from "node:module";
import t from "tap";
import { patchClocks } from "../../../engine/kafka/clock-patch.ts";

const require = createRequire(import.meta.url);
const DAY_MS = 86_400_000;

interface Group {
	memberId: string;
	coordinator: { heartbeat(): Promise<void> };
	heartbeat(options: { interval: number }): Promise<void>;
	lastRequest: number;
}

/** A member whose heartbeats are counted. */
function newGroup() {
	const ConsumerGroup = require("kafkajs/src/consumer/consumerGroup") as new (options: object) => Group;
	const logger = { namespace: () => logger, debug() {} };
	const sent = { heartbeats: 0 };
	const group = new ConsumerGroup({
		logger,
		topics: [],
		assigners: [],
		topicConfigurations: {},
		retry: {},
		instrumentationEmitter: { emit() {} },
	});
	group.memberId = "m";
	group.coordinator = {
		heartbeat: async () => {
			sent.heartbeats++;
		},
	};
	return { group, sent };
}

/** Until the test's end the wall clock is this far off. */
function jump(t: Tap, byMs: number): void {
	const { now } = Date;
	Date.now = () => now() + byMs;
	t.teardown(() => {
		Date.now = now;
	});
}

type Tap = typeof t;

t.test(
	"kafkajs as it is sends no heartbeat after a step back of the clock: the reason for the patch",
	async (t) => {
		const { group, sent } = newGroup();
		jump(t as Tap, -DAY_MS);
		await group.heartbeat({ interval: 0 });
		t.equal(sent.heartbeats, 0);
	},
);

t.test("with the patch its moments stay where they were, whatever the wall clock does", async (t) => {
	patchClocks();
	patchClocks();
	const { group, sent } = newGroup();
	t.ok(Math.abs(group.lastRequest - Date.now()) < 1_000, "without a jump it is a wall-clock time as before");
	jump(t as Tap, -DAY_MS);
	await group.heartbeat({ interval: 0 });
	t.equal(sent.heartbeats, 1);
	await group.heartbeat({ interval: 60_000 });
	t.equal(sent.heartbeats, 1, "the interval counts");
	jump(t as Tap, DAY_MS);
	await group.heartbeat({ interval: 60_000 });
	t.equal(sent.heartbeats, 1, "a step forward is no reason either");
});

t.test("what was never set stays what it was", async (t) => {
	patchClocks();
	const SocketRequest = require("kafkajs/src/network/requestQueue/socketRequest") as new (
		options: object,
	) => { sentAt: number | null };
	const request = new SocketRequest({ entry: {}, send() {}, timeout() {} });
	t.equal(request.sentAt, null);
});
