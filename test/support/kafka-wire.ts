/**
 * A proxy in front of Kafka brokers. Clients learn the brokers' addresses from the brokers, so the two answers that hold
 * any (Metadata and FindCoordinator) are changed on their way to name the proxies instead, in the versions that kafkajs
 * learns addresses from (protocol guide, kafka.apache.org/protocol). Newer versions pass as they are: the engine asks
 * Metadata 12 for the id of the topic alone.
 */
import { startProxy, type TcpProxy, type Wiretap } from "./tcp-proxy.ts";

/** The part of a tap test that is needed here. */
interface TestWithTeardown {
	teardown(handler: () => Promise<void>): void;
}

export interface KafkaWire {
	/** One `host:port` for each broker, to be given to the clients that are to pass through here. */
	readonly brokers: readonly string[];
	/** One for each broker, in the same order. */
	readonly proxies: readonly TcpProxy[];
}

/** @param ports of brokers that advertise `127.0.0.1` */
export async function startKafkaWire(t: TestWithTeardown, ports: readonly number[]): Promise<KafkaWire> {
	const ours = new Map<number, number>();
	const proxies: TcpProxy[] = [];
	for (const port of ports) {
		const proxy = await startProxy(t, port, { tap: () => new AddressTap(ours) });
		ours.set(port, proxy.port);
		proxies.push(proxy);
	}
	return { brokers: proxies.map(({ port }) => `127.0.0.1:${port}`), proxies };
}

const METADATA = 3;
const FIND_COORDINATOR = 10;
/** By API: the last version that is read here. */
const VERSION_MAX: ReadonlyMap<number, number> = new Map([
	[METADATA, 6],
	[FIND_COORDINATOR, 2],
]);
/** Length, then key and version of the API, then the number that the answer repeats. */
const REQUEST_HEADER_BYTES = 12;
/** Length, then that number. */
const ANSWER_HEADER_BYTES = 8;

interface Asked {
	readonly api: number;
	readonly version: number;
}

/** One connection: notes which answers will hold addresses, and changes those. */
class AddressTap implements Wiretap {
	readonly #ours: ReadonlyMap<number, number>;
	readonly #asked = new Map<number, Asked>();
	#requests: Buffer = Buffer.alloc(0);
	#answers: Buffer = Buffer.alloc(0);
	/** Bytes of a frame that is already decided upon and still to come. */
	#requestRest = 0;
	#answerRest = 0;

	constructor(ours: ReadonlyMap<number, number>) {
		this.#ours = ours;
	}

	request(chunk: Buffer): void {
		let bytes = this.#requests.length === 0 ? chunk : Buffer.concat([this.#requests, chunk]);
		for (;;) {
			const passed = Math.min(this.#requestRest, bytes.length);
			bytes = bytes.subarray(passed);
			this.#requestRest -= passed;
			if (bytes.length < REQUEST_HEADER_BYTES) break;
			this.#requestRest = 4 + bytes.readInt32BE(0);
			const api = bytes.readInt16BE(4);
			const version = bytes.readInt16BE(6);
			if (version <= (VERSION_MAX.get(api) ?? -1)) this.#asked.set(bytes.readInt32BE(8), { api, version });
		}
		this.#requests = Buffer.from(bytes);
	}

	answer(chunk: Buffer): Buffer {
		let bytes = this.#answers.length === 0 ? chunk : Buffer.concat([this.#answers, chunk]);
		const out: Buffer[] = [];
		for (;;) {
			const passed = Math.min(this.#answerRest, bytes.length);
			if (passed > 0) out.push(bytes.subarray(0, passed));
			bytes = bytes.subarray(passed);
			this.#answerRest -= passed;
			if (bytes.length < ANSWER_HEADER_BYTES) break;
			const length = 4 + bytes.readInt32BE(0);
			const correlation = bytes.readInt32BE(4);
			const asked = this.#asked.get(correlation);
			if (asked !== undefined) {
				if (bytes.length < length) break;
				this.#asked.delete(correlation);
				readdress(bytes.subarray(0, length), asked, this.#ours);
			}
			this.#answerRest = length;
		}
		this.#answers = Buffer.from(bytes);
		return Buffer.concat(out);
	}
}

/** Writes our ports over the brokers' within `frame`; the host is the same, so no length changes. */
function readdress(frame: Buffer, { api, version }: Asked, ours: ReadonlyMap<number, number>): void {
	let at = ANSWER_HEADER_BYTES;
	const skipText = (): void => {
		at += 2 + Math.max(frame.readInt16BE(at), 0);
	};
	const broker = (): void => {
		at += 4;
		skipText();
		const port = ours.get(frame.readInt32BE(at));
		if (port !== undefined) frame.writeInt32BE(port, at);
		at += 4;
	};
	if (api === METADATA) {
		if (version >= 3) at += 4;
		const count = frame.readInt32BE(at);
		at += 4;
		for (let i = 0; i < count; i++) {
			broker();
			if (version >= 1) skipText();
		}
	} else {
		if (version >= 1) at += 4;
		at += 2;
		if (version >= 1) skipText();
		broker();
	}
}
