import type { BigIntStats } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { FileChangedError } from "./errors.ts";
import { readFully } from "./read-fully.ts";

/** Bytes compared at the beginning and at the end of what was read: a log that is written anew begins with another time. */
const GUARD_BYTES = 1024;

interface Guard {
	readonly position: number;
	readonly bytes: Buffer;
}

/**
 * Notices that a file is not the one that was read: another one under its name (rotation, an editor that saves by
 * renaming), a shorter one, or the same one with other bytes (`> FILE`, copytruncate). The last is only looked for when
 * size or time of change have moved. It is a shortcut: what counts is the comparison with Postgres that follows.
 */
export class FileGuards {
	readonly #device: bigint;
	readonly #inode: bigint;
	#guards: readonly Guard[] = [];
	#size = 0n;
	#changedNs = 0n;

	private constructor({ dev, ino }: BigIntStats) {
		this.#device = dev;
		this.#inode = ino;
	}

	static async of(handle: FileHandle): Promise<FileGuards> {
		return new FileGuards(await handle.stat({ bigint: true }));
	}

	/** Remembers both ends of the first `bytes` bytes. */
	async remember(handle: FileHandle, bytes: number): Promise<void> {
		const length = Math.min(GUARD_BYTES, bytes);
		const positions = bytes > length ? [0, bytes - length] : [0];
		const guards: Guard[] = [];
		for (const position of positions) {
			const guard = { position, bytes: Buffer.allocUnsafe(length) };
			await readFully(handle, guard.bytes, 0, length, position);
			guards.push(guard);
		}
		this.#guards = guards;
	}

	/**
	 * @param counted bytes that were read
	 * @param named what the path leads to now, null when nowhere
	 * @returns the size of the file
	 * @throws FileChangedError
	 */
	async check(handle: FileHandle, counted: number, named: BigIntStats | null): Promise<number> {
		if (named !== null && (named.dev !== this.#device || named.ino !== this.#inode)) {
			throw new FileChangedError("is another file now (rotated, or replaced by one of the same name)");
		}
		const { size, mtimeNs } = await handle.stat({ bigint: true });
		if (size < BigInt(counted)) {
			throw new FileChangedError(`was cut off: it had ${counted} bytes and has ${size}`);
		}
		if (size === this.#size && mtimeNs === this.#changedNs) return Number(size);
		for (const { position, bytes } of this.#guards) {
			const found = Buffer.allocUnsafe(bytes.length);
			await readFully(handle, found, 0, bytes.length, position);
			if (!found.equals(bytes)) throw new FileChangedError("was written anew: what was read is not in it");
		}
		this.#size = size;
		this.#changedNs = mtimeNs;
		return Number(size);
	}
}
