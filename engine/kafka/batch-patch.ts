/**
 * A fetch of only control, aborted or compacted records skips `eachBatch`; kafkajs tells of it by END_BATCH_PROCESS alone,
 * whose `firstOffset` is that of the first record found, or null. Behind a compacted hole that is not the position that
 * was asked for, and nobody could tell a hole from a jump. So such a batch says the offset it was fetched from instead:
 * then the position fence is exact for these fetches too. (kafkajs uses `firstOffset` in its events and logs only.)
 */
import { createRequire } from "node:module";

interface Batch {
	readonly fetchedOffset: string;
	firstOffset(): string | null;
	isEmptyDueToFiltering(): boolean;
}

const PATCHED = Symbol("firstOffset is the fetched one");

/** Safe to call again. Throws when this kafkajs has another inside: then the patch must be looked at, not skipped. */
export function patchBatch(): void {
	const require = createRequire(import.meta.url);
	const { prototype } = require("kafkajs/src/consumer/batch") as { prototype: Batch & { [PATCHED]?: true } };
	if (prototype[PATCHED]) return;
	const { firstOffset } = prototype;
	if (typeof firstOffset !== "function" || typeof prototype.isEmptyDueToFiltering !== "function") {
		throw new TypeError("kafkajs has no Batch.firstOffset any more: review this patch");
	}
	prototype.firstOffset = function (this: Batch): string | null {
		return this.isEmptyDueToFiltering() ? this.fetchedOffset : firstOffset.call(this);
	};
	prototype[PATCHED] = true;
}
