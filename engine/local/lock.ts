/**
 * A lock file that two starts in one home wait for. It names its holder, so that the lock of a process that died is
 * taken over. It is made by `link`, which fails when the name is there and shows the whole content when it is not.
 */
import { linkSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { UnavailableError } from "../errors.ts";
import { identify } from "./process-identity.ts";

export interface LockOptions {
	/** Longest wait for another holder, in ms. */
	readonly timeoutMs: number;
	/** Called once, when somebody else holds it. */
	readonly onWait?: (holderPid: number) => void;
}

const RETRY_MS = 50;
/** Taking over takes microseconds; a helper file older than this is left from a crash in the middle of it. */
const TAKEOVER_STALE_MS = 5_000;
let sequence = 0;

/**
 * Runs `work` while holding the lock at `path`.
 * @throws UnavailableError when a living process holds it for longer than `timeoutMs`
 */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
	await acquire(path, options);
	try {
		return await work();
	} finally {
		rmSync(path, { force: true });
	}
}

async function acquire(path: string, { timeoutMs, onWait }: LockOptions): Promise<void> {
	const deadline = performance.now() + timeoutMs;
	let told = false;
	while (!take(path)) {
		const holder = holderOf(path);
		if (holder === null) continue;
		if (!holder.isAlive) {
			removeStale(path);
			continue;
		}
		if (!told) onWait?.(holder.pid);
		told = true;
		if (performance.now() > deadline) {
			throw new UnavailableError(
				"ENGINE_HOME",
				`process ${holder.pid} has held ${path} for over ${Math.round(timeoutMs / 1000)} s`,
				`wait for process ${holder.pid}, or end it, then try again`,
			);
		}
		await sleep(RETRY_MS);
	}
}

function take(path: string): boolean {
	const own = identify(process.pid);
	sequence += 1;
	const temporary = `${path}.${process.pid}.${sequence}`;
	writeFileSync(temporary, `${process.pid} ${own?.startedAt ?? ""}\n`, { mode: 0o600 });
	try {
		linkSync(temporary, path);
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
		throw error;
	} finally {
		rmSync(temporary, { force: true });
	}
}

/** Null when the lock is free by now. */
function holderOf(path: string): { readonly pid: number; readonly isAlive: boolean } | null {
	let text: string;
	try {
		text = readFileSync(path, "utf8").trim();
	} catch {
		return null;
	}
	const blank = text.indexOf(" ");
	const pid = Number(text.slice(0, blank));
	return { pid, isAlive: identify(pid)?.startedAt === text.slice(blank + 1) };
}

/**
 * Two that wait must not both remove: the slower would remove the lock the faster has just taken. So whoever removes
 * holds a second file, and looks once more.
 */
function removeStale(path: string): void {
	const takeover = `${path}.takeover`;
	try {
		writeFileSync(takeover, "", { flag: "wx", mode: 0o600 });
	} catch {
		try {
			if (Date.now() - statSync(takeover).mtimeMs > TAKEOVER_STALE_MS) rmSync(takeover, { force: true });
		} catch {
			// It is gone: somebody finished taking over.
		}
		return;
	}
	if (holderOf(path)?.isAlive === false) rmSync(path, { force: true });
	rmSync(takeover, { force: true });
}
