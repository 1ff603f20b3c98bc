/** Deletes a home with everything in it: `demo` begins with an empty one, and so do the tests. */
import { existsSync, realpathSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { UnavailableError } from "../errors.ts";
import { findRecorded, type StopStep, stopProcess } from "./detached.ts";
import { isMarked, type PartName, type Progress } from "./home.ts";
import { withLock } from "./lock.ts";
import { lockFile, lockOptions } from "./part.ts";
import { placeOutside } from "./run-as.ts";
import { otherUsers } from "./users.ts";

/** What they hold is about to be deleted: there is nothing to save. */
const KILL: readonly StopStep[] = [{ signal: "SIGKILL", waitMs: 10_000 }];
const PARTS: readonly PartName[] = ["postgres", "kafka"];

/**
 * Stops the parts that a killed engine left running there, then deletes the home. Nothing happens when it is not there.
 * @throws UnavailableError when another living engine uses it, or when it is no home of ours
 */
export async function wipeHome(home: string, progress: Progress = () => {}): Promise<void> {
	if (!existsSync(home)) return;
	const path = resolve(home);
	if (!isMarked(path)) {
		throw new UnavailableError(
			"ENGINE_HOME",
			`${path} was not made by this engine: it is not deleted`,
			"delete it yourself, or choose another ENGINE_HOME",
		);
	}
	for (const part of PARTS) {
		await withLock(lockFile(path, part), lockOptions(`embedded ${part}`, progress), async () => {
			const users = otherUsers(path, part);
			if (users.length > 0) {
				throw new UnavailableError(
					"ENGINE_HOME",
					`${path} is used by process ${users.join(", ")}`,
					"stop it first, or choose another ENGINE_HOME",
				);
			}
			await stopLeftover(path, part);
		});
	}
	const outside = placeOutside(path);
	if (outside !== null) rmSync(outside, { recursive: true, force: true });
	// The folder's target when it is a link, so that the link stays.
	rmSync(realpathSync(path), { recursive: true, force: true, maxRetries: 3 });
}

async function stopLeftover(home: string, part: PartName): Promise<void> {
	const base = part === "postgres" ? (placeOutside(home) ?? home) : home;
	const folder = join(base, part);
	const leftover = findRecorded(join(folder, "pid"), folder);
	if (leftover !== null) await stopProcess(leftover, KILL);
}
