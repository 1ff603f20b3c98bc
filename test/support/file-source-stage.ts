/** A `FileSource` on a real file, with a clock that the test moves, a turn that the test gives, and what it delivers. */
import { setImmediate as turnOfTheLoop } from "node:timers/promises";
import type { Test } from "tap";
import { TurnLostError } from "../../engine/file-source/errors.ts";
import { FileSource } from "../../engine/file-source/source.ts";
import type { Counted, Turn } from "../../engine/file-source/turn.ts";
import { createLog } from "../../engine/log.ts";
import type { SourceBatch } from "../../engine/ports.ts";
import { ManualClock } from "./manual-clock.ts";
import { seenRecords } from "./record-batches.ts";

/** What the test decides about the turn. */
export class GivenTurn implements Turn {
	/** Null: it is free. */
	holder: string | null = null;
	isLost = false;
	released = 0;
	of: Counted | null = null;

	async take(): Promise<string | null> {
		this.#mustAnswer();
		return this.holder;
	}

	async confirm(): Promise<void> {
		this.#mustAnswer();
	}

	async counted(): Promise<Counted | null> {
		this.#mustAnswer();
		return this.of;
	}

	async release(): Promise<void> {
		this.released++;
	}

	#mustAnswer(): void {
		if (this.isLost) throw new TurnLostError("lost");
	}
}

export interface FileSourceStage {
	readonly source: FileSource;
	readonly turn: GivenTurn;
	readonly clock: ManualClock;
	/** Starts the source, with a listener that writes everything down. */
	start(): Promise<void>;
	/** Calls of the listener, as text: `joined 0`, `batch 0-3`, `skipped 3-4`, `heartbeat`, `crashed ...`. */
	readonly calls: string[];
	/** Values by offset, of all batches. */
	readonly values: Map<number, string>;
	/** What is done with a batch; at the beginning it is resolved. */
	onBatch: (batch: SourceBatch) => void;
	/** Moves time in small steps and lets the file system answer, until the condition holds. */
	until(condition: () => boolean): Promise<void>;
	/** The same for a number of steps: long enough for whatever must not happen. */
	steps(count: number): Promise<void>;
}

const STEP_MS = 20;
const silent = createLog({ level: "silent", format: "json" });

/** Not started; stopped when the test ends. */
export function fileSourceStage(
	t: Test,
	path: string,
	options: { readonly untilEnd?: boolean } = {},
): FileSourceStage {
	const clock = new ManualClock();
	const turn = new GivenTurn();
	const { untilEnd = false } = options;
	const source = new FileSource({ path, untilEnd, turn }, clock, silent);
	const calls: string[] = [];
	const values = new Map<number, string>();
	const step = async (): Promise<void> => {
		clock.advance(STEP_MS);
		await turnOfTheLoop();
	};
	const stage: FileSourceStage = {
		source,
		turn,
		clock,
		calls,
		values,
		onBatch: (batch) => batch.resolve(),
		start: () =>
			source.start({
				joined: (partitions) => calls.push(`joined ${partitions.join(",")}`),
				batch: (batch) => {
					calls.push(`batch ${batch.fetchedOffset}-${batch.nextOffset}`);
					for (const { offset, value } of seenRecords(batch.records)) {
						values.set(offset, Buffer.from(value!, "base64").toString());
					}
					stage.onBatch(batch);
				},
				skipped: (_, from, last) => calls.push(`skipped ${from}-${last + 1}`),
				heartbeat: () => {
					if (calls.at(-1) !== "heartbeat") calls.push("heartbeat");
				},
				crashed: (error) => calls.push(`crashed ${error.message}`),
			}),
		until: async (condition) => {
			while (!condition()) await step();
		},
		steps: async (count) => {
			for (let at = 0; at < count; at++) await step();
		},
	};
	t.teardown(async () => {
		const stopped = source.stop();
		clock.advance(60_000);
		await stopped;
	});
	return stage;
}
