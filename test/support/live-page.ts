/** A believable snapshot of the live page, to be changed part by part, and a feed that a test pushes them into. */
import type {
	Business,
	DeadLetterSample,
	HourMetrics,
	LiveHistory,
	LivePage,
} from "../../monitoring/live.ts";
import { flowOf } from "../../monitoring/live-flow.ts";
import { LiveSamples, sampleOf } from "../../monitoring/live-samples.ts";
import { LiveSignals } from "../../monitoring/live-signals.ts";
import type { EngineStatus } from "../../monitoring/status.ts";
import { engineStatus, NOW_MS } from "./engine-status.ts";

const HOUR_MS = 3_600_000;

export function hourMetrics(hoursAgo: number, change: Partial<HourMetrics> = {}): HourMetrics {
	return {
		hourMs: NOW_MS - hoursAgo * HOUR_MS,
		revenue: String(1200.5 + 10 * hoursAgo),
		tickets: 400 + hoursAgo,
		payouts: "310.25",
		payoutEvents: 12,
		activeUsers: 250,
		newSessions: 90,
		logins: 120,
		updatedAtMs: NOW_MS - 2000,
		correction: null,
		...change,
	};
}

export function deadLetter(change: Partial<DeadLetterSample> = {}): DeadLetterSample {
	return {
		topic: "user_events",
		partition: 1,
		offset: 77,
		stage: "validate",
		reason: "amount",
		pointer: "/payload/amount",
		detail: "must be >= 0",
		createdAtMs: NOW_MS - 5000,
		bytes: 60,
		key: "user_1",
		value: '{"payload":{"user_id":"user_1","amount": -5}}',
		...change,
	};
}

export function business(change: Partial<Business> = {}): Business {
	const read = { readAtMs: NOW_MS, trouble: null };
	return {
		hours: { ...read, value: Array.from({ length: 24 }, (_, i) => hourMetrics(i)) },
		counts: { ...read, value: { stored: 1000, deadLetters: 7 } },
		deadLetters: { ...read, value: [deadLetter()] },
		...change,
	};
}

/** As the engine would make it of this status, seen twice, a second apart. */
export function livePage(status: EngineStatus = engineStatus(), seen: Business = business()): LivePage {
	const samples = new LiveSamples();
	const signals = new LiveSignals();
	samples.add(sampleOf(status, NOW_MS - 1000));
	samples.add(sampleOf(status, NOW_MS));
	const look = { nowMs: NOW_MS, status, samples, business: seen };
	const rates = samples.rates();
	return {
		atMs: NOW_MS,
		status,
		rates,
		flow: flowOf(status, rates),
		signals: signals.look(look),
		business: seen,
	};
}

export class StubFeed {
	readonly #listeners = new Set<(page: LivePage) => void>();

	get listeners(): number {
		return this.#listeners.size;
	}

	subscribe(listener: (page: LivePage) => void): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	history(): LiveHistory {
		return new LiveSamples().history();
	}

	push(page: LivePage): void {
		for (const listener of this.#listeners) listener(page);
	}
}
