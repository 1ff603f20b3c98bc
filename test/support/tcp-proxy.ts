/** A TCP proxy between engine and Postgres, to cut or freeze what is on the wire. On 127.0.0.1, ends with the test. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { Test } from "tap";

export interface TcpProxy {
	readonly port: number;
	/** Connections open now. */
	readonly open: number;
	/** Ends every connection without a farewell, as a cut cable that both ends notice. */
	cut(): void;
	/** Nothing passes any more, and nobody is told: as a firewall that drops. New connections are accepted and hang. */
	freeze(): void;
	thaw(): void;
	/**
	 * Looks at every chunk on its way to the server. `swallow` lets it pass, then cuts the connection once the server has
	 * answered, and keeps that answer: what the server did is done, and the client never hears of it.
	 */
	onRequest: (chunk: Buffer) => "pass" | "swallow";
	/** Answers kept from the client. */
	readonly swallowed: number;
}

/** The port of a server on 127.0.0.1. */
export async function startProxy(t: Test, target: number): Promise<TcpProxy> {
	const pairs = new Set<readonly [Socket, Socket]>();
	let frozen = false;
	const state = { swallowed: 0, onRequest: (_chunk: Buffer): "pass" | "swallow" => "pass" };
	const server = createServer((client) => {
		const upstream = connect(target, "127.0.0.1");
		const pair = [client, upstream] as const;
		let swallowing = false;
		const end = (): void => {
			pairs.delete(pair);
			client.destroy();
			upstream.destroy();
		};
		pairs.add(pair);
		for (const socket of pair) {
			socket.setNoDelay(true);
			socket.on("error", end).on("close", end);
			if (frozen) socket.pause();
		}
		client.on("data", (chunk) => {
			if (state.onRequest(chunk) === "swallow") swallowing = true;
			if (!upstream.write(chunk)) {
				client.pause();
				upstream.once("drain", () => frozen || client.resume());
			}
		});
		upstream.on("data", (chunk) => {
			if (swallowing) {
				state.swallowed++;
				end();
			} else client.write(chunk);
		});
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const cut = (): void => {
		for (const pair of [...pairs]) for (const socket of pair) socket.destroy();
	};
	t.teardown(async () => {
		cut();
		server.close();
		await once(server, "close");
	});
	const each = (action: (socket: Socket) => void): void => {
		for (const pair of pairs) for (const socket of pair) action(socket);
	};
	return {
		port: (server.address() as AddressInfo).port,
		get open() {
			return pairs.size;
		},
		cut,
		freeze() {
			frozen = true;
			each((socket) => socket.pause());
		},
		thaw() {
			frozen = false;
			each((socket) => socket.resume());
		},
		get onRequest() {
			return state.onRequest;
		},
		set onRequest(look) {
			state.onRequest = look;
		},
		get swallowed() {
			return state.swallowed;
		},
	};
}
