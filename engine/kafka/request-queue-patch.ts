/**
 * kafkajs 2.2.4 arms a timer with a negative delay over and over while it has nothing to do (kafkajs#1556, #1751):
 * 2,659 timers and 122 ms of CPU in 3 s for one idle producer, and a `TimeoutNegativeWarning` each on Node 24. The fix
 * of its open pull request #1704 is applied to the prototype: a timer is armed only while requests wait.
 */
import { createRequire } from "node:module";

/** What kafkajs itself waits when requests are pending without a throttle, in ms. */
const CHECK_INTERVAL_MS = 10;

interface RequestQueue {
	readonly pending: readonly unknown[];
	readonly throttledUntil: number;
	throttleCheckTimeoutId: NodeJS.Timeout | null;
	checkPendingRequests(): void;
	scheduleCheckPendingRequests(): void;
}

function scheduleCheckPendingRequests(this: RequestQueue): void {
	if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return;
	const delayMs = Math.max(this.throttledUntil - Date.now(), CHECK_INTERVAL_MS);
	this.throttleCheckTimeoutId = setTimeout(() => {
		this.throttleCheckTimeoutId = null;
		this.checkPendingRequests();
	}, delayMs);
}

/** Safe to call again. Throws when this kafkajs has another inside: then the patch must be looked at, not skipped. */
export function patchRequestQueue(): void {
	const require = createRequire(import.meta.url);
	const { prototype } = require("kafkajs/src/network/requestQueue") as { prototype: RequestQueue };
	if (typeof prototype.scheduleCheckPendingRequests !== "function") {
		throw new TypeError(
			"kafkajs has no RequestQueue.scheduleCheckPendingRequests any more: review this patch",
		);
	}
	prototype.scheduleCheckPendingRequests = scheduleCheckPendingRequests;
}
