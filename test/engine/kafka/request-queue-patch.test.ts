import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import t from "tap";
import { patchRequestQueue } from "../../../engine/kafka/request-queue-patch.ts";

const require = createRequire(import.meta.url);

interface Queue {
	pending: unknown[];
	throttledUntil: number;
	throttleCheckTimeoutId: NodeJS.Timeout | null;
	checkPendingRequests(): void;
	scheduleCheckPendingRequests(): void;
	destroy(): void;
}

function newQueue(): Queue {
	const RequestQueue = require("kafkajs/src/network/requestQueue") as new (options: object) => Queue;
	return new RequestQueue({ maxInFlightRequests: null, requestTimeout: 1_000, logger: { debug() {} } });
}

t.test("the patch was written for this kafkajs", async (t) => {
	const { version } = JSON.parse(readFileSync(require.resolve("kafkajs/package.json"), "utf8")) as {
		version: string;
	};
	t.equal(version, "2.2.4", "another version: look at kafkajs#1556 and at the patch again");
});

t.test("kafkajs as it is arms a timer with nothing to do: the reason for the patch", async (t) => {
	const queue = newQueue();
	queue.scheduleCheckPendingRequests();
	t.not(queue.throttleCheckTimeoutId, null);
	queue.destroy();
});

t.test("a queue without waiting requests arms no timer, and one with them does, once", async (t) => {
	patchRequestQueue();
	patchRequestQueue();
	const queue = newQueue();
	queue.checkPendingRequests();
	t.equal(queue.throttleCheckTimeoutId, null);
	queue.pending.push({});
	queue.throttledUntil = Date.now() + 60_000;
	queue.scheduleCheckPendingRequests();
	const timer = queue.throttleCheckTimeoutId;
	t.not(timer, null);
	queue.scheduleCheckPendingRequests();
	t.equal(queue.throttleCheckTimeoutId, timer);
	queue.destroy();
	t.equal(queue.throttleCheckTimeoutId, null);
});
