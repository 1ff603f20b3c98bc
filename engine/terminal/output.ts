/**
 * Writing to a terminal without ever waiting for it. A terminal that is stopped (Ctrl-S, a selection on Windows, a slow
 * line) takes nothing; a plain write would then stop the engine, which would lose its place in the group.
 */
import { closeSync, constants, openSync, writeSync } from "node:fs";
import { isatty } from "node:tty";

/** Writes what is taken at once and returns how many bytes that were; throws EAGAIN when none are. */
export type WriteNow = (bytes: Uint8Array) => number;

/** A log of an hour of trouble; what comes while more than this waits is left out, and counted. */
const WAITING_BYTES_MAX = 256 * 1024;
const STDERR_FD = 2;
/** Pause between two tries at the very end, in ms. */
const RETRY_MS = 10;

export class Output {
	/** Text that was left out, in pieces, since the last time everything was taken. */
	dropped = 0;
	readonly #writeNow: WriteNow;
	readonly #wait: (ms: number) => void;
	#waiting: Uint8Array[] = [];
	#waitingBytes = 0;
	#isGone = false;

	constructor(writeNow: WriteNow, wait: (ms: number) => void = standStill) {
		this.#writeNow = writeNow;
		this.#wait = wait;
	}

	/** The terminal has not taken everything yet; what is sent now comes later. */
	get isBlocked(): boolean {
		return this.#waitingBytes > 0;
	}

	/** The window was closed: nothing is written any more. */
	get isGone(): boolean {
		return this.#isGone;
	}

	send(text: string): void {
		if (this.#isGone || text === "") return;
		if (this.#waitingBytes > WAITING_BYTES_MAX) {
			this.dropped++;
			return;
		}
		const bytes = Buffer.from(text);
		this.#waiting.push(bytes);
		this.#waitingBytes += bytes.length;
		this.flush();
	}

	/** Tries again to get rid of what waits. */
	flush(): void {
		while (this.#waiting.length > 0) {
			const bytes = this.#waiting[0]!;
			const taken = this.#take(bytes);
			if (this.#isGone) return;
			this.#waitingBytes -= taken;
			if (taken < bytes.length) {
				this.#waiting[0] = bytes.subarray(taken);
				return;
			}
			this.#waiting.shift();
		}
	}

	/** For the end of the process: waits, without turning the event loop, until all is taken or the patience is over. */
	finish(patienceMs: number): void {
		for (let waitedMs = 0; this.isBlocked && waitedMs < patienceMs; waitedMs += RETRY_MS) {
			this.#wait(RETRY_MS);
			this.flush();
		}
	}

	#take(bytes: Uint8Array): number {
		try {
			return this.#writeNow(bytes);
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code === "EAGAIN") return 0;
			this.#isGone = true;
			this.#waiting = [];
			this.#waitingBytes = 0;
			return 0;
		}
	}
}

/** The whole thread does nothing, timers neither. */
function standStill(ms: number): void {
	Atomics.wait(new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)), 0, 0, ms);
}

/**
 * The terminal behind stderr, opened anew: a descriptor can be made not to wait only together with everybody who shares
 * it, the user's shell among them. Where that does not work (Windows, a terminal of another container) stderr itself is
 * written to, and that waits.
 */
export function openTerminalFile(): WriteNow {
	for (const path of ["/proc/self/fd/2", "/dev/tty"]) {
		try {
			const fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
			if (isatty(fd)) return (bytes) => writeSync(fd, bytes);
			closeSync(fd);
		} catch {
			// The next one, then.
		}
	}
	return (bytes) => writeSync(STDERR_FD, bytes);
}
