/**
 * Looks at a run from outside, several times a second: the engine's `/metrics`, Postgres's offset rows, /proc.
 *
 * One look costs the engine some milliseconds of its main thread for the text of `/metrics`, Postgres one query over the
 * offset rows, and us a few dozen small files: together about 2 % of a core at the default interval.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { PerfEngine } from "./engine.ts";
import { httpGet } from "./http-get.ts";
import { type OffsetReader, openOffsetReader } from "./offset-reader.ts";
import type { ServerPids } from "./places.ts";
import type { CpuOwner, Mark, Sample } from "./result.ts";
import { sumOf } from "./scrape.ts";
import { processUsage, serverCpuSeconds } from "./usage.ts";

export interface SampleRequest {
	/** The engines to look at; asked at every look, since they may come and go. */
	readonly engines: () => readonly PerfEngine[];
	/** Of the run's database, straight and not through a proxy; null: Postgres is not asked. */
	readonly databaseUrl: string | null;
	/** Events sent so far. */
	readonly sent?: () => number | null;
	/** Process or thread that sends: its CPU seconds so far. */
	readonly senderCpuSeconds?: () => number | null;
	/** From one look to the next, in ms; default 250. */
	readonly intervalMs?: number;
	/** Hears of each sample, for progress. */
	readonly onSample?: (sample: Sample) => void;
}

/** Samples and marks on one clock, which began when the sampler was started. */
export interface Timeline {
	readonly samples: readonly Sample[];
	readonly marks: readonly Mark[];
}

export interface Sampler {
	/** Seconds since it was started: the clock of its samples. */
	now(): number;
	/** The last sample, null before the first. */
	latest(): Sample | null;
	mark(text: string): void;
	/** Takes a last sample and ends. Safe twice. */
	stop(): Promise<Timeline>;
}

const INTERVAL_MS = 250;
/** Above it a look is given up: the engine is stalled or Postgres frozen, which the nulls then show. */
const LOOK_TIMEOUT_MS = 1_000;

export async function startSampler(request: SampleRequest, pids: ServerPids): Promise<Sampler> {
	const startedAt = performance.now();
	const now = () => (performance.now() - startedAt) / 1000;
	const samples: Sample[] = [];
	const marks: Mark[] = [];
	const reader = request.databaseUrl === null ? null : openOffsetReader(request.databaseUrl, LOOK_TIMEOUT_MS);
	const ending = new AbortController();
	const take = async () => {
		const sample = await look(request, pids, reader, now());
		samples.push(sample);
		request.onSample?.(sample);
	};
	const loop = (async () => {
		const interval = request.intervalMs ?? INTERVAL_MS;
		for (let next = interval; !ending.signal.aborted; next += interval) {
			await take();
			// A look that took long does not make the next ones come in a bunch.
			next = Math.max(next, now() * 1000);
			await sleep(next - now() * 1000, null, { signal: ending.signal }).catch(() => {});
		}
	})();
	let stopping: Promise<Timeline> | null = null;
	return {
		now,
		latest: () => samples.at(-1) ?? null,
		mark: (text) => void marks.push({ atSeconds: now(), text }),
		stop() {
			stopping ??= (async () => {
				ending.abort();
				await loop;
				await take();
				await reader?.close();
				return { samples, marks };
			})();
			return stopping;
		},
	};
}

async function look(
	{ engines, sent, senderCpuSeconds }: SampleRequest,
	pids: ServerPids,
	reader: OffsetReader | null,
	atSeconds: number,
): Promise<Sample> {
	const living = engines().filter((engine) => engine.ended() === null);
	const [scrapes, committed] = await Promise.all([
		Promise.all(living.map(({ url }) => httpGet(`${url}/metrics`, LOOK_TIMEOUT_MS))),
		reader?.committed() ?? null,
	]);
	const usages = living.map(({ pid }) => processUsage(pid));
	const metric = (name: string) => total(scrapes.map((text) => (text === null ? null : sumOf(text, name))));
	const cpuSeconds: Record<CpuOwner, number | null> = {
		engine: total(usages.map((usage) => usage?.cpu.all ?? null)),
		main: total(usages.map((usage) => usage?.cpu.main ?? null)),
		actors: total(usages.map((usage) => usage?.cpu.actors ?? null)),
		gc: total(usages.map((usage) => usage?.cpu.helpers ?? null)),
		postgres: serverCpuSeconds(pids.postgres),
		kafka: serverCpuSeconds(pids.kafka),
		sender: senderCpuSeconds?.() ?? null,
	};
	return {
		atSeconds,
		sent: sent?.() ?? null,
		committed,
		engineCommitted: metric("events_received_total"),
		engineLag: metric("engine_consumer_lag"),
		memoryBytes: total(usages.map((usage) => usage?.residentBytes ?? null)),
		handles: total(usages.map((usage) => usage?.handles ?? null)),
		cpuSeconds,
		paused: metric("engine_partition_paused"),
	};
}

/** Null when nothing is there or any part is unknown: half a sum would be drawn as a fall. */
function total(values: readonly (number | null)[]): number | null {
	let sum = 0;
	for (const value of values) {
		if (value === null) return null;
		sum += value;
	}
	return values.length === 0 ? null : sum;
}
