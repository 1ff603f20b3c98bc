/**
 * Asks a broker who it is, in one request written by hand: kafkajs would retry, log and stay connected, and belongs to
 * another folder. Metadata version 2 is the lowest that names the cluster, and Kafka 4 still answers it.
 */
import { connect } from "node:net";
import { LOOPBACK } from "./free-port.ts";

export interface BrokerIdentity {
	readonly clusterId: string | null;
	/** Brokers that the controller knows; 0 while it starts. */
	readonly brokerCount: number;
	readonly controllerId: number;
}

const METADATA = 3;
const METADATA_VERSION = 2;
const PROBE_TIMEOUT_MS = 2_000;
/** Nothing asked here has a longer answer; a stranger on the port may send anything. */
const ANSWER_BYTES_MAX = 64 * 1024;

/** Null when nobody answers, or not like a Kafka broker. */
export function probeBroker(port: number): Promise<BrokerIdentity | null> {
	return new Promise((resolve) => {
		const socket = connect({ host: LOOPBACK, port });
		let received = Buffer.alloc(0);
		const finish = (answer: BrokerIdentity | null) => {
			socket.destroy();
			resolve(answer);
		};
		socket.setTimeout(PROBE_TIMEOUT_MS, () => finish(null));
		socket.on("error", () => finish(null));
		socket.on("close", () => finish(null));
		socket.on("connect", () => socket.write(metadataRequest()));
		socket.on("data", (chunk) => {
			received = Buffer.concat([received, chunk]);
			if (received.length < 4) return;
			const length = received.readInt32BE(0);
			if (length < 0 || length > ANSWER_BYTES_MAX) finish(null);
			else if (received.length >= 4 + length) finish(parseMetadata(received.subarray(4, 4 + length)));
		});
	});
}

/** Size, api key, version, correlation id 1, client id "probe", and an empty array: no topics. */
export function metadataRequest(): Buffer {
	const client = Buffer.from("probe");
	const request = Buffer.alloc(4 + 2 + 2 + 4 + 2 + client.length + 4);
	let at = request.writeInt32BE(request.length - 4, 0);
	at = request.writeInt16BE(METADATA, at);
	at = request.writeInt16BE(METADATA_VERSION, at);
	at = request.writeInt32BE(1, at);
	at = request.writeInt16BE(client.length, at);
	at += client.copy(request, at);
	request.writeInt32BE(0, at);
	return request;
}

/**
 * @param answer without its size; null when it is cut short or is something else: then a read beyond its end throws,
 *   at the latest that of the controller, which comes last
 */
export function parseMetadata(answer: Buffer): BrokerIdentity | null {
	try {
		let at = 4;
		const string = (): string | null => {
			const length = answer.readInt16BE(at);
			at += 2;
			if (length < 0) return null;
			at += length;
			return answer.toString("utf8", at - length, at);
		};
		const brokerCount = answer.readInt32BE(at);
		at += 4;
		for (let broker = 0; broker < brokerCount; broker += 1) {
			at += 4; // node id
			string(); // host
			at += 4; // port
			string(); // rack
		}
		const clusterId = string();
		return { clusterId, brokerCount, controllerId: answer.readInt32BE(at) };
	} catch {
		return null;
	}
}
