/** Makes the data folder of the embedded Postgres, once: initdb, then the database, then a rename that says "done". */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chownSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UnavailableError } from "../errors.ts";
import { type Progress, writeFileAtomic } from "./home.ts";
import type { PostgresBinaries } from "./postgres-binaries.ts";
import type { Place, RunAs } from "./run-as.ts";

export interface Cluster {
	readonly dataFolder: string;
	readonly password: string;
}

export interface ClusterNames {
	readonly user: string;
	readonly database: string;
}

/** initdb takes 2 s; a slow disk may take a minute. */
const INITDB_TIMEOUT_MS = 180_000;
const PASSWORD_BYTES = 24;
/** The process id follows: the initdb of an engine that was killed may still be writing into its own. */
const UNFINISHED = "data.new.";

/**
 * @param passwordFile kept in the home, 0600; written before the data is in place, so there is no data without one
 * @throws UnavailableError with the last lines of the program that failed
 */
export function prepareCluster(
	place: Place,
	binaries: PostgresBinaries,
	names: ClusterNames,
	passwordFile: string,
	progress: Progress,
): Cluster {
	const dataFolder = join(place.folder, "data");
	if (existsSync(join(dataFolder, "PG_VERSION")))
		return { dataFolder, password: readPassword(passwordFile, dataFolder) };
	progress("making the data folder of the embedded Postgres (about 3 s, once)");
	const password = randomBytes(PASSWORD_BYTES).toString("base64url");
	writeFileAtomic(passwordFile, `${password}\n`);
	removeUnfinished(place.folder);
	const unfinished = join(place.folder, `${UNFINISHED}${process.pid}`);
	initialise(place, binaries, names, password, unfinished);
	renameSync(unfinished, dataFolder);
	return { dataFolder, password };
}

function removeUnfinished(folder: string): void {
	for (const name of readdirSync(folder)) {
		if (name.startsWith(UNFINISHED)) rmSync(join(folder, name), { recursive: true, force: true });
	}
}

function initialise(
	place: Place,
	binaries: PostgresBinaries,
	names: ClusterNames,
	password: string,
	folder: string,
): void {
	const passwordForInitdb = join(place.folder, "initdb-password");
	rmSync(passwordForInitdb, { force: true });
	writeFileSync(passwordForInitdb, `${password}\n`, { mode: 0o600, flag: "wx" });
	if (place.runAs !== null) chownSync(passwordForInitdb, place.runAs.uid, place.runAs.gid);
	try {
		run(binaries, place, "initdb", [
			...["-D", folder, "-U", names.user, `--pwfile=${passwordForInitdb}`, "--auth=scram-sha-256"],
			// The built-in locale sorts the same on every machine, whatever locales it has.
			...["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"],
			...["--no-instructions", "--set", "timezone=UTC", "--set", "log_timezone=UTC"],
		]);
	} finally {
		rmSync(passwordForInitdb, { force: true });
	}
	// Single-user mode needs neither a port nor a client.
	const create = `CREATE DATABASE "${names.database}" OWNER "${names.user}"\n`;
	run(
		binaries,
		place,
		"postgres",
		["--single", "-j", "-D", folder, "-c", "exit_on_error=true", "template1"],
		create,
	);
}

function run(
	binaries: PostgresBinaries,
	place: Place,
	program: string,
	args: readonly string[],
	input = "",
): void {
	const done = spawnSync(join(binaries.folder, "bin", program), args, {
		input,
		encoding: "utf8",
		timeout: INITDB_TIMEOUT_MS,
		cwd: place.folder,
		env: postgresEnvironment(place.folder),
		...identityOf(place.runAs),
	});
	if (done.status === 0) return;
	const said = `${done.stderr ?? ""}${done.stdout ?? ""}`.trim().split("\n").slice(-8).join("\n");
	throw new UnavailableError(
		"embedded Postgres",
		`${program} failed (${done.error?.message ?? done.signal ?? `exit ${done.status}`}):\n${said}`,
		`make room or rights in ${place.folder}, or set DATABASE_URL to a Postgres you have`,
	);
}

/** All of the environment that Postgres gets: with ours, PGDATA or LC_MESSAGES would change what it does. */
export function postgresEnvironment(folder: string): Record<string, string> {
	return { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: folder, LC_ALL: "C", TZ: "UTC" };
}

function identityOf(runAs: RunAs | null): { uid?: number; gid?: number } {
	return runAs === null ? {} : { uid: runAs.uid, gid: runAs.gid };
}

function readPassword(passwordFile: string, dataFolder: string): string {
	try {
		return readFileSync(passwordFile, "utf8").trim();
	} catch (cause) {
		throw new UnavailableError(
			"embedded Postgres",
			`the password of the embedded Postgres is gone from ${passwordFile}, and its data in ${dataFolder} is locked without it`,
			`restore the file, or delete ${dataFolder} to begin with an empty database`,
			{ cause },
		);
	}
}
