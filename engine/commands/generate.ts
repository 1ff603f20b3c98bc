/** `node engine generate`: a believable stream to stdout, a file or the topic. */
import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { type GenerateCounts, type GenerateOptions, generate } from "../../producer/generate.ts";
import { rawJudge } from "../../producer/judge.ts";
import { linesOf } from "../../producer/lines.ts";
import { createPace } from "../../producer/pace.ts";
import { UsageError } from "../errors.ts";
import { EXIT } from "../exit-codes.ts";
import type { CommandContext } from "./context.ts";
import { deliver } from "./delivery.ts";
import { withCommas } from "./progress.ts";

export interface GenerateCommandOptions extends GenerateOptions {
	readonly ratePerSecond: number | null;
	/** Null is stdout. */
	readonly output: string | null;
	readonly json: boolean;
}

export interface GenerateToKafkaOptions extends GenerateOptions {
	readonly ratePerSecond: number | null;
	readonly batchMessagesMax: number;
	readonly createPartitions: number | null;
	readonly metricsPort: number | null;
	readonly json: boolean;
}

/** @throws {UsageError} when the file cannot be written */
export async function runGenerate(options: GenerateCommandOptions): Promise<number> {
	const counts: GenerateCounts = { events: 0, bad: 0, late: 0 };
	const startedMs = performance.now();
	const chunks = generate(options, counts);
	const source = Readable.from(
		options.ratePerSecond === null ? chunks : paced(chunks, options.ratePerSecond),
	);
	try {
		if (options.output === null) await pipeline(source, process.stdout, { end: false });
		else await pipeline(source, createWriteStream(options.output));
	} catch (error) {
		// `| head` closes the pipe: it has what it wanted.
		if (options.output === null && (error as NodeJS.ErrnoException).code === "EPIPE") return EXIT.ok;
		throw options.output === null
			? error
			: new UsageError(`${options.output} cannot be written: ${(error as Error).message}`);
	}
	summarize(options, counts, (performance.now() - startedMs) / 1000);
	return EXIT.ok;
}

export function runGenerateToKafka(
	context: CommandContext,
	options: GenerateToKafkaOptions,
): Promise<number> {
	const counts: GenerateCounts = { events: 0, bad: 0, late: 0 };
	return deliver(context, {
		...options,
		delayMs: 0,
		flushesEachChunk: false,
		totalBytes: null,
		// Bad lines are generated to arrive.
		judge: rawJudge,
		refuse: async () => undefined,
		passes: () => [linesOf(asAsync(generate(options, counts)))],
	});
}

/** Lets other work in between two chunks: a generator that never waits would starve signals and timers. */
async function* asAsync(chunks: Iterable<Buffer>): AsyncGenerator<Buffer> {
	for (const chunk of chunks) yield chunk;
}

const NEVER = new AbortController().signal;

/** Lines one tenth of a second's worth at a time, at the rate. */
async function* paced(chunks: Iterable<Buffer>, perSecond: number): AsyncGenerator<Buffer> {
	const pace = createPace(perSecond, {
		nowMs: () => performance.now(),
		sleep: (delayMs) => delay(delayMs),
	});
	const atOnce = Math.max(1, Math.floor(perSecond / 10));
	for await (const lines of linesOf(asAsync(chunks))) {
		for (let start = 0; start < lines.length; start += atOnce) {
			const some = lines.slice(start, start + atOnce);
			await pace.take(some.length, NEVER);
			yield Buffer.concat(some.flatMap((line) => [line, NEWLINE]));
		}
	}
}

const NEWLINE = Buffer.from("\n");

/** On stderr, since stdout may be the data; as JSON on stdout only when the data is in a file. */
function summarize(options: GenerateCommandOptions, counts: GenerateCounts, seconds: number): void {
	const rate = counts.events / Math.max(seconds, 0.001);
	process.stderr.write(
		`${withCommas(counts.events)} lines (${withCommas(counts.bad)} bad, ${withCommas(counts.late)} late) in ${seconds.toFixed(1)} s (${withCommas(rate)}/s), seed ${options.seed}\n`,
	);
	if (!options.json) return;
	const out = options.output === null ? process.stderr : process.stdout;
	out.write(`${JSON.stringify({ ...counts, seconds: Number(seconds.toFixed(3)), seed: options.seed })}\n`);
}
