import type { Kafka } from "kafkajs";
import { clusterInside } from "./cluster-inside.ts";

/**
 * Tells the group that a member is gone, in its name. Resolves also when the group does not know it any more. Only for a
 * member that is known to be dead: one that lives loses its partitions by it until it has joined again.
 */
export async function leaveGroup(kafka: Kafka, groupId: string, memberId: string): Promise<void> {
	const cluster = clusterInside(kafka);
	try {
		await cluster.connect();
		const coordinator = await cluster.findGroupCoordinator({ groupId });
		await coordinator.leaveGroup({ groupId, memberId });
	} catch (error) {
		if ((error as { type?: string }).type !== "UNKNOWN_MEMBER_ID") throw error;
	} finally {
		await cluster.disconnect();
	}
}
