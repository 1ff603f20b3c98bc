/** What `check` wants to know of a cluster. */
import type { Kafka } from "kafkajs";
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

/** What kafkajs keeps of the broker's ApiVersions answer, by request number. */
type ApiVersions = Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>>;

interface ClusterInside {
	connect(): Promise<void>;
	disconnect(): Promise<void>;
	readonly brokerPool: { readonly versions: ApiVersions };
}

async function versionHint(kafka: Kafka): Promise<string | null> {
	try {
		const inside = kafka as unknown as Record<symbol, (options: object) => ClusterInside>;
		const symbol = Object.getOwnPropertySymbols(kafka).find((each) =>
			each.description?.endsWith(":createCluster"),
		);
		if (symbol === undefined) return null;
		const cluster = inside[symbol]!({});
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
