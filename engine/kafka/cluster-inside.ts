/** kafkajs's own cluster object: what its public faces cannot be asked for is asked there. */
import type { Kafka } from "kafkajs";

/** What kafkajs keeps of the broker's ApiVersions answer, by request number. */
export type ApiVersions = Readonly<
	Record<number, { readonly minVersion: number; readonly maxVersion: number }>
>;

export interface BrokerInside {
	lookupRequest(apiKey: number, definition: object): RequestOf;
	leaveGroup(member: { readonly groupId: string; readonly memberId: string }): Promise<unknown>;
}

/** Makes one request of this kind, with the code that reads its answer. */
export type RequestOf = (options: object) => {
	readonly request: object;
	readonly response: { decode(bytes: Buffer): Promise<unknown>; parse(data: unknown): Promise<unknown> };
};

export interface ClusterInside {
	connect(): Promise<void>;
	disconnect(): Promise<void>;
	readonly brokerPool: { readonly versions: ApiVersions };
	findGroupCoordinator(group: { readonly groupId: string }): Promise<BrokerInside>;
}

/** A cluster object of its own, not connected yet. Throws when this kafkajs has another inside. */
export function clusterInside(kafka: Kafka): ClusterInside {
	const inside = kafka as unknown as Record<symbol, (options: object) => ClusterInside>;
	const symbol = Object.getOwnPropertySymbols(kafka).find((each) =>
		each.description?.endsWith(":createCluster"),
	);
	if (symbol === undefined)
		throw new TypeError("kafkajs has no createCluster any more: review cluster-inside.ts");
	return inside[symbol]!({ metadataMaxAge: METADATA_MAX_AGE_MS });
}

const METADATA_MAX_AGE_MS = 300_000;
