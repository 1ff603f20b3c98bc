/**
 * A TCP proxy in front of a server on 127.0.0.1, for what happens to bytes between two processes: cut, frozen (wholly
 * or one way), late, or lost at one end only. Ends with the test.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** The part of a tap test that is needed here. */
interface TestWithTeardown {
	teardown(handler: () => Promise<void>): void;
}

/**
 * What becomes of a chunk on its way to the server. `swallow` lets it pass, then cuts the connection once the server has
 * answered, and keeps that answer: what the server did is done, and the client never hears of it. `drop` cuts before the
 * server sees it. `hold` lets it pass and keeps all answers of this connection back until `thaw`.
 */
export type Fate = "pass" | "swallow" | "drop" | "hold";

/** One way of every connection, or both. */
export type Way = "both" | "requests" | "answers";

/** Looks at one connection's bytes; `answer` may change them. */
export interface Wiretap {
	request(chunk: Buffer): void;
	answer(chunk: Buffer): Buffer;
}

export interface ProxyOptions {
	/** Called for each connection. */
	readonly tap?: () => Wiretap;
}

export interface TcpProxy {
	readonly port: number;
	/** Connections open now. */
	readonly open: number;
	/** Ends every connection without a farewell, as a cut cable that both ends notice. */
	cut(): void;
	/**
	 * Nothing passes any more, and nobody is told: as a firewall that drops. New connections are accepted and hang. Given
	 * a way, only that one is blocked.
	 */
	freeze(way?: Way): void;
	/** Ends `freeze`, `hold` and `lose`: what was kept arrives, what was lost at one end is cut at the other. */
	thaw(): void;
	/** From now on one end of the connections that are open is gone, and the other is not told before `thaw`. */
	lose(end: "client" | "server"): void;
	/** How long every chunk takes from now on, each way, in ms. */
	delayMs: number;
	/** Looks at every chunk on its way to the server; `connection` is the same object for all chunks of one connection. */
	onRequest: (chunk: Buffer, connection: object) => Fate;
	/** Answers kept from the client by `swallow`. */
	readonly swallowed: number;
}

/** The port of a server on 127.0.0.1. */
export async function startProxy(
	t: TestWithTeardown,
	target: number,
	options: ProxyOptions = {},
): Promise<TcpProxy> {
	const pairs = new Set<Pair>();
	const rules: Rules = { frozen: null, delayMs: 0, swallowed: 0, onRequest: () => "pass" };
	const server = createServer((client) => {
		const pair = new Pair(client, connect(target, "127.0.0.1"), rules, options.tap?.() ?? null);
		pairs.add(pair);
		pair.onEnd = () => pairs.delete(pair);
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const cut = (): void => {
		for (const pair of [...pairs]) pair.end();
	};
	t.teardown(async () => {
		cut();
		server.close();
		await once(server, "close");
	});
	return {
		port: (server.address() as AddressInfo).port,
		get open() {
			return pairs.size;
		},
		cut,
		freeze(way = "both") {
			rules.frozen = way;
			for (const pair of pairs) pair.apply();
		},
		thaw() {
			rules.frozen = null;
			for (const pair of [...pairs]) pair.thaw();
		},
		lose(end) {
			for (const pair of pairs) pair.lose(end);
		},
		get delayMs() {
			return rules.delayMs;
		},
		set delayMs(delayMs) {
			rules.delayMs = delayMs;
		},
		get onRequest() {
			return rules.onRequest;
		},
		set onRequest(look) {
			rules.onRequest = look;
		},
		get swallowed() {
			return rules.swallowed;
		},
	};
}

interface Rules {
	frozen: Way | null;
	delayMs: number;
	swallowed: number;
	onRequest: (chunk: Buffer, connection: object) => Fate;
}

/** One connection: the client's socket and ours to the server. */
class Pair {
	onEnd: () => void = () => {};
	readonly #client: Socket;
	readonly #upstream: Socket;
	readonly #rules: Rules;
	readonly #toServer: Lane;
	readonly #toClient: Lane;
	#swallowing = false;
	#holding = false;
	#lost = false;

	constructor(client: Socket, upstream: Socket, rules: Rules, tap: Wiretap | null) {
		this.#client = client;
		this.#upstream = upstream;
		this.#rules = rules;
		this.#toServer = new Lane(client, upstream, rules);
		this.#toClient = new Lane(upstream, client, rules);
		for (const socket of [client, upstream]) {
			socket.setNoDelay(true);
			socket.on("error", () => this.#socketEnded()).on("close", () => this.#socketEnded());
		}
		this.apply();
		client.on("data", (chunk) => {
			if (this.#lost) return;
			const fate = rules.onRequest(chunk, this);
			if (fate === "drop") {
				this.end();
				return;
			}
			if (fate === "swallow") this.#swallowing = true;
			if (fate === "hold") {
				this.#holding = true;
				this.apply();
			}
			tap?.request(chunk);
			this.#toServer.pass(chunk);
		});
		upstream.on("data", (chunk) => {
			if (this.#lost) return;
			if (this.#swallowing) {
				rules.swallowed++;
				this.end();
			} else this.#toClient.pass(tap === null ? chunk : tap.answer(chunk));
		});
	}

	/** Both ends hear of it. */
	end(): void {
		this.onEnd();
		this.#client.destroy();
		this.#upstream.destroy();
	}

	apply(): void {
		const { frozen } = this.#rules;
		this.#toServer.frozen = frozen === "both" || frozen === "requests";
		this.#toClient.frozen = this.#holding || frozen === "both" || frozen === "answers";
	}

	thaw(): void {
		if (this.#lost) {
			this.end();
			return;
		}
		this.#holding = false;
		this.apply();
	}

	lose(end: "client" | "server"): void {
		this.#lost = true;
		(end === "client" ? this.#client : this.#upstream).destroy();
	}

	#socketEnded(): void {
		if (!this.#lost || (this.#client.destroyed && this.#upstream.destroyed)) this.end();
	}
}

/** One way of one connection. Chunks stay in order whatever happens to the delay. */
class Lane {
	readonly #from: Socket;
	readonly #to: Socket;
	readonly #rules: Rules;
	/** Chunks under way that are not yet written. A timer writes the first of them, whichever chunk set it. */
	readonly #late: Buffer[] = [];
	#lastDueMs = 0;
	#frozen = false;
	#full = false;

	constructor(from: Socket, to: Socket, rules: Rules) {
		this.#from = from;
		this.#to = to;
		this.#rules = rules;
	}

	set frozen(frozen: boolean) {
		this.#frozen = frozen;
		this.#steer();
	}

	pass(chunk: Buffer): void {
		if (this.#rules.delayMs === 0 && this.#late.length === 0) {
			this.#write(chunk);
			return;
		}
		const now = performance.now();
		this.#lastDueMs = Math.max(this.#lastDueMs, now + this.#rules.delayMs);
		this.#late.push(chunk);
		setTimeout(() => this.#write(this.#late.shift()!), this.#lastDueMs - now);
	}

	#write(chunk: Buffer): void {
		if (this.#to.destroyed || this.#to.write(chunk)) return;
		this.#full = true;
		this.#steer();
		this.#to.once("drain", () => {
			this.#full = false;
			this.#steer();
		});
	}

	#steer(): void {
		if (this.#frozen || this.#full) this.#from.pause();
		else this.#from.resume();
	}
}
