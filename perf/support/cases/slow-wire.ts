/**
 * A TCP proxy before Postgres that makes it slow or still: COMMITs held back for a while, or nothing passing at all.
 * It works before any Postgres, also one that is not ours to stop.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export interface SlowWire {
	/** The database's URL, through the proxy. */
	readonly url: string;
	/** How long each COMMIT waits before the server sees it, in ms. */
	commitDelayMs: number;
	/** COMMITs that passed. */
	readonly commits: number;
	/**
	 * Nothing passes any more, either way, and nobody is told; new connections are accepted and hang. Gives what ends it:
	 * what waited arrives.
	 */
	freeze(): () => void;
	/** Ends all connections. Safe twice. */
	close(): Promise<void>;
}

/** The end of the statement as text, in a simple Query as well as in a Parse message; BEGIN's READ COMMITTED is no match. */
const COMMIT = Buffer.from("COMMIT\0", "latin1");
const POSTGRES_PORT = 5432;

/** @param databaseUrl of the server, with a host and without a TLS that would hide the statements */
export async function openSlowWire(databaseUrl: string): Promise<SlowWire> {
	const target = new URL(databaseUrl);
	const pairs = new Set<readonly [Socket, Socket]>();
	const state = { frozen: false, commitDelayMs: 0, commits: 0 };
	const apply = (): void => {
		for (const socket of [...pairs].flat()) {
			if (state.frozen) socket.pause();
			else socket.resume();
		}
	};
	const server = createServer((client) => {
		const upstream = connect(Number(target.port || POSTGRES_PORT), hostOf(target));
		const pair = [client, upstream] as const;
		pairs.add(pair);
		const end = (): void => {
			pairs.delete(pair);
			client.destroy();
			upstream.destroy();
		};
		for (const socket of pair) socket.setNoDelay(true).on("error", end).on("close", end);
		upstream.on("data", (chunk) => pass(chunk, upstream, client, state));
		// What follows a COMMIT that is held back waits behind it.
		let before: Promise<void> | null = null;
		client.on("data", (chunk) => {
			const commits = chunk.includes(COMMIT);
			if (commits) state.commits++;
			const delayMs = commits ? state.commitDelayMs : 0;
			if (delayMs === 0 && before === null) {
				pass(chunk, client, upstream, state);
				return;
			}
			const turn: Promise<void> = (before ?? Promise.resolve())
				.then(() => sleep(delayMs))
				.then(() => {
					pass(chunk, client, upstream, state);
					if (before === turn) before = null;
				});
			before = turn;
		});
		apply();
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const url = new URL(databaseUrl);
	url.hostname = "127.0.0.1";
	url.port = String((server.address() as AddressInfo).port);
	let closing: Promise<void> | null = null;
	return {
		url: url.href,
		get commits() {
			return state.commits;
		},
		get commitDelayMs() {
			return state.commitDelayMs;
		},
		set commitDelayMs(delayMs) {
			state.commitDelayMs = delayMs;
		},
		freeze() {
			state.frozen = true;
			apply();
			return () => {
				state.frozen = false;
				apply();
			};
		},
		close() {
			closing ??= (async () => {
				for (const socket of [...pairs].flat()) socket.destroy();
				server.close();
				await once(server, "close");
			})();
			return closing;
		},
	};
}

/** Reads no faster than the other end takes it: the proxy must not be the memory that hides a slow server. */
function pass(chunk: Buffer, from: Socket, to: Socket, state: { readonly frozen: boolean }): void {
	if (to.destroyed || to.write(chunk)) return;
	from.pause();
	to.once("drain", () => {
		if (!state.frozen) from.resume();
	});
}

/** `[::1]` in a URL is `::1` for a socket. */
function hostOf({ hostname }: URL): string {
	return hostname.replace(/^\[|\]$/g, "");
}
