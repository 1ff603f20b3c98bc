/**
 * kafkajs 2.2.4 takes a rejoin that failed for one that succeeded: when the connection breaks, or the broker is slower than
 * the time-out, its runner goes back to fetching, with the assignment of before. A member that was put out has no name
 * then, sends no heartbeat for want of one, and so is never told to join again: it reads on, for ever, what belongs to
 * others, and what belongs to it nobody reads. So whoever has not ended a join he has begun is sent back to it.
 */
import { createRequire } from "node:module";

interface ConsumerGroup {
	joinAndSync(): Promise<void>;
	fetch(nodeId: string): Promise<unknown>;
}

const require = createRequire(import.meta.url);
const { KafkaJSError } = require("kafkajs/src/errors") as { KafkaJSError: new (message: string) => Error };

/** The one thing that makes kafkajs's runner join (its `isRebalancing`). */
class UnfinishedJoin extends KafkaJSError {
	readonly type = "REBALANCE_IN_PROGRESS";
	constructor() {
		super("The last attempt to join the group failed");
		this.name = "UnfinishedJoin";
	}
}

/** Members between the beginning of a join and its success. */
const joining = new WeakSet<ConsumerGroup>();
let isPatched = false;

/** Safe to call again. Throws when this kafkajs has another inside: then the patch must be looked at, not skipped. */
export function patchJoin(): void {
	if (isPatched) return;
	const { prototype } = require("kafkajs/src/consumer/consumerGroup") as { prototype: ConsumerGroup };
	const { joinAndSync, fetch } = prototype;
	if (typeof joinAndSync !== "function" || typeof fetch !== "function")
		throw new TypeError("kafkajs joins its groups in another way by now: review engine/kafka/join-patch.ts");
	prototype.joinAndSync = async function () {
		joining.add(this);
		await joinAndSync.call(this);
		joining.delete(this);
	};
	prototype.fetch = async function (nodeId) {
		if (joining.has(this)) throw new UnfinishedJoin();
		return fetch.call(this, nodeId);
	};
	isPatched = true;
}
