/** `node engine migrate`: brings the database to this version's schema, or says with `--status` what is missing. */
import { EXIT } from "../exit-codes.ts";
import { describeSettings } from "../sink/connect.ts";
import { assertUsable, isCurrent, migrate, migrationStatus } from "../sink/migrate.ts";
import type { MigrationStatus } from "../sink/migration-files.ts";
import type { PostgresSettings } from "../sink/settings.ts";

export interface MigrateCommandOptions {
	readonly settings: PostgresSettings;
	/** Only say what is applied and what is missing. */
	readonly status?: boolean;
	readonly json?: boolean;
	/** Data goes to `out` (stdout), progress to `log` (stderr); both take whole lines. */
	readonly out: { write(text: string): unknown };
	readonly log: { write(text: string): unknown };
}

/**
 * Returns the exit code: 0, or 3 when `--status` finds a schema that is not current. Throws what `migrate` throws
 * (exit 69 or 78).
 */
export async function runMigrate(options: MigrateCommandOptions): Promise<number> {
	const { settings, json, out, log } = options;
	if (options.status) {
		const status = await migrationStatus(settings);
		out.write(json ? `${JSON.stringify({ current: isCurrent(status), ...status })}\n` : statusText(status));
		return isCurrent(status) ? EXIT.ok : EXIT.problems;
	}
	const result = await migrate(settings, {
		onApplied: (name) => log.write(`applied ${name}\n`),
		onNotice: (text) => log.write(`${text}\n`),
	});
	if (json) {
		out.write(`${JSON.stringify(result)}\n`);
	} else {
		const done = result.applied.length === 0 ? "nothing to do" : `${result.applied.length} applied`;
		out.write(`${describeSettings(settings)}: ${done}, the schema is at ${result.current}\n`);
	}
	return EXIT.ok;
}

function statusText(status: MigrationStatus): string {
	const lines = [
		...status.applied.map((name) => [name, stateOf(name, status)]),
		...status.pending.map((name) => [name, "pending"]),
	];
	const table = lines.map(([name, state]) => `${state!.padEnd(8)} ${name}\n`).join("");
	if (isCurrent(status)) return `${table}the schema is current\n`;
	try {
		assertUsable(status);
	} catch (error) {
		const { message, nextStep } = error as { message: string; nextStep: string };
		return `${table}${message}\n${nextStep}\n`;
	}
	return `${table}the schema is not current: run \`node engine migrate\`\n`;
}

function stateOf(name: string, status: MigrationStatus): string {
	if (status.unknown.includes(name)) return "unknown";
	return status.changed.includes(name) ? "changed" : "applied";
}
