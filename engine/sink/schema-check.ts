import { SchemaError } from "./errors.ts";
import { assertUsable, isCurrent, migrationStatus } from "./migrate.ts";
import type { PostgresSettings } from "./settings.ts";

/** Throws `SchemaError` (exit 78) unless the schema is exactly this version's, with the command that makes it so. */
export async function requireCurrentSchema(settings: PostgresSettings): Promise<void> {
	const status = await migrationStatus(settings);
	if (isCurrent(status)) return;
	assertUsable(status);
	throw new SchemaError(
		"MIGRATION_PENDING",
		`the schema of the database is not current: ${status.pending.join(", ")} not applied`,
		"run `node engine migrate`, or start with --migrate",
	);
}
