/** One connection to a broker with one request at a time, over a plain socket. */
import { connect, type Socket } from "node:net";

export interface BrokerConnection {
	/**
	 * Sends a whole request (length field included) and resolves with the answer without its length field, good until the
	 * next request. Rejects when the connection breaks or nothing comes for `ANSWER_TIMEOUT_MS`; it is of no use then.
	 */
	ask(request: Buffer): Promise<Buffer>;
	close(): void;
}

/** A broker on a busy machine answers in milliseconds; after this it is frozen. */
const ANSWER_TIMEOUT_MS = 60_000;
const LENGTH_BYTES = 4;

export async function connectBroker(host: string, port: number): Promise<BrokerConnection> {
	const socket = connect({ host, port, noDelay: true });
	await new Promise<void>((resolve, reject) => {
		socket.once("connect", resolve);
		socket.once("error", (error) => reject(new Error(`no connection to Kafka: ${error.message}`)));
	});
	return new Connection(socket, `${host}:${port}`);
}

class Connection implements BrokerConnection {
	readonly #socket: Socket;
	readonly #name: string;
	#received: Buffer = Buffer.alloc(0);
	#waiting: { resolve(answer: Buffer): void; reject(error: Error): void } | null = null;

	constructor(socket: Socket, name: string) {
		this.#socket = socket;
		this.#name = name;
		socket.removeAllListeners("error");
		socket.on("error", (error) => this.#fail(`the connection to ${name} broke: ${error.message}`));
		socket.on("close", () => this.#fail(`${name} has closed the connection`));
		socket.on("timeout", () => {
			if (this.#waiting !== null) socket.destroy(new Error(`no answer for ${ANSWER_TIMEOUT_MS / 1000} s`));
		});
		socket.setTimeout(ANSWER_TIMEOUT_MS);
		socket.on("data", (chunk) => this.#take(chunk));
	}

	ask(request: Buffer): Promise<Buffer> {
		if (this.#waiting !== null) throw new Error("one request at a time");
		if (this.#socket.destroyed) return Promise.reject(new Error(`the connection to ${this.#name} is closed`));
		return new Promise((resolve, reject) => {
			this.#waiting = { resolve, reject };
			this.#socket.write(request);
		});
	}

	close(): void {
		this.#socket.removeAllListeners("close");
		this.#socket.destroy();
	}

	#take(chunk: Buffer): void {
		this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
		if (this.#received.length < LENGTH_BYTES) return;
		const end = LENGTH_BYTES + this.#received.readInt32BE(0);
		if (this.#received.length < end) return;
		const answer = this.#received.subarray(LENGTH_BYTES, end);
		this.#received = this.#received.subarray(end);
		const waiting = this.#waiting;
		this.#waiting = null;
		waiting?.resolve(answer);
	}

	#fail(message: string): void {
		const waiting = this.#waiting;
		this.#waiting = null;
		waiting?.reject(new Error(message));
	}
}
