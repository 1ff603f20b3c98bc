/**
 * The clockwork behind the live page: a sample a second as long as the engine lives, and a snapshot for everybody who
 * watches, made once however many they are, and not at all while nobody does.
 */
import type { Business, LiveHistory, LivePage, Signal } from "./live.ts";
import { flowOf } from "./live-flow.ts";
import { LiveSamples, SAMPLE_INTERVAL_MS, sampleOf } from "./live-samples.ts";
import { LiveSignals } from "./live-signals.ts";
import type { EngineStatus } from "./status.ts";

/** What Postgres is asked for the page. */
export interface BusinessSource {
	/** Somebody looks, or nobody any more: it asks nothing in between. */
	watch(isWatched: boolean): void;
	/** What was read last. */
	readonly view: Business;
	/** Stops asking and closes its connection; never rejects. */
	stop(): Promise<void>;
}

export interface LiveFeedParts {
	readonly status: () => EngineStatus;
	readonly business: BusinessSource;
	/** The clock, in ms since 1970. */
	readonly now: () => number;
	readonly after: (delayMs: number, action: () => void) => { cancel(): void };
	readonly log: { error(fields: object, message: string): void };
}

/** The newest look, kept for those who come between two. */
interface Seen {
	readonly nowMs: number;
	readonly status: EngineStatus;
	readonly signals: readonly Signal[];
}

export type LiveListener = (page: LivePage) => void;

export class LiveFeed {
	readonly #parts: LiveFeedParts;
	readonly #samples = new LiveSamples();
	readonly #signals = new LiveSignals();
	readonly #listeners = new Set<LiveListener>();
	#timer: { cancel(): void } | null = null;
	#hasFailed = false;
	#last: Seen | null = null;

	constructor(parts: LiveFeedParts) {
		this.#parts = parts;
	}

	/** Takes the first sample at once and one a second from then on. */
	start(): void {
		this.#tick();
		this.#timer = this.#parts.after(SAMPLE_INTERVAL_MS, () => this.start());
	}

	/** Safe twice. Listeners hear nothing more. */
	async stop(): Promise<void> {
		this.#timer?.cancel();
		this.#listeners.clear();
		await this.#parts.business.stop();
	}

	/** Calls `listener` with a page soon (not from within this call), and every second. Returns what ends it. */
	subscribe(listener: LiveListener): () => void {
		this.#listeners.add(listener);
		this.#parts.business.watch(true);
		queueMicrotask(() => {
			if (this.#last !== null && this.#listeners.has(listener)) listener(this.#page(this.#last));
		});
		return () => {
			this.#listeners.delete(listener);
			if (this.#listeners.size === 0) this.#parts.business.watch(false);
		};
	}

	/** The last quarter of an hour. */
	history(): LiveHistory {
		return this.#samples.history();
	}

	#tick(): void {
		try {
			this.#look();
			this.#hasFailed = false;
		} catch (error) {
			// A page that cannot be made must not end the engine; once in the log is enough.
			if (!this.#hasFailed) this.#parts.log.error({ err: error }, "the live page could not be made");
			this.#hasFailed = true;
		}
	}

	#look(): void {
		const { status: read, business, now } = this.#parts;
		const nowMs = now();
		const status = read();
		this.#samples.add(sampleOf(status, nowMs));
		const look = { nowMs, status, samples: this.#samples, business: business.view };
		const signals = this.#signals.look(look);
		this.#last = { nowMs, status, signals };
		if (this.#listeners.size === 0) return;
		const page = this.#page(this.#last);
		for (const listener of [...this.#listeners]) listener(page);
	}

	#page({ nowMs, status, signals }: Seen): LivePage {
		const rates = this.#samples.rates();
		return {
			atMs: nowMs,
			status,
			rates,
			flow: flowOf(status, rates),
			signals,
			business: this.#parts.business.view,
		};
	}
}
