import { type FileHandle, stat } from "node:fs/promises";
import { LINE_BYTES_MAX } from "../../producer/lines.ts";
import type { RecordCursor } from "../ports.ts";
import { FileChangedError } from "./errors.ts";
import { FileGuards } from "./file-guards.ts";
import { allEmpty, findLineEnds, LineCursor, NEWLINE } from "./line-cursor.ts";
import { LineIndex } from "./line-index.ts";
import { openRegularFile } from "./open-regular-file.ts";
import { readFully } from "./read-fully.ts";

/** One read for delivery: what is in memory beyond the byte credits. */
export const CHUNK_BYTES = 256 * 1024;
/** Most lines of one batch: each is charged with more than its bytes, and a file of tiny lines must not pass the credits. */
export const CHUNK_LINES_MAX = 4096;
/** One read of the count: larger, since nothing of it is kept. */
const COUNT_BYTES = 1024 * 1024;

/** Lines `[from, to)` of the file. Its bytes are overwritten by the next read. */
export interface LineChunk {
	readonly from: number;
	readonly to: number;
	/** Null when all of its lines are empty. */
	readonly records: RecordCursor | null;
}

/**
 * A file as Kafka would keep it: an append-only log whose offsets are line numbers from 0, so that an editor finds what
 * a dead letter names, and lag is in events. The price is that lines must be counted before they have numbers: once at
 * the start, then what was appended. Lines are `\n`-terminated; what stands behind the last `\n` is none yet.
 *
 * One `read` at a time, and one `count` or `look`; the two may overlap.
 */
export class FileLog {
	readonly path: string;
	readonly #handle: FileHandle;
	readonly #guards: FileGuards;
	readonly #index = new LineIndex();
	readonly #ends = new Uint32Array(CHUNK_LINES_MAX);
	readonly #chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES + 1);
	/** Where the last read ended: the next one mostly goes on there. */
	#next = { line: 0, byte: 0 };
	#lines = 0;
	/** Behind the last line that has a number. */
	#end = 0;
	/** No `\n` lies between `#end` and here. */
	#counted = 0;
	/** The last line has a number without having its `\n`. */
	#isOpenEnded = false;

	private constructor(path: string, handle: FileHandle, guards: FileGuards) {
		this.path = path;
		this.#handle = handle;
		this.#guards = guards;
	}

	/** @throws SourceFileError when it cannot be read, is no regular file, or is compressed */
	static async open(path: string): Promise<FileLog> {
		const handle = await openRegularFile(path);
		try {
			return new FileLog(path, handle, await FileGuards.of(handle));
		} catch (error) {
			await handle.close();
			throw error;
		}
	}

	/** One past the last line: Kafka's high watermark. */
	get lines(): number {
		return this.#lines;
	}

	/** Bytes behind the last line that has a number. */
	get restBytes(): number {
		return this.#counted - this.#end;
	}

	/**
	 * Numbers the lines that were appended since the last call.
	 * @param onProgress called now and then with the share that is done
	 * @throws FileChangedError
	 */
	async count(onProgress: (share: number) => void = () => {}): Promise<void> {
		const { size } = await this.#handle.stat();
		if (this.#isOpenEnded && size > this.#end) await this.#closeOpenEnd();
		// A buffer of its own for each call: this is rare, and `read` may be under way.
		const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(COUNT_BYTES, size - this.#counted)));
		while (this.#counted < size) {
			const wanted = Math.min(bytes.length, size - this.#counted);
			await readFully(this.#handle, bytes, 0, wanted, this.#counted);
			let lines = 0;
			let last = -1;
			for (let at = bytes.indexOf(NEWLINE); at >= 0 && at < wanted; at = bytes.indexOf(NEWLINE, at + 1)) {
				lines++;
				last = at;
			}
			this.#lines += lines;
			if (last >= 0) this.#end = this.#counted + last + 1;
			this.#counted += wanted;
			this.#index.note({ line: this.#lines, byte: this.#end });
			onProgress(this.#counted / size);
		}
		await this.#guards.remember(this.#handle, this.#counted);
	}

	/** Numbers what stands behind the last `\n` too; nothing when there is nothing. */
	includeRest(): void {
		if (this.restBytes === 0) return;
		this.#isOpenEnded = true;
		this.#end = this.#counted;
		this.#lines++;
	}

	/**
	 * Looks whether the path still leads to this file, and what was read is still in it.
	 * @returns `grown` when there is more than was counted, `gone` when the path leads nowhere
	 * @throws FileChangedError
	 */
	async look(): Promise<"same" | "grown" | "gone"> {
		const named = await stat(this.path, { bigint: true }).catch((error: NodeJS.ErrnoException) => {
			if (error.code === "ENOENT") return null;
			throw error;
		});
		const size = await this.#guards.check(this.#handle, this.#counted, named);
		if (size > this.#counted) return "grown";
		return named === null ? "gone" : "same";
	}

	/**
	 * Reads lines from this one on, as many as fit. An overlong line comes alone.
	 * @throws FileChangedError when the bytes do not have the lines that were counted there
	 */
	async read(line: number): Promise<LineChunk> {
		if (line < 0 || line >= this.#lines) throw new RangeError(`no line ${line} among ${this.#lines}`);
		const byte = await this.#find(line);
		// The line end before it comes along: it shows that a line begins here.
		const lead = byte > 0 ? 1 : 0;
		const isOpenEnded = this.#isOpenEnded;
		const end = this.#end;
		const stop = lead + Math.min(CHUNK_BYTES, end - byte);
		await readFully(this.#handle, this.#chunk, 0, stop, byte - lead);
		if (lead === 1 && this.#chunk[0] !== NEWLINE) throw otherLines(line);
		let count = findLineEnds(this.#chunk, lead, stop, this.#ends);
		const reachesEnd = byte + stop - lead === end && count < CHUNK_LINES_MAX;
		if (isOpenEnded && reachesEnd && (count === 0 || this.#ends[count - 1]! < stop - 1)) {
			this.#ends[count++] = stop;
		}
		if (count === 0) return await this.#readLong(line, byte, end, isOpenEnded);
		this.#moveTo(line + count, Math.min(end, byte + this.#ends[count - 1]! + 1 - lead));
		const records = allEmpty(this.#chunk, lead, this.#ends, count)
			? null
			: new LineCursor(this.#chunk, lead, this.#ends, count, line);
		return { from: line, to: line + count, records };
	}

	async close(): Promise<void> {
		await this.#handle.close();
	}

	/** The last line was given its number at the end of the file. Only its line end may have come since. */
	async #closeOpenEnd(): Promise<void> {
		const next = Buffer.allocUnsafe(1);
		await readFully(this.#handle, next, 0, 1, this.#end);
		if (next[0] !== NEWLINE) {
			throw new FileChangedError(
				"has gone on writing to its last line, which was counted without a line end",
			);
		}
		this.#isOpenEnded = false;
		this.#end++;
		this.#counted = this.#end;
		// It may stand before this line end.
		this.#next = { line: 0, byte: 0 };
	}

	/** The byte at which a line begins. */
	async #find(line: number): Promise<number> {
		if (this.#next.line === line) return this.#next.byte;
		let { line: at, byte } = this.#index.before(line);
		while (at < line) {
			const wanted = Math.min(CHUNK_BYTES, this.#end - byte);
			if (wanted === 0) throw otherLines(line);
			await readFully(this.#handle, this.#chunk, 0, wanted, byte);
			const count = findLineEnds(this.#chunk, 0, wanted, this.#ends.subarray(0, line - at));
			at += count;
			byte += at === line || count === CHUNK_LINES_MAX ? this.#ends[count - 1]! + 1 : wanted;
		}
		return byte;
	}

	/** A line longer than a chunk. Of one that Kafka would not take either, the head is kept, and why it is cut. */
	async #readLong(line: number, byte: number, end: number, isOpenEnded: boolean): Promise<LineChunk> {
		const pieces: Buffer[] = [];
		let kept = 0;
		let length = 0;
		for (let isOver = false; !isOver; ) {
			const wanted = Math.min(CHUNK_BYTES, end - byte - length);
			await readFully(this.#handle, this.#chunk, 0, wanted, byte + length);
			const found = this.#chunk.subarray(0, wanted).indexOf(NEWLINE);
			const own = found < 0 ? wanted : found;
			const room = Math.min(own, LINE_BYTES_MAX - kept);
			if (room > 0) pieces.push(Buffer.from(this.#chunk.subarray(0, room)));
			kept += Math.max(0, room);
			length += own;
			isOver = found >= 0 || byte + length === end;
			if (isOver && found < 0 && !isOpenEnded) throw otherLines(line);
		}
		this.#moveTo(line + 1, Math.min(end, byte + length + 1));
		if (length > kept) pieces.push(cutMark(length));
		const value = Buffer.concat(pieces);
		return {
			from: line,
			to: line + 1,
			records: new LineCursor(value, 0, new Uint32Array([value.length]), 1, line),
		};
	}

	#moveTo(line: number, byte: number): void {
		// `count` may have added lines meanwhile, never taken any away.
		if (line > this.#lines || byte > this.#end || (byte === this.#end) !== (line === this.#lines)) {
			throw otherLines(line);
		}
		this.#next = { line, byte };
	}
}

/**
 * Stands behind the head of an overlong line. No JSON goes on after its end with a letter that is no space, so that the
 * head can never be taken for an event: it is a dead letter `json` whatever it holds.
 */
function cutMark(lineBytes: number): Buffer {
	return Buffer.from(`… cut here: the line has ${lineBytes} bytes, at most ${LINE_BYTES_MAX} are kept`);
}

function otherLines(line: number): FileChangedError {
	return new FileChangedError(`has other lines than were counted, at line ${line + 1}`);
}
