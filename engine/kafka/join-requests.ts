import type { RequestOf } from "./cluster-inside.ts";

export const JOIN_GROUP = 11;
export const SYNC_GROUP = 14;
/** As kafkajs adds to the time-out of a join. */
const NETWORK_MS = 5_000;

/**
 * Calls `onMember` with the name that the group gives us, as soon as it is given, and lets kafkajs see the answer when that
 * has settled. kafkajs tells of it when the join is over: whoever is killed before would have a name in the group that
 * nobody knows, and be waited for. The first answer of most brokers is an error that only carries the name (KIP-394).
 */
export function notingMemberId(
	requestOf: RequestOf,
	onMember: (memberId: string) => Promise<void>,
): RequestOf {
	return (options) => {
		const made = requestOf(options);
		const parse = async (data: never): Promise<unknown> => {
			const { memberId } = data as { memberId?: string | null };
			if (memberId) await onMember(memberId);
			return made.response.parse(data);
		};
		return { ...made, response: { ...made.response, parse } };
	};
}

/**
 * Gives the assignment as long to come as the join: it comes from the group's leader, who may be frozen, and kafkajs waits
 * for it no longer than for any request. When the leader is given up, the broker answers all the others.
 */
export function awaitingLeader(requestOf: RequestOf, rebalanceTimeoutMs: number): RequestOf {
	return (options) => ({ ...requestOf(options), requestTimeout: rebalanceTimeoutMs + NETWORK_MS });
}
