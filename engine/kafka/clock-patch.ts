/**
 * kafkajs times its heartbeats, request time-outs, throttling and metadata by the wall clock. After a step back (an
 * administrator, a virtual machine that is moved) it sends no heartbeat until the clock is where it was: the group puts
 * the member out, and our recovery waits for a heartbeat for as long; a step forward times out every request under way.
 * So the fields that remember a moment keep it on the monotonic clock, and tell it in today's wall-clock time when they
 * are compared with `Date.now()`: kafkajs's own code stays as it is, and never sees the clock jump.
 */
import { createRequire } from "node:module";

/** Modules of kafkajs, the class each exports, and its field that holds a moment of `Date.now()`. */
const MOMENTS: readonly (readonly [module: string, field: string, method: string])[] = [
	["kafkajs/src/consumer/consumerGroup", "lastRequest", "heartbeat"],
	["kafkajs/src/network/requestQueue/socketRequest", "sentAt", "timeoutRequest"],
	["kafkajs/src/network/requestQueue", "throttledUntil", "maybeThrottle"],
	["kafkajs/src/cluster/brokerPool", "metadataExpireAt", "refreshMetadataIfNecessary"],
];

/** Safe to call again. Throws when this kafkajs has another inside: then the patch must be looked at, not skipped. */
export function patchClocks(): void {
	const require = createRequire(import.meta.url);
	for (const [module, field, method] of MOMENTS) {
		const { prototype } = require(module) as { prototype: Record<string, unknown> };
		if (typeof prototype[method] !== "function") {
			throw new TypeError(`${module} has no ${method} any more: review this patch`);
		}
		if (!Object.hasOwn(prototype, field)) keepMonotonic(prototype, field);
	}
}

/** A setter on the prototype catches what a constructor assigns. */
function keepMonotonic(prototype: object, field: string): void {
	const kept = Symbol(field);
	type Holder = { [kept]?: number | null };
	Object.defineProperty(prototype, field, {
		get(this: Holder): number | null | undefined {
			const atMs = this[kept];
			return typeof atMs === "number" ? atMs - performance.now() + Date.now() : atMs;
		},
		set(this: Holder, wallMs: number | null) {
			this[kept] = typeof wallMs === "number" ? wallMs - Date.now() + performance.now() : wallMs;
		},
	});
}
