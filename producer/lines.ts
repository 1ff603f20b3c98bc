/**
 * Lines out of a stream of bytes. Bytes, because a line that is not valid UTF-8 must reach the dead letters as it was.
 *
 * A line ends at `\n`; the last one may do without. A `\r` before it is part of the line here: whoever judges the
 * line takes it off, whoever sends it raw does not.
 */

const NEWLINE = 0x0a;

/**
 * Longest line that is sent. Kafka's default `message.max.bytes` is 1,048,588 for a whole batch with its headers; one
 * message above it is refused for ever, and would stop everything behind it.
 */
export const LINE_BYTES_MAX = 1_000_000;

/** Whether the splitter has cut this line off: it is longer than may be sent. */
export function isTooLong(line: Buffer): boolean {
	return line.length > LINE_BYTES_MAX;
}

/**
 * Splits chunks of any size. Lines are views into the chunks where possible (no copy); what `next` gives must not be
 * kept beyond the chunk unless the memory of the whole chunk may be kept too. Memory is bounded: of an overlong line
 * only `LINE_BYTES_MAX + 1` bytes are kept, so that a file without newlines does not fill the memory.
 */
export class LineSplitter {
	private pieces: Buffer[] = [];
	private pendingLength = 0;

	/** The lines that end in this chunk, in order, without their `\n`. */
	next(chunk: Buffer): Buffer[] {
		const lines: Buffer[] = [];
		let start = 0;
		for (;;) {
			const end = chunk.indexOf(NEWLINE, start);
			if (end < 0) break;
			lines.push(this.complete(chunk.subarray(start, end)));
			start = end + 1;
		}
		if (start < chunk.length) this.keep(chunk.subarray(start));
		return lines;
	}

	/** What stands behind the last `\n`, or null when there is nothing. */
	end(): Buffer | null {
		return this.pendingLength === 0 ? null : this.complete(Buffer.alloc(0));
	}

	private keep(piece: Buffer): void {
		const room = LINE_BYTES_MAX + 1 - this.pendingLength;
		if (room <= 0) return;
		const kept = piece.subarray(0, room);
		this.pieces.push(kept);
		this.pendingLength += kept.length;
	}

	private complete(rest: Buffer): Buffer {
		if (this.pieces.length === 0) return rest.subarray(0, LINE_BYTES_MAX + 1);
		this.keep(rest);
		const line = Buffer.concat(this.pieces);
		this.pieces = [];
		this.pendingLength = 0;
		return line;
	}
}

/** The lines of a stream, as one list per chunk: a step per line would cost more than everything done with it. */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer[]> {
	const splitter = new LineSplitter();
	for await (const chunk of chunks) {
		const lines = splitter.next(chunk);
		if (lines.length > 0) yield lines;
	}
	const last = splitter.end();
	if (last !== null) yield [last];
}
