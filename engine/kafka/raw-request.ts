import { createRequire } from "node:module";

/** A request as kafkajs sends it. */
export interface KafkaRequest {
	readonly apiKey: number;
	readonly apiVersion: number;
	readonly apiName: string;
	encode(): Promise<object>;
}

const Encoder = createRequire(import.meta.url)("kafkajs/src/protocol/encoder") as new () => {
	writeBuffer(bytes: Buffer): object;
};

/**
 * A request that kafkajs has no code for. It writes the header of the older kind; `body` must begin with the tags that the
 * newer one ends with, and the answer will begin with them.
 */
export function kafkaRequest(about: Omit<KafkaRequest, "encode">, body: () => Buffer): KafkaRequest {
	return { ...about, encode: async () => new Encoder().writeBuffer(body()) };
}
