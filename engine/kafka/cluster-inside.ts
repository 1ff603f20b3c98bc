/** kafkajs's own cluster object: what its public faces cannot be asked for is asked there. */
import type { Kafka } from "kafkajs";
import type { KafkaRequest } from "./raw-request.ts";

/** What kafkajs keeps of the broker's ApiVersions answer, by request number. */
export type ApiVersions = Readonly<
	Record<number, { readonly minVersion: number; readonly maxVersion: number }>
>;

/** A request and the code that reads its answer. */
export interface Exchange<Answer = unknown> {
	readonly request: KafkaRequest;
	readonly response: { decode(bytes: Buffer): Promise<unknown>; parse(data: never): Promise<Answer> };
	/** In ms; default: that of the client. */
	readonly requestTimeout?: number;
}

/** Makes one request of its kind. */
export type RequestOf = (options: object) => Exchange;

export interface BrokerInside {
	readonly versions: ApiVersions | null;
	readonly connectionPool: { send<Answer>(exchange: Exchange<Answer>): Promise<Answer> };
	lookupRequest(apiKey: number, definition: object): RequestOf;
	leaveGroup(member: { readonly groupId: string; readonly memberId: string }): Promise<unknown>;
}

export interface ClusterInside {
	connect(): Promise<void>;
	disconnect(): Promise<void>;
	refreshMetadata(): Promise<void>;
	readonly brokerPool: { readonly versions: ApiVersions; findConnectedBroker(): Promise<BrokerInside> };
	findBroker(node: { readonly nodeId: string }): Promise<BrokerInside>;
	findGroupCoordinator(group: { readonly groupId: string }): Promise<BrokerInside>;
}

/** As kafkajs's own default; nobody reads metadata here that could be old. */
const METADATA_MAX_AGE_MS = 300_000;

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

/** What to do with the requests of one kind, by their number. */
export type RequestHooks = Readonly<
	Record<number, (requestOf: RequestOf, broker: BrokerInside) => RequestOf>
>;

/** Lookups that are hooked by now. */
const hooked = new WeakSet<BrokerInside["lookupRequest"]>();

/** Lets `hooks` change what this cluster sends, and how its answers are read. kafkajs asks for a broker before every use. */
export function hookRequests(cluster: Pick<ClusterInside, "findBroker">, hooks: RequestHooks): void {
	if (typeof cluster.findBroker !== "function")
		throw new TypeError("kafkajs has no Cluster.findBroker any more");
	const find = cluster.findBroker.bind(cluster);
	cluster.findBroker = async (node) => {
		const broker = await find(node);
		// Connecting anew brings kafkajs's own lookup back.
		if (hooked.has(broker.lookupRequest)) return broker;
		const lookup = broker.lookupRequest.bind(broker);
		broker.lookupRequest = (apiKey, definition) => {
			const requestOf = lookup(apiKey, definition);
			return hooks[apiKey]?.(requestOf, broker) ?? requestOf;
		};
		hooked.add(broker.lookupRequest);
		return broker;
	};
}
