/** Reads the offset rows again and again on a connection of its own, for the latency of what becomes visible. */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";

export interface LatencyPoll {
	readonly polls: number;
	/** Longest time between two answers, in ms: events that became visible in it are known no better. */
	readonly gapMsMax: number;
	/** Waits for the last look. */
	stop(): Promise<void>;
}

export interface LatencyPollRequest {
	/** Straight to the server, not through a proxy: a frozen proxy would be measured as a late commit. */
	readonly databaseUrl: string;
	readonly topic: string;
	/** From one look to the next. A look costs Postgres and the reader about 0.1 ms of CPU each. */
	readonly intervalMs: number;
	/** Told of each partition after each look. */
	readonly onSeen: (partition: number, nextOffset: number, seenMs: number) => void;
}

const QUERY = {
	name: "latency",
	text: "SELECT kafka_partition, next_offset::float8 FROM source_offsets WHERE topic = $1",
	rowMode: "array",
} as const;
/** While there is no database, no table or no server. */
const RETRY_MS = 100;

/** Begins at once and goes on, whatever happens to the server, until it is stopped. */
export function startLatencyPoll(request: LatencyPollRequest): LatencyPoll {
	const ending = new AbortController();
	const state = { polls: 0, gapMsMax: 0 };
	const wait = (delayMs: number) => sleep(delayMs, null, { signal: ending.signal }).catch(() => null);
	const loop = (async () => {
		while (!ending.signal.aborted) {
			const client = new pg.Client({
				connectionString: request.databaseUrl,
				application_name: "lottery-perf-latency",
			});
			client.on("error", () => undefined);
			try {
				await client.connect();
				await look(client);
			} catch {
				await wait(RETRY_MS);
			} finally {
				await client.end().catch(() => undefined);
			}
		}
	})();

	async function look(client: pg.Client): Promise<void> {
		let lastMs: number | null = null;
		while (!ending.signal.aborted) {
			const askedMs = performance.now();
			const { rows } = await client.query<[number, number]>({ ...QUERY, values: [request.topic] });
			const seenMs = performance.now();
			state.polls++;
			if (lastMs !== null) state.gapMsMax = Math.max(state.gapMsMax, seenMs - lastMs);
			lastMs = seenMs;
			for (const [partition, nextOffset] of rows) request.onSeen(partition, nextOffset, seenMs);
			await wait(Math.max(0, request.intervalMs - (performance.now() - askedMs)));
		}
	}

	return {
		get polls() {
			return state.polls;
		},
		get gapMsMax() {
			return state.gapMsMax;
		},
		async stop() {
			ending.abort();
			await loop;
		},
	};
}
