/** Several sessions on one small table, and looking at who waits for whom. For contract tests of Postgres. */
import pg from "pg";
import type { Test } from "tap";
import { createDatabase, type TestDatabase } from "./database.ts";
import { waitUntil } from "./wait-until.ts";

export interface Session {
	readonly client: pg.Client;
	readonly pid: number;
}

export async function session(t: Test, { settings }: TestDatabase): Promise<Session> {
	const client = new pg.Client(settings);
	client.on("error", () => {});
	await client.connect();
	t.teardown(() => client.end().catch(() => {}));
	const { rows } = await client.query("SELECT pg_backend_pid() AS pid");
	return { client, pid: rows[0].pid };
}

/** A table of three rows, and two sessions on it. */
export async function stage(
	t: Test,
): Promise<{ database: TestDatabase; looker: pg.Client; a: Session; b: Session }> {
	const database = await createDatabase(t);
	const { client: looker } = database;
	await looker.query(
		`CREATE TABLE it (id int PRIMARY KEY, epoch int NOT NULL DEFAULT 1, name text);
		INSERT INTO it (id) VALUES (1), (2), (3)`,
	);
	return { database, looker, a: await session(t, database), b: await session(t, database) };
}

interface Waiting {
	readonly blockers: readonly number[];
	readonly event: string;
}

/** Resolves when `pid` waits for a lock, with whom it waits for. */
export function untilBlocked(looker: pg.Client, pid: number): Promise<Waiting> {
	return waitUntil(async () => {
		const { rows } = await looker.query<Waiting>(
			`SELECT pg_blocking_pids(a.pid) AS blockers, a.wait_event_type AS event FROM pg_stat_activity AS a
			JOIN pg_locks AS l USING (pid) WHERE a.pid = $1 AND NOT l.granted AND l.waitstart <= clock_timestamp()`,
			[pid],
		);
		return rows[0];
	});
}

/** Ids whose rows nobody holds. */
export async function free(looker: pg.Client): Promise<number[]> {
	await looker.query("BEGIN");
	const { rows } = await looker.query("SELECT id FROM it ORDER BY id FOR UPDATE SKIP LOCKED");
	await looker.query("ROLLBACK");
	return rows.map(({ id }) => id);
}

export const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;
