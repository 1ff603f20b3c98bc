/** What the samples of `slow-postgres` come to. */
import type { Better, Figure, Ratio, Sample } from "../result.ts";

export interface SlowPostgresMoments {
	/** Seconds on the clock of the samples. */
	readonly slowFrom: number;
	readonly frozenFrom: number;
	readonly thawedAt: number;
	readonly firstCommitAt: number;
	readonly caughtUpAt: number;
}

export interface SlowPostgresRun {
	readonly samples: readonly Sample[];
	readonly moments: SlowPostgresMoments;
	/** Events per second that were to be sent. */
	readonly rate: number;
	readonly delayMs: number;
	readonly recoveries: number | null;
	/** As the kernel keeps it; null elsewhere. */
	readonly peakBytes: number | null;
}

/** Seconds behind a change that belong to it, not to the state it leads to. */
const CHANGE_SECONDS = 2;

export interface SlowPostgresOutcome {
	readonly figures: readonly Figure[];
	readonly ratios: readonly Ratio[];
}

export function slowPostgresOutcome({
	samples,
	moments,
	rate,
	delayMs,
	recoveries,
	peakBytes,
}: SlowPostgresRun): SlowPostgresOutcome {
	const { slowFrom, frozenFrom, thawedAt, firstCommitAt, caughtUpAt } = moments;
	const between = (from: number, to: number) =>
		samples.filter(({ atSeconds }) => atSeconds >= from && atSeconds <= to);
	const most = (of: readonly Sample[], pick: (sample: Sample) => number | null): number | null =>
		of.reduce<number | null>((greatest, sample) => {
			const value = pick(sample);
			return value === null ? greatest : Math.max(greatest ?? value, value);
		}, null);
	const lag = ({ sent, committed, engineLag }: Sample) =>
		sent === null || committed === null ? engineLag : sent - committed;
	const memory = ({ memoryBytes }: Sample) => memoryBytes;
	const figures: Figure[] = [];
	const add = (name: string, value: number | null, unit: string, better: Better, about: string): void => {
		if (value !== null) figures.push({ name, value, unit, better, about });
	};
	const frozen = between(frozenFrom, thawedAt);
	const slow = between(slowFrom + CHANGE_SECONDS, frozenFrom);
	const seconds = Math.round(thawedAt - frozenFrom);
	add(
		"recovery-time",
		caughtUpAt - thawedAt,
		"s",
		"lower",
		`from the end of ${seconds} s of standstill until no more waited than one second of traffic, which went on at ${rate.toLocaleString("en")} events/s`,
	);
	add(
		"first-commit-after-thaw",
		firstCommitAt - thawedAt,
		"s",
		"lower",
		"from the end of the standstill to the first new commit",
	);
	add(
		"memory-peak",
		peakBytes ?? most(samples, memory),
		"bytes",
		"lower",
		"most memory of the engine ever resident",
	);
	add(
		"memory-calm",
		most(between(0, slowFrom), memory),
		"bytes",
		null,
		"most of it before anything was slow",
	);
	add("memory-frozen", most(frozen, memory), "bytes", "lower", "most of it during the standstill");
	add("peak-lag", most(between(frozenFrom, caughtUpAt), lag), "events", null, "most events that waited");
	add(
		"paused-frozen",
		most(frozen, ({ paused }) => paused),
		"count",
		null,
		"most partitions paused at once during the standstill, all reasons",
	);
	const [committedSlow, sentSlow] = [
		rateOf(slow, ({ committed }) => committed),
		rateOf(slow, ({ sent }) => sent),
	];
	add(
		"throughput-slow",
		committedSlow,
		"events/s",
		"higher",
		`committed while each COMMIT came ${delayMs} ms late`,
	);
	add(
		"sent-slow",
		sentSlow,
		"events/s",
		null,
		`sent and acknowledged meanwhile; ${rate.toLocaleString("en")} were asked for, and a machine that cannot send them is too busy for this`,
	);
	add("lag-slow", most(slow, lag), "events", "lower", "most events that waited meanwhile");
	add("recoveries", recoveries, "count", null, "times the engine began again from Postgres");
	if (committedSlow === null || sentSlow === null || sentSlow === 0) return { figures, ratios: [] };
	const ratio: Ratio = {
		name: "throughput-slow/sent-slow",
		value: committedSlow / sentSlow,
		unit: "ratio",
		better: "higher",
		about: "1: late commits hold nothing up, since sets grow as they take longer",
		of: "throughput-slow",
		to: "sent-slow",
	};
	return { figures, ratios: [ratio] };
}

/** Per second, from the first sample that knows it to the last; null without two. */
function rateOf(samples: readonly Sample[], count: (sample: Sample) => number | null): number | null {
	const known = samples.filter((sample) => count(sample) !== null);
	const [first, last] = [known[0], known.at(-1)];
	if (first === undefined || last === undefined || last.atSeconds <= first.atSeconds) return null;
	return (count(last)! - count(first)!) / (last.atSeconds - first.atSeconds);
}
