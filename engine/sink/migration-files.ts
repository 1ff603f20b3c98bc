/** The SQL files of this version, and how they compare with what a database says was applied to it. */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { packageRoot } from "../../schema/package-root.ts";

export interface MigrationFile {
	/** File name; their byte order is the order in which they are applied. */
	readonly name: string;
	readonly sql: string;
	/** SHA-256 of the text, in hex. */
	readonly checksum: string;
}

/** File names, sorted. */
export interface MigrationStatus {
	readonly applied: string[];
	/** Known, and not applied. */
	readonly pending: string[];
	/** Applied, and not known to this version: the database is newer. */
	readonly unknown: string[];
	/** Applied, and different now. */
	readonly changed: string[];
}

const FILE_NAME = /^\d{4}_[a-z0-9_]+\.sql$/;

/** Reads all migrations of a folder (default: this version's). Throws when a file's name says no order. */
export async function readMigrations(
	folder = join(packageRoot(), "schema", "migrations"),
): Promise<readonly MigrationFile[]> {
	const names = (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort();
	const numbers = new Set<string>();
	for (const name of names) {
		if (!FILE_NAME.test(name))
			throw new Error(`${name} in ${folder} is not named like 0001_what_it_does.sql`);
		if (numbers.has(name.slice(0, 4)))
			throw new Error(`two files in ${folder} have the number ${name.slice(0, 4)}`);
		numbers.add(name.slice(0, 4));
	}
	return Promise.all(
		names.map(async (name) => {
			// Git may check the file out with other line ends; that is no change.
			const sql = (await readFile(join(folder, name), "utf8")).replaceAll("\r\n", "\n");
			return { name, sql, checksum: createHash("sha256").update(sql).digest("hex") };
		}),
	);
}

/** `history`: checksum by name of what was applied. */
export function compareMigrations(
	files: readonly MigrationFile[],
	history: ReadonlyMap<string, string>,
): MigrationStatus {
	const known = new Map(files.map((file) => [file.name, file.checksum]));
	const applied = [...history.keys()].sort();
	return {
		applied,
		pending: [...known.keys()].filter((name) => !history.has(name)),
		unknown: applied.filter((name) => !known.has(name)),
		changed: applied.filter((name) => known.has(name) && known.get(name) !== history.get(name)),
	};
}
