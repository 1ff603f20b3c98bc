/** As a forgotten psql: it has looked once, and its transaction is still open. */
import pg from "pg";

/** What keeps every version that was there, or comes, from being cleaned; gives what lets go of it, which is safe twice. */
export async function holdSnapshot(url: string): Promise<() => Promise<void>> {
	const client = new pg.Client({ connectionString: url, application_name: "lottery-perf forgotten" });
	// The database goes with everybody in it when a run is interrupted.
	client.on("error", () => {});
	await client.connect();
	await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
	await client.query("SELECT count(*) FROM pg_class");
	return () => client.end();
}
