/** Connections to the database of a chapter, past the proxies. */
import pg from "pg";
import type { TestDatabase } from "../support/database.ts";

/** How to reach it. */
export type DatabaseSettings = TestDatabase["settings"];

/** A frozen server must not freeze who strikes it. */
const QUERY_TIMEOUT_MS = 10_000;

/** A connection of its own, past the proxies. Whoever asks closes it. Throws when Postgres does not answer in time. */
export async function connectTo(settings: DatabaseSettings, name: string): Promise<pg.Client> {
	const client = new pg.Client({
		...settings,
		application_name: name,
		connectionTimeoutMillis: QUERY_TIMEOUT_MS,
		query_timeout: QUERY_TIMEOUT_MS,
	});
	// The server is killed under it now and then.
	client.on("error", () => {});
	try {
		await client.connect();
		await client.query("SET TimeZone = 'UTC'");
		return client;
	} catch (error) {
		close(client);
		throw error;
	}
}

/** Without a farewell, which a frozen server would never answer. */
export function close(client: pg.Client): void {
	(client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}

/** Does something on a connection that is closed afterwards. */
export async function withClient<T>(
	settings: DatabaseSettings,
	action: (client: pg.Client) => Promise<T>,
): Promise<T> {
	const client = await connectTo(settings, "chaos");
	try {
		return await action(client);
	} finally {
		close(client);
	}
}
