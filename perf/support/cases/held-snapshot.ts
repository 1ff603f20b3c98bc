/** As a forgotten psql: it has looked once, and its transaction is still open. */
import pg from "pg";

/**
 * What keeps every version that was there, or comes, from being cleaned. Gives what lets go of it, safe twice.
 * @throws Error from letting go when the server has ended it meanwhile: nothing was held then
 */
export async function holdSnapshot(url: string): Promise<() => Promise<void>> {
	const client = new pg.Client({ connectionString: url, application_name: "lottery-perf forgotten" });
	client.on("error", () => {});
	await client.connect();
	await client.query("SET idle_in_transaction_session_timeout = 0");
	await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
	await client.query(LOOK);
	let isHeld = true;
	return async () => {
		if (!isHeld) return;
		isHeld = false;
		try {
			await client.query(LOOK);
		} finally {
			await client.end();
		}
	};
}

const LOOK = "SELECT count(*) FROM pg_class";
