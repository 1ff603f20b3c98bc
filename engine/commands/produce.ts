/** `node engine produce FILE`: lines of a file, or of stdin, into the topic. */
import { createReadStream, statSync } from "node:fs";
import { createErrorFile } from "../../producer/error-file.ts";
import { createCheckingJudge, rawJudge } from "../../producer/judge.ts";
import { linesOf } from "../../producer/lines.ts";
import { createRandom, shuffle } from "../../producer/random.ts";
import { UsageError } from "../errors.ts";
import type { CommandContext } from "./context.ts";
import { deliver } from "./delivery.ts";

export interface ProduceOptions {
	/** `-` is stdin. */
	readonly file: string;
	readonly shuffle: boolean;
	readonly seed: number;
	readonly ratePerSecond: number | null;
	readonly delayMs: number;
	/** Again from the beginning until interrupted. */
	readonly loop: boolean;
	readonly errorFile: string;
	readonly raw: boolean;
	readonly metricsPort: number | null;
	readonly batchMessagesMax: number;
	readonly createPartitions: number | null;
	readonly json: boolean;
}

/** Bytes of a file read at once: about 2,000 lines, so that a step per chunk costs nothing. */
const CHUNK_BYTES = 262_144;

/** Lines handed on at once after a shuffle, so that an interrupt is noticed. */
const SHUFFLED_LINES = 1_000;

/** Throws `UsageError` for a file that cannot be read, and what `deliver` throws. */
export async function runProduce(context: CommandContext, options: ProduceOptions): Promise<number> {
	const isStdin = options.file === "-";
	const size = isStdin ? null : sizeOf(options.file);
	const record = createErrorFile(options.errorFile);
	let passes = 0;
	return deliver(context, {
		...options,
		flushesEachChunk: isStdin,
		totalBytes: options.loop ? null : size,
		judge: options.raw ? rawJudge : createCheckingJudge(),
		// The second pass of a loop would say the same again, and fill the disk in the end.
		refuse: async (lines) => {
			if (passes === 1) await record(lines);
		},
		passes: (signal) => passesOf(options, signal, () => passes++),
	});
}

function sizeOf(file: string): number | null {
	try {
		const stat = statSync(file);
		if (stat.isDirectory()) throw new UsageError(`${file} is a folder, not a file`);
		// A named pipe has no size that means anything.
		return stat.isFile() ? stat.size : null;
	} catch (error) {
		if (error instanceof UsageError) throw error;
		throw new UsageError(
			`${file} cannot be read: ${(error as Error).message}`,
			"give the path of a JSONL file, or - for stdin",
		);
	}
}

function* passesOf(
	options: ProduceOptions,
	signal: AbortSignal,
	onPass: () => void,
): Generator<AsyncIterable<readonly Buffer[]>> {
	const random = createRandom(options.seed);
	do {
		onPass();
		const lists = linesOf(chunksOf(options.file, signal));
		yield options.shuffle ? shuffled(lists, (lines) => shuffle(lines, random)) : lists;
	} while (options.loop && !signal.aborted);
}

/** Ends quietly when it is interrupted: whoever aborted knows. */
async function* chunksOf(file: string, signal: AbortSignal): AsyncGenerator<Buffer> {
	const stream = file === "-" ? process.stdin : createReadStream(file, { highWaterMark: CHUNK_BYTES });
	const stop = () => stream.destroy();
	signal.addEventListener("abort", stop, { once: true });
	try {
		for await (const chunk of stream) yield chunk as Buffer;
	} catch (error) {
		if (!signal.aborted) throw error;
	} finally {
		signal.removeEventListener("abort", stop);
	}
}

/** A shuffle needs all lines at once: the one mode whose memory grows with the file. */
async function* shuffled(
	lists: AsyncIterable<Buffer[]>,
	mix: (lines: Buffer[]) => void,
): AsyncGenerator<readonly Buffer[]> {
	const all: Buffer[] = [];
	let bytes = 0;
	for await (const lines of lists) {
		for (const line of lines) {
			all.push(line);
			bytes += line.length;
		}
	}
	process.stderr.write(
		`--shuffle holds ${all.length} lines, ${Math.ceil(bytes / 1_048_576)} MB, in memory\n`,
	);
	mix(all);
	for (let start = 0; start < all.length; start += SHUFFLED_LINES)
		yield all.slice(start, start + SHUFFLED_LINES);
}
