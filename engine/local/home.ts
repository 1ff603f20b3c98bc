/**
 * The home of the embedded parts (`ENGINE_HOME`): one folder that holds their data, logs, ports and password, and says
 * which engines use them. It is 0700. Only a folder with our mark in it is ever wiped, so that `ENGINE_HOME=~` by
 * mistake costs nothing.
 */
import {
	chmodSync,
	existsSync,
	lstatSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { UnavailableError } from "../errors.ts";

/** What the parts tell people while they start: one line, and only for what takes a while. */
export type Progress = (line: string) => void;

/** The part of a logger that is needed here; the engine's log is one. */
export interface LocalLog {
	info(message: string): void;
	warn(message: string): void;
}

export type PartName = "postgres" | "kafka";

const MARK = "lottery-engine-home.json";
const PRIVATE = 0o700;
/** As root, Postgres runs under another user, who must pass through the home to its data, and may list nothing. */
const PASSABLE = 0o711;

/**
 * Makes the home when it is not there yet, and returns its absolute path.
 * @throws UnavailableError when it belongs to somebody else, is a file, or is a folder that holds other things
 */
export function openHome(home: string): string {
	const path = isAbsolute(home) ? home : resolve(home);
	try {
		mkdirSync(path, { recursive: true, mode: PRIVATE });
	} catch (cause) {
		throw refused(path, `cannot be made (${(cause as Error).message})`, cause);
	}
	const { uid } = lstatSync(path);
	if (!isOurs(uid))
		throw refused(path, `belongs to the user with id ${uid}, and this process runs as ${process.getuid?.()}`);
	if (!isMarked(path)) {
		// Another start may be writing the mark this moment.
		const found = readdirSync(path).filter((name) => !name.startsWith(MARK));
		if (found.length > 0) throw refused(path, `holds something else (${found.slice(0, 3).join(", ")})`);
		writeFileAtomic(join(path, MARK), `${JSON.stringify({ layout: 1 })}\n`);
	}
	chmodSync(path, process.getuid?.() === 0 ? PASSABLE : PRIVATE);
	return path;
}

/** Whether this is a home of ours, so that it may be wiped. */
export function isMarked(home: string): boolean {
	return existsSync(join(home, MARK));
}

/** Where downloads are kept for all homes of this user; null when there is no place for it. Never anybody else's. */
export function cacheFolder(): string | null {
	try {
		const base = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
		const folder = join(base, "lottery-engine");
		mkdirSync(folder, { recursive: true, mode: PRIVATE });
		return isOurs(lstatSync(folder).uid) ? folder : null;
	} catch {
		return null;
	}
}

/** Writes through a rename: a reader, or a crash in between, sees the old file or the new one. */
export function writeFileAtomic(path: string, text: string): void {
	const temporary = `${path}.${process.pid}.tmp`;
	writeFileSync(temporary, text, { mode: 0o600 });
	renameSync(temporary, path);
}

/** The parsed file, or null when it is not there or is not JSON (then it is written anew). */
export function readJson<T>(path: string): T | null {
	try {
		return JSON.parse(readFileSync(path, "utf8")) as T;
	} catch {
		return null;
	}
}

function isOurs(uid: number): boolean {
	const own = process.getuid?.();
	return own === undefined || uid === own;
}

function refused(path: string, what: string, cause?: unknown): UnavailableError {
	return new UnavailableError(
		"ENGINE_HOME",
		`ENGINE_HOME ${path} ${what}`,
		"set ENGINE_HOME to a folder of your own, new or empty, for the embedded Postgres and Kafka",
		{ cause },
	);
}
