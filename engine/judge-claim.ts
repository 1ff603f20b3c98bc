import type { Claim, Watermarks } from "./ports.ts";

export type Judgement =
	| { readonly kind: "go"; readonly verify: boolean }
	| { readonly kind: "halt"; readonly reason: string };

/**
 * Does the row in Postgres fit the log in Kafka? The engine never jumps: an offset outside the log halts the partition
 * (K10: kafkajs would silently go on at the log's start).
 */
export function judgeClaim(claim: Claim, watermarks: Watermarks | undefined): Judgement {
	if (watermarks === undefined) {
		return { kind: "halt", reason: "the partition is not in the topic any more" };
	}
	const { low, high } = watermarks;
	if (claim.nextOffset < low) {
		return {
			kind: "halt",
			reason:
				`Postgres has counted up to offset ${claim.nextOffset}, but Kafka's log now starts at ${low}: ` +
				`${low - claim.nextOffset} offsets were deleted before they were counted`,
		};
	}
	if (claim.nextOffset > high) {
		return {
			kind: "halt",
			reason:
				`Postgres has counted up to offset ${claim.nextOffset}, but Kafka's log ends at ${high}: ` +
				"the topic was deleted and created again, or this database belongs to another cluster",
		};
	}
	return { kind: "go", verify: claim.last !== null && claim.last.offset >= low };
}
