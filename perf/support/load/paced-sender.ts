/** The sending itself: takes the frame that is due, round and round through the pool. */
import { LatencyTracker } from "../latency.ts";
import { type LatencyPoll, startLatencyPoll } from "../latency-poll.ts";
import { type Frame, framesOf } from "./frames.ts";
import type { LoadProgress, LoadReport, LoadSetting } from "./load-messages.ts";
import { LoadSender } from "./load-sender.ts";
import { LoadPace } from "./pace.ts";

/** A timer is exact to about this much; a frame that is due within it is sent now, so that it need not wake twice. */
const TIMER_MS = 1;
/** 30 s of the top rate: so much that Kafka has not acknowledged would only fill the memory. */
const PENDING_FRAMES_MAX = 6_000;
const SETTLE_LOOK_MS = 10;

export class PacedSender {
	readonly #sender: LoadSender;
	readonly #frames: readonly Frame[];
	readonly #tracker: LatencyTracker | null;
	readonly #poll: LatencyPoll | null;
	readonly #pace = new LoadPace();
	readonly #onFailure: (error: Error) => void;
	readonly #cpuAtStart = process.cpuUsage();
	#nextFrame = 0;
	#due = 0;
	#window: string | null = null;
	#timer: NodeJS.Timeout | undefined;

	private constructor(
		parts: {
			sender: LoadSender;
			frames: readonly Frame[];
			tracker: LatencyTracker | null;
			poll: LatencyPoll | null;
		},
		onFailure: (error: Error) => void,
	) {
		this.#sender = parts.sender;
		this.#frames = parts.frames;
		this.#tracker = parts.tracker;
		this.#poll = parts.poll;
		this.#onFailure = onFailure;
	}

	/** Makes the events and connects; sends nothing yet. `onFailure` is told once when sending has failed. */
	static async open(setting: LoadSetting, onFailure: (error: Error) => void): Promise<PacedSender> {
		const { brokers, topic, content, eventsPerFrame, databaseUrl, pollIntervalMs } = setting;
		const tracker = databaseUrl === null ? null : new LatencyTracker();
		const sender = await LoadSender.open(brokers, topic, ({ batch, dueMs, window }, endOffset) =>
			tracker?.sent(batch.partition, endOffset, batch.records, dueMs, window),
		);
		const frames = [...framesOf(content, sender.partitionCount, eventsPerFrame)];
		const poll =
			databaseUrl === null || tracker === null
				? null
				: startLatencyPoll({
						databaseUrl,
						topic,
						intervalMs: pollIntervalMs,
						onSeen: (partition, nextOffset, seenMs) => tracker.seen(partition, nextOffset, seenMs),
					});
		return new PacedSender({ sender, frames, tracker, poll }, onFailure);
	}

	setRate(perSecond: number): void {
		this.#pace.setRate(perSecond, performance.now());
		this.#wake();
	}

	openWindow(name: string | null): void {
		this.#window = name;
		this.#sender.latenessMsMax = 0;
	}

	/** Resolves when all that fell due is acknowledged, and visible where that is measured. */
	async settled(): Promise<void> {
		await this.#sender.pendingAtMost(0);
		while (this.#tracker !== null && this.#tracker.invisible > 0) {
			if (this.#sender.failure !== null) throw this.#sender.failure;
			await new Promise((resolve) => setTimeout(resolve, SETTLE_LOOK_MS));
		}
	}

	progress(): LoadProgress {
		const { user, system } = process.cpuUsage(this.#cpuAtStart);
		return {
			due: this.#due,
			acknowledged: this.#sender.acknowledged,
			invisible: this.#tracker?.invisible ?? null,
			cpuSeconds: (user + system) / 1e6,
			latenessMsMax: this.#sender.latenessMsMax,
		};
	}

	report(): LoadReport {
		return {
			...this.progress(),
			distributions: this.#tracker?.distributions() ?? [],
			polls: this.#poll?.polls ?? 0,
			pollGapMsMax: this.#poll?.gapMsMax ?? 0,
			endOffsets: [...this.#sender.nextOffsets],
		};
	}

	#wake(): void {
		clearTimeout(this.#timer);
		const nowMs = performance.now();
		while (this.#pace.nextDueMs <= nowMs + TIMER_MS) this.#addFrame();
		this.#sender.pump();
		const failure = this.#sender.failure ?? this.#overload();
		if (failure !== null) this.#onFailure(failure);
		else if (this.#pace.perSecond > 0)
			this.#timer = setTimeout(() => this.#wake(), this.#pace.nextDueMs - performance.now());
	}

	#overload(): Error | null {
		const { pending } = this.#sender;
		if (pending <= this.#frames[0]!.events * PENDING_FRAMES_MAX) return null;
		return new Error(`Kafka has not acknowledged ${pending} events and cannot keep up: try a lower rate`);
	}

	#addFrame(): void {
		const frame = this.#frames[this.#nextFrame]!;
		this.#nextFrame = (this.#nextFrame + 1) % this.#frames.length;
		const dueMs = this.#pace.nextDueMs;
		for (const batch of frame.batches) this.#sender.add({ batch, dueMs, window: this.#window });
		this.#due += frame.events;
		this.#pace.advance(frame.events);
	}
}
