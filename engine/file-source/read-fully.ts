import type { FileHandle } from "node:fs/promises";
import { FileChangedError } from "./errors.ts";

/**
 * Reads exactly `length` bytes at `position`, which were there when they were counted.
 * @throws FileChangedError when the file ends before
 */
export async function readFully(
	handle: FileHandle,
	target: Buffer,
	start: number,
	length: number,
	position: number,
): Promise<void> {
	let done = 0;
	while (done < length) {
		const { bytesRead } = await handle.read(target, start + done, length - done, position + done);
		if (bytesRead === 0) throw new FileChangedError("is shorter than it was");
		done += bytesRead;
	}
}
