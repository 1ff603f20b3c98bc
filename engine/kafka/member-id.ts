/**
 * The name that the group gives us, as soon as it is given. kafkajs tells of it when the join is over; whoever is killed
 * before has a name in the group that nobody knows, and is waited for.
 */
import { createRequire } from "node:module";
import type { BrokerInside, ClusterInside, RequestOf } from "./cluster-inside.ts";

const { JoinGroup: JOIN_GROUP } = createRequire(import.meta.url)("kafkajs/src/protocol/requests/apiKeys") as {
	readonly JoinGroup: number;
};

/** The brokers whose lookup is ours by now. */
const watched = new WeakSet<BrokerInside["lookupRequest"]>();

/**
 * Calls `onMember` with every name in an answer to JoinGroup, and lets kafkajs see the answer when it has settled. The
 * first answer of most brokers is an error that only carries the name (KIP-394).
 */
export function watchMemberId(
	cluster: Pick<ClusterInside, "findGroupCoordinator">,
	onMember: (memberId: string) => Promise<void>,
): void {
	const find = cluster.findGroupCoordinator.bind(cluster);
	// Asked before every join.
	cluster.findGroupCoordinator = async (group) => {
		const broker = await find(group);
		if (!watched.has(broker.lookupRequest)) watch(broker, onMember);
		return broker;
	};
}

function watch(broker: BrokerInside, onMember: (memberId: string) => Promise<void>): void {
	const lookup = broker.lookupRequest.bind(broker);
	broker.lookupRequest = (apiKey, definition) => {
		const request = lookup(apiKey, definition);
		return apiKey === JOIN_GROUP ? noting(request, onMember) : request;
	};
	watched.add(broker.lookupRequest);
}

function noting(requestOf: RequestOf, onMember: (memberId: string) => Promise<void>): RequestOf {
	return (options) => {
		const made = requestOf(options);
		const parse = async (data: unknown): Promise<unknown> => {
			const { memberId } = data as { memberId?: string | null };
			if (memberId) await onMember(memberId);
			return made.response.parse(data);
		};
		return { ...made, response: { ...made.response, parse } };
	};
}
