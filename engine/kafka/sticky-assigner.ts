import { AssignerProtocol, type PartitionAssigner } from "kafkajs";

const { MemberMetadata, MemberAssignment } = AssignerProtocol;

/** What a member said when it joined. */
export interface Member {
	readonly memberId: string;
	/** Partitions it owned a moment ago. */
	readonly owned: readonly number[];
}

/**
 * Spreads partitions evenly (counts differ by one at most) and leaves each where it was as far as that allows: a
 * partition that moves costs a claim and a second reading of what was in flight. kafkajs's own assigner deals them out
 * anew at every join, so that nearly all move.
 */
export function assignSticky(
	partitions: readonly number[],
	members: readonly Member[],
): Map<string, number[]> {
	const order = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
	const assigned = new Map<string, number[]>(order.map((member) => [member.memberId, []]));
	const free = new Set(partitions);
	const quota = Math.floor(partitions.length / order.length);
	let extras = partitions.length % order.length;
	// Members that own the most keep the places above the quota.
	for (const member of [...order].sort((a, b) => b.owned.length - a.owned.length)) {
		const mine = assigned.get(member.memberId)!;
		for (const partition of member.owned) {
			const room = mine.length < quota || (mine.length === quota && extras > 0);
			if (!room || !free.delete(partition)) continue;
			if (mine.length === quota) extras--;
			mine.push(partition);
		}
	}
	for (const partition of free) {
		const [, emptiest] = [...assigned].reduce((a, b) => (b[1].length < a[1].length ? b : a));
		emptiest.push(partition);
	}
	for (const mine of assigned.values()) mine.sort((a, b) => a - b);
	return assigned;
}

/** kafkajs's face of it. `owned` is asked at every join; it travels in the member's user data. */
export function stickyAssigner(topic: string, owned: () => readonly number[]): PartitionAssigner {
	const name = "lottery-sticky";
	const version = 0;
	return ({ cluster }) => ({
		name,
		version,
		async assign({ members }) {
			const partitions = cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId);
			const assigned = assignSticky(
				partitions.sort((a, b) => a - b),
				members.map(({ memberId, memberMetadata }) => ({ memberId, owned: ownedOf(memberMetadata) })),
			);
			return [...assigned].map(([memberId, mine]) => ({
				memberId,
				memberAssignment: MemberAssignment.encode({
					version,
					assignment: { [topic]: mine },
					userData: Buffer.alloc(0),
				}),
			}));
		},
		protocol({ topics }) {
			const userData = Buffer.from(JSON.stringify(owned()));
			return { name, metadata: MemberMetadata.encode({ version, topics, userData }) };
		},
	});
}

/** A member that says nothing readable owns nothing. */
function ownedOf(metadata: Buffer): number[] {
	try {
		const owned: unknown = JSON.parse(String(MemberMetadata.decode(metadata)?.userData ?? "[]"));
		return Array.isArray(owned) ? owned.filter((partition) => Number.isSafeInteger(partition)) : [];
	} catch {
		return [];
	}
}
