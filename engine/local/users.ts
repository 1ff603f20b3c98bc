/**
 * Which engines use an embedded part. Two engines may share a home; the one that stops first must not take the
 * servers away from the other. A user that was killed is recognised and does not count.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type PartName, writeFileAtomic } from "./home.ts";
import { identify } from "./process-identity.ts";

const FOLDER = "users";

/** From now on this process uses the part. */
export function registerUse(home: string, part: PartName): void {
	mkdirSync(join(home, FOLDER), { recursive: true, mode: 0o700 });
	writeFileAtomic(fileOf(home, part, process.pid), identify(process.pid)?.startedAt ?? "");
}

export function endUse(home: string, part: PartName): void {
	rmSync(fileOf(home, part, process.pid), { force: true });
}

/** Ids of the other living processes that use the part; records of dead ones are removed. */
export function otherUsers(home: string, part: PartName): readonly number[] {
	return entries(home)
		.filter((name) => name.startsWith(`${part}-`) && !name.endsWith(".tmp"))
		.map((name) => Number(name.slice(part.length + 1)))
		.filter((pid) => pid !== process.pid && isLiving(home, part, pid));
}

function isLiving(home: string, part: PartName, pid: number): boolean {
	const file = fileOf(home, part, pid);
	try {
		if (identify(pid)?.startedAt === readFileSync(file, "utf8")) return true;
	} catch {
		return false;
	}
	rmSync(file, { force: true });
	return false;
}

function entries(home: string): readonly string[] {
	try {
		return readdirSync(join(home, FOLDER));
	} catch {
		return [];
	}
}

function fileOf(home: string, part: PartName, pid: number): string {
	return join(home, FOLDER, `${part}-${pid}`);
}
