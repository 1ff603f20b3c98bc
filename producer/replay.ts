/**
 * Replaying lines into a topic: judge, gather into batches, keep the rate, send, count.
 *
 * Flat in memory: at most one chunk of the source and one batch are held. The sender and everything else that touches
 * the world is handed in, so that the producer knows neither Kafka nor the metrics.
 */
import { isEmptyLine, type Judge, type Refusal } from "./judge.ts";
import type { Pace } from "./pace.ts";

export interface ReplayMessage {
	readonly key: string | null;
	readonly value: Buffer;
}

/** A line that was not sent. `line` counts from 1, over empty lines too, so that an editor finds it. */
export interface RefusedLine extends Refusal {
	readonly line: number;
	readonly value: Buffer;
}

export interface ReplayPorts {
	/** Resolves when all of them are acknowledged. Called one at a time. */
	send(messages: readonly ReplayMessage[]): Promise<void>;
	/** Keeps refused lines; called once a batch at most. */
	refuse(lines: readonly RefusedLine[]): Promise<void>;
	readonly judge: Judge;
	readonly pace: Pace;
	/** Aborted: the batch in flight is finished, nothing more is read. */
	readonly signal: AbortSignal;
	/** After each batch that was acknowledged. */
	readonly onSent?: (count: number) => void;
	/** Waits between two batches, in ms. */
	pause?(): Promise<void>;
}

export interface ReplayLimits {
	readonly batchMessagesMax: number;
	/** A batch must stay below the broker's `message.max.bytes`, whose default is 1 MiB, even if it meets one partition. */
	readonly batchBytesMax: number;
	/** Send at the end of every chunk, for a source that may be silent for long (`tail -f`). */
	readonly flushesEachChunk: boolean;
}

/** Kept up to date while the replay runs, so that progress can be shown, and what was sent is known after a failure. */
export interface ReplayCounts {
	/** Acknowledged by Kafka. */
	sent: number;
	/** Refused by the judge. */
	invalid: number;
	/** Empty lines. */
	skipped: number;
	/** Bytes of lines that were read, newlines included. */
	bytes: number;
}

export function emptyCounts(): ReplayCounts {
	return { sent: 0, invalid: 0, skipped: 0, bytes: 0 };
}

/**
 * Sends all lines of one pass over the source. Rejects with the sender's error as it is.
 * @param lists lists of lines, as `linesOf` gives them
 */
export async function replay(
	lists: AsyncIterable<readonly Buffer[]> | Iterable<readonly Buffer[]>,
	ports: ReplayPorts,
	limits: ReplayLimits,
	counts: ReplayCounts,
): Promise<void> {
	let messages: ReplayMessage[] = [];
	let refused: RefusedLine[] = [];
	let batchBytes = 0;
	let lineNumber = 0;

	/** Refused lines go first: if sending fails, they are on record, and the counts agree with the file. */
	async function flush(): Promise<void> {
		const [toSend, toRefuse] = [messages, refused];
		messages = [];
		refused = [];
		batchBytes = 0;
		if (toRefuse.length > 0) {
			await ports.refuse(toRefuse);
			counts.invalid += toRefuse.length;
		}
		if (toSend.length === 0) return;
		await ports.pace.take(toSend.length, ports.signal);
		if (ports.signal.aborted) return;
		await ports.send(toSend);
		counts.sent += toSend.length;
		ports.onSent?.(toSend.length);
		await ports.pause?.();
	}

	for await (const lines of lists) {
		for (const line of lines) {
			if (ports.signal.aborted) return;
			lineNumber++;
			counts.bytes += line.length + 1;
			if (isEmptyLine(line)) {
				counts.skipped++;
				continue;
			}
			const { value, key, refusal } = ports.judge(line);
			if (value === null) refused.push({ line: lineNumber, value: line, ...refusal! });
			else {
				if (batchBytes + value.length > limits.batchBytesMax) await flush();
				messages.push({ key, value });
				batchBytes += value.length;
			}
			if (messages.length + refused.length >= limits.batchMessagesMax) await flush();
		}
		if (limits.flushesEachChunk) await flush();
	}
	if (!ports.signal.aborted) await flush();
}
