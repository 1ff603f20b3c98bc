import { type FileHandle, open, stat } from "node:fs/promises";
import { SourceFileError } from "./errors.ts";

/** First bytes, in hex: every line of such a file would be a dead letter. */
const COMPRESSED: readonly (readonly [name: string, magic: string])[] = [
	["gzip", "1f8b"],
	["zstd", "28b52ffd"],
	["bzip2", "425a68"],
	["xz", "fd377a585a"],
	["zip", "504b0304"],
];

/**
 * Asked before anything else is started.
 * @throws SourceFileError when it could not be opened
 */
export async function requireRegularFile(path: string): Promise<void> {
	await (await openRegularFile(path)).close();
}

/**
 * Opens a file that can be read from any byte, now and after a crash.
 * @throws SourceFileError naming what it is instead
 */
export async function openRegularFile(path: string): Promise<FileHandle> {
	let handle: FileHandle | null = null;
	try {
		// Looked at first: to open a pipe would wait for its writer.
		const named = await stat(path);
		if (!named.isFile()) throw unfit(path, named.isDirectory() ? "a folder" : "a pipe or a device");
		handle = await open(path, "r");
		const head = Buffer.alloc(8);
		await handle.read(head, 0, head.length, 0);
		const format = COMPRESSED.find(([, magic]) => head.toString("hex").startsWith(magic));
		if (format !== undefined) throw unfit(path, `compressed (${format[0]})`);
		return handle;
	} catch (error) {
		await handle?.close();
		if (error instanceof SourceFileError) throw error;
		const { code = "UNKNOWN", message } = error as NodeJS.ErrnoException;
		const nextStep = "name a file with one JSON event a line: --source FILE (or SOURCE_FILE)";
		throw new SourceFileError(`${path} cannot be read: ${code}`, code, nextStep, { cause: message });
	}
}

function unfit(path: string, what: string): SourceFileError {
	return new SourceFileError(
		`${path} is ${what}: only a plain file can be read again from any line after a crash`,
		"UNFIT",
		"save the events to a plain file, one JSON object a line, and name that",
	);
}
