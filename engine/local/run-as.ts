/**
 * Postgres refuses to run as root. As root it runs under a system user, whose data must lie where that user can pass.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { UnavailableError } from "../errors.ts";
import { writeFileAtomic } from "./home.ts";

export interface RunAs {
	readonly uid: number;
	readonly gid: number;
}

/** Where Postgres keeps its things, and who it runs as. */
export interface Place {
	/** Of that user alone. */
	readonly folder: string;
	/** The folder outside of the home that all this lies in; null when it is in the home. */
	readonly outside: string | null;
	/** Where its programs are copied when they cannot be used where npm put them. Null: the user's cache is fine. */
	readonly binaries: string | null;
	/** Null: our own user. */
	readonly runAs: RunAs | null;
}

/** `nobody` on most systems, for the case that /etc/passwd names none. */
const UNPRIVILEGED_ID = 65_534;
/**
 * For a home the user cannot reach, such as one under /root. /var/lib comes first since nothing cleans it: systemd
 * removes files older than 30 days from /var/tmp.
 */
const REACHABLE_BASES = ["/var/lib", "/var/tmp"];
/** In the home: the path of the place outside of it. */
const POINTER = "postgres-place";

/**
 * Makes the folder for Postgres: in the home when it can be reached there, else in a folder of root's outside, which
 * the home points to.
 * @param home an opened home
 * @throws UnavailableError when no folder can be reached by the unprivileged user
 */
export function openPlace(home: string): Place {
	if (process.getuid?.() !== 0) {
		const folder = join(home, "postgres");
		mkdirSync(folder, { recursive: true, mode: 0o700 });
		return { folder, outside: null, binaries: null, runAs: null };
	}
	const runAs = unprivilegedUser();
	const base = placeOutside(home) ?? (canReach(home, runAs) ? home : makePlaceOutside(home, runAs));
	const folder = join(base, "postgres");
	mkdirSync(folder, { recursive: true, mode: 0o700 });
	chownSync(folder, runAs.uid, runAs.gid);
	chmodSync(folder, 0o700);
	return { folder, outside: base === home ? null : base, binaries: join(base, "postgres-programs"), runAs };
}

/** The folder outside of the home that belongs to it, or null. */
export function placeOutside(home: string): string | null {
	const pointer = join(home, POINTER);
	if (!existsSync(pointer)) return null;
	const path = readFileSync(pointer, "utf8").trim();
	return existsSync(path) && isRootsAlone(path) ? path : null;
}

/** Distributions name the user `postgres`; any unprivileged one does, it needs no home and no shell. */
function unprivilegedUser(): RunAs {
	const users = existsSync("/etc/passwd") ? readFileSync("/etc/passwd", "utf8") : "";
	for (const wanted of ["postgres", "nobody"]) {
		const fields = users
			.split("\n")
			.find((line) => line.startsWith(`${wanted}:`))
			?.split(":");
		const uid = Number(fields?.[2]);
		if (uid > 0) return { uid, gid: Number(fields?.[3]) };
	}
	return { uid: UNPRIVILEGED_ID, gid: UNPRIVILEGED_ID };
}

/** Tried rather than computed from modes: access lists and mounts have a say too. */
function canReach(folder: string, runAs: RunAs): boolean {
	const tried = spawnSync("/bin/sh", ["-c", 'cd -- "$1"', "sh", folder], {
		cwd: "/",
		env: {},
		uid: runAs.uid,
		gid: runAs.gid,
	});
	return tried.status === 0;
}

function makePlaceOutside(home: string, runAs: RunAs): string {
	const name = `lottery-engine-${createHash("sha256").update(home).digest("hex").slice(0, 12)}`;
	for (const base of REACHABLE_BASES) {
		const path = join(base, name);
		try {
			// Left by a home of the same name that was deleted by hand.
			if (existsSync(path) && isRootsAlone(path)) rmSync(path, { recursive: true });
			mkdirSync(path, { mode: 0o711 });
			chmodSync(path, 0o711);
		} catch {
			continue;
		}
		if (!canReach(path, runAs)) continue;
		writeFileAtomic(join(home, POINTER), `${path}\n`);
		return path;
	}
	throw new UnavailableError(
		"embedded Postgres",
		`Postgres does not run as root, and the user with id ${runAs.uid} can reach neither ${home} nor ${REACHABLE_BASES.join(" nor ")}`,
		"run the engine as an ordinary user, set ENGINE_HOME to a folder outside of /root, or set DATABASE_URL",
	);
}

/** In /var/tmp anybody could have made a folder of this name. */
function isRootsAlone(path: string): boolean {
	const found = lstatSync(path);
	return found.isDirectory() && found.uid === 0 && (found.mode & 0o022) === 0;
}
