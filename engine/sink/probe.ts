/** What `node engine check` wants to know of Postgres. */
import { connect } from "./connect.ts";
import type { PostgresSettings } from "./settings.ts";

export interface PostgresView {
	readonly version: string;
	readonly database: string;
	readonly user: string;
	/** A standby, or a database set to read-only, cannot be written to. */
	readonly isReadOnly: boolean;
	/** The schema that tables would go to; null when the search path names none that exists. */
	readonly schema: string | null;
	readonly mayCreate: boolean;
	/** `on` or stronger in our session; `connect` sees to that. */
	readonly synchronousCommit: string;
	/** Off: a crash of the server loses acknowledged commits, whatever synchronous_commit says. */
	readonly fsync: string;
}

const PROBE_TIMEOUT_MS = 5_000;

/** Throws what `connect` throws. */
export async function probePostgres(settings: PostgresSettings): Promise<PostgresView> {
	const client = await connect(settings, {
		applicationName: "lottery-engine check",
		statementTimeoutMs: PROBE_TIMEOUT_MS,
	});
	try {
		const { rows } = await client.query<PostgresView>(`
			SELECT current_setting('server_version') AS version, current_database() AS database, current_user AS "user",
				current_setting('transaction_read_only')::boolean OR pg_is_in_recovery() AS "isReadOnly",
				current_schema() AS schema,
				coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS "mayCreate",
				current_setting('synchronous_commit') AS "synchronousCommit", current_setting('fsync') AS fsync`);
		return rows[0]!;
	} finally {
		await client.end();
	}
}
