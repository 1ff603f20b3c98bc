/** Postgres's truth during a run: how many records its offset rows count, read on a connection of its own. */
import pg from "pg";

export interface OffsetReader {
	/** Records committed over all partitions; null while nobody can say (no schema yet, Postgres away or frozen). */
	committed(): Promise<number | null>;
	close(): Promise<void>;
}

/** One row per partition: a few microseconds of a backend. */
const COMMITTED = "SELECT sum(next_offset - start_offset)::float8 AS committed FROM source_offsets";

/** @param timeoutMs longest wait for an answer; the connection is then left alone until it has answered */
export function openOffsetReader(databaseUrl: string, timeoutMs: number): OffsetReader {
	let client: pg.Client | null = null;
	let asking: Promise<number | null> | null = null;
	const connect = async () => {
		const fresh = new pg.Client({
			connectionString: databaseUrl,
			application_name: "lottery-perf",
			connectionTimeoutMillis: timeoutMs,
		});
		fresh.on("error", () => {
			if (client === fresh) client = null;
		});
		await fresh.connect();
		client = fresh;
		return fresh;
	};
	const ask = async () => {
		const { rows } = await (client ?? (await connect())).query<{ committed: number | null }>(COMMITTED);
		return rows[0]?.committed ?? null;
	};
	return {
		committed() {
			if (asking !== null) return Promise.resolve(null);
			asking = ask().catch(() => null);
			void asking.finally(() => {
				asking = null;
			});
			return withTimeout(asking, timeoutMs);
		},
		async close() {
			const last = client;
			client = null;
			// A frozen server would never see us off.
			if (last !== null) await withTimeout(last.end(), timeoutMs);
		},
	};
}

async function withTimeout<T>(work: Promise<T>, timeoutMs: number): Promise<T | null> {
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<null>((resolve) => {
		timer = setTimeout(resolve, timeoutMs, null);
	});
	try {
		return await Promise.race([work, late]);
	} finally {
		clearTimeout(timer);
	}
}
