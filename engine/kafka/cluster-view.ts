/** What `check` wants to know of a cluster. */
import type { Kafka } from "kafkajs";
import { type ApiVersions, clusterInside } from "./cluster-inside.ts";
import { describeTopic, withAdmin } from "./topic.ts";

export interface ClusterView {
	readonly clusterId: string;
	readonly brokerCount: number;
	/** Partitions of the topic; null when it does not exist. */
	readonly partitionCount: number | null;
	/** By the requests the broker knows: kafkajs cannot ask for a version number. Null when that fails. */
	readonly versionHint: string | null;
}

export function viewCluster(kafka: Kafka, topic: string): Promise<ClusterView> {
	return withAdmin(kafka, async (admin) => {
		const { brokers, clusterId } = await admin.describeCluster();
		return {
			clusterId,
			brokerCount: brokers.length,
			partitionCount: (await describeTopic(kafka, topic))?.partitions ?? null,
			versionHint: await versionHint(kafka),
		};
	});
}

async function versionHint(kafka: Kafka): Promise<string | null> {
	try {
		const cluster = clusterInside(kafka);
		await cluster.connect();
		const hint = releaseOf(cluster.brokerPool.versions);
		await cluster.disconnect();
		return hint;
	} catch {
		return null;
	}
}

/** Requests by the release that brought them (Kafka's ApiKeys; KIP-896 took the old Produce versions away in 4.0). */
const PRODUCE = 0;
const CONSUMER_GROUP_HEARTBEAT = 68;
const STREAMS_GROUP_HEARTBEAT = 88;

/** Oldest release that answers like this. */
export function releaseOf(versions: ApiVersions): string {
	if (versions[STREAMS_GROUP_HEARTBEAT] !== undefined) return "4.1 or newer";
	if ((versions[PRODUCE]?.minVersion ?? 0) >= 3) return "4.0";
	if (versions[CONSUMER_GROUP_HEARTBEAT] !== undefined) return "3.7 to 3.9";
	return "older than 3.7";
}
