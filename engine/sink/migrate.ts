/** Brings a database to this version's schema: plain SQL files, forward only, each in its own transaction. */
import type pg from "pg";
import { connect, destroy } from "./connect.ts";
import { errorCode, isConnectionLost, SchemaError } from "./errors.ts";
import { MIGRATE_LOCK } from "./locks.ts";
import {
	compareMigrations,
	type MigrationFile,
	type MigrationStatus,
	readMigrations,
} from "./migration-files.ts";
import type { PostgresSettings } from "./settings.ts";

/** How long to wait for another engine that is migrating. */
const MIGRATE_LOCK_TIMEOUT_MS = 60_000;
/** A migration that waits longer for a table gives up: behind it, every flush and every reader waits too. */
const TABLE_LOCK_TIMEOUT_MS = 10_000;

export interface MigrateOptions {
	/** Folder of the SQL files; this version's own by default. */
	readonly folder?: string;
	/** Told after each file that was applied. */
	readonly onApplied?: (name: string) => void;
	/** Told what a file has to say to people (`RAISE NOTICE`), its hint included: something could not be done. */
	readonly onNotice?: (text: string) => void;
}

export interface MigrateResult {
	/** Names of the files that this call applied, in order; empty when the schema was current. */
	readonly applied: string[];
	/** Name of the newest applied file; empty for a folder without files. */
	readonly current: string;
}

/**
 * Applies what is missing. Two engines that migrate at the same time take turns, and the second finds nothing to do.
 *
 * Throws `SchemaError` when an applied file was changed, when the database is newer than this version, or when a file
 * fails (the files before it stay applied); `PostgresUnavailableError` when there is no way in.
 */
export async function migrate(
	settings: PostgresSettings,
	options: MigrateOptions = {},
): Promise<MigrateResult> {
	const files = await readMigrations(options.folder);
	const client = await connect(settings, {
		applicationName: "lottery-engine migrate",
		lockTimeoutMs: MIGRATE_LOCK_TIMEOUT_MS,
	});
	try {
		await lockOrExplain(client);
		await createHistory(client);
		const status = compareMigrations(files, await readHistory(client));
		assertUsable(status);
		client.on("notice", ({ message, hint }) => {
			options.onNotice?.([message, hint].filter(Boolean).join("; "));
		});
		for (const name of status.pending) {
			await applyFile(client, files.find((file) => file.name === name)!);
			options.onApplied?.(name);
		}
		return { applied: status.pending, current: files.at(-1)?.name ?? "" };
	} finally {
		// The end of the session releases the lock, whatever went wrong before.
		await client.end().catch(() => destroy(client));
	}
}

/** What is applied and what is missing; reads only, and takes no lock. Throws `PostgresUnavailableError`. */
export async function migrationStatus(
	settings: PostgresSettings,
	options: MigrateOptions = {},
): Promise<MigrationStatus> {
	const files = await readMigrations(options.folder);
	const client = await connect(settings, { applicationName: "lottery-engine check" });
	try {
		return compareMigrations(files, await readHistory(client));
	} finally {
		await client.end().catch(() => destroy(client));
	}
}

/** True when the engine may work on this schema: nothing pending, nothing changed, nothing newer. */
export function isCurrent(status: MigrationStatus): boolean {
	return status.pending.length + status.changed.length + status.unknown.length === 0;
}

/** Throws `SchemaError` when migrating would make things worse, or hide something. */
export function assertUsable(status: MigrationStatus): void {
	if (status.changed.length > 0) {
		throw new SchemaError(
			"MIGRATION_CHANGED",
			`these migrations were applied and have been changed since: ${status.changed.join(", ")}`,
			"put the files back as they were (git checkout schema/migrations) and write the change as a new migration",
		);
	}
	if (status.unknown.length > 0) {
		throw new SchemaError(
			"MIGRATION_UNKNOWN",
			`the database has migrations that this version does not know: ${status.unknown.join(", ")}`,
			"it was migrated by a newer version: run that one, or give this one a database of its own",
		);
	}
	const newest = status.applied.at(-1) ?? "";
	const early = status.pending.filter((name) => name < newest);
	if (early.length > 0) {
		throw new SchemaError(
			"MIGRATION_ORDER",
			`${early.join(", ")} would have to run before ${newest}, which is applied already`,
			"migrations only go forward: give the new file a higher number",
		);
	}
}

async function lockOrExplain(client: pg.Client): Promise<void> {
	try {
		await client.query(`SELECT pg_advisory_lock(${MIGRATE_LOCK})`);
	} catch (error) {
		if (errorCode(error) !== "55P03") throw error;
		throw new SchemaError(
			"MIGRATION_FAILED",
			`another process has been migrating this database for more than ${MIGRATE_LOCK_TIMEOUT_MS / 1000} s`,
			"wait for it, or find it with: SELECT pid, query FROM pg_stat_activity WHERE application_name = 'lottery-engine migrate'",
			{ cause: error },
		);
	}
	await client.query(`SET lock_timeout = ${TABLE_LOCK_TIMEOUT_MS}`);
}

async function createHistory(client: pg.Client): Promise<void> {
	try {
		await client.query(`
			CREATE TABLE IF NOT EXISTS schema_migrations (
				name text COLLATE "C" PRIMARY KEY,
				checksum text NOT NULL,
				applied_at timestamptz NOT NULL DEFAULT now()
			)`);
	} catch (error) {
		if (isConnectionLost(error)) throw error;
		throw new SchemaError(
			"MIGRATION_FAILED",
			`no table can be created in this database: ${(error as Error).message}`,
			"let the user create tables there: GRANT CREATE ON SCHEMA public TO ...",
			{ cause: error },
		);
	}
}

/** Applied names and their checksums; empty for a database that was never migrated. */
async function readHistory(client: pg.Client): Promise<Map<string, string>> {
	const { rows: found } = await client.query("SELECT to_regclass('schema_migrations') IS NOT NULL AS exists");
	if (!found[0].exists) return new Map();
	const { rows } = await client.query<{ name: string; checksum: string }>(
		"SELECT name, checksum FROM schema_migrations ORDER BY name",
	);
	return new Map(rows.map((row) => [row.name, row.checksum]));
}

async function applyFile(client: pg.Client, file: MigrationFile): Promise<void> {
	try {
		await client.query("BEGIN");
		await client.query(file.sql);
		await client.query("INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2)", [
			file.name,
			file.checksum,
		]);
		await client.query("COMMIT");
	} catch (error) {
		// Nobody knows then whether it was applied; the next run reads it from the database.
		if (isConnectionLost(error)) throw error;
		await client.query("ROLLBACK").catch(() => destroy(client));
		throw new SchemaError(
			"MIGRATION_FAILED",
			`${file.name}${lineOf(file.sql, error)} could not be applied: ${(error as Error).message}`,
			"nothing of this file was applied: remove the cause and run `node engine migrate` again",
			{ cause: error },
		);
	}
}

/** ` line N` when Postgres says at which character of the file it stumbled. */
function lineOf(sql: string, error: unknown): string {
	const position = Number((error as { position?: unknown }).position);
	return position > 0 ? ` line ${sql.slice(0, position).split("\n").length}` : "";
}
