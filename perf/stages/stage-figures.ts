/** Stages in the order in which an event meets them, by thread, with their sums and the rest that no stage explains. */
import type { Measured } from "../micro/measure.ts";
import { MICROS } from "../micro/micros.ts";
import type { Drained } from "../support/drain-run.ts";
import type { Figure } from "../support/result.ts";
import { FLUSH_STEPS, type FlushCost, type FlushStep } from "./flush-cost.ts";

export interface StagesMeasured {
	readonly drained: Pick<Drained, "cpuMicrosPerEvent">;
	/** In ns of CPU per event, as everything below. */
	readonly fetch: number;
	/** By name of the micro-benchmark. */
	readonly stages: ReadonlyMap<string, Pick<Measured, "threadNs" | "threadNsMin" | "threadNsMax">>;
	readonly flush: Readonly<Record<FlushStep, FlushCost>>;
}

const MAIN = ["route", "transfer"] as const;
const ACTORS = ["parse", "validate", "fold", "members", "encode"] as const;

const STEP_ABOUT: Readonly<Record<FlushStep, string>> = {
	offsets: "offset rows locked, compared and moved",
	copy: "COPY of the rows",
	users: "new pairs of hour and user inserted",
	sessions: "new pairs of hour and session inserted",
	merge: "hourly totals raised",
	commit: "COMMIT",
};

/** The whole comes first; unknown figures are left out. */
export function stageFigures({ drained, fetch, stages, flush }: StagesMeasured): readonly Figure[] {
	const { main, actors, gc, engine, postgres } = drained.cpuMicrosPerEvent;
	const flushOwn = FLUSH_STEPS.reduce((sum, step) => sum + flush[step].own, 0);
	const stageNs = (name: string): number => {
		const measured = stages.get(name);
		if (measured === undefined) throw new RangeError(`there is no stage ${name}`);
		return measured.threadNs;
	};
	const sum = (names: readonly string[]) => names.reduce((total, name) => total + stageNs(name), 0);
	const mainSum = fetch + sum(MAIN) + flushOwn;
	const actorsSum = sum(ACTORS);
	const backends = FLUSH_STEPS.map((step) => flush[step].backend);
	const backendSum = backends.some((cost) => cost === null)
		? null
		: backends.reduce<number>((total, cost) => total + (cost ?? 0), 0);
	const rest = (whole: number | null, ns: number | null) =>
		whole === null || ns === null ? null : whole * 1000 - ns;

	return [
		micros("whole-engine", engine, "a drain: CPU of the engine's process"),
		micros("whole-main", main, "of it: the main thread"),
		nanos("fetch-and-decode", fetch, "the engine's source alone on the same topic"),
		stage("decode", stages, "part of the line above"),
		...MAIN.map((name) => stage(name, stages)),
		nanos("flush-main", flushOwn, "our side of all steps of a flush"),
		nanos("main-sum", mainSum, "of fetch-and-decode, route, transfer, flush-main"),
		nanos(
			"main-rest",
			rest(main, mainSum),
			"what the main thread costs beyond them: supervisor, timers, cold caches",
		),
		micros("whole-actors", actors, "of a drain: the threads of the actors"),
		...ACTORS.map((name) => stage(name, stages)),
		nanos("actors-sum", actorsSum, "of these five"),
		stage("actor", stages),
		nanos(
			"actors-rest",
			rest(actors, stageNs("actor")),
			"what the threads cost beyond an actor alone: receiving, waking, cold caches",
		),
		stage("judge", stages),
		micros("whole-gc", gc, "of a drain: V8's other threads, garbage collection above all"),
		micros("whole-postgres", postgres, "of a drain: Postgres with all its processes"),
		...FLUSH_STEPS.map((step) =>
			nanos(`postgres-${step}`, flush[step].backend, `the backend: ${STEP_ABOUT[step]}`),
		),
		nanos("postgres-sum", backendSum, "of these steps"),
		nanos(
			"postgres-rest",
			rest(postgres, backendSum),
			"other processes: WAL, checkpoints, vacuum; and claims, side jobs, polls",
		),
	].flat();
}

function stage(name: string, stages: StagesMeasured["stages"], remark?: string): Figure[] {
	const measured = stages.get(name);
	const about = MICROS.find((micro) => micro.name === name)?.about ?? name;
	if (measured === undefined) return [];
	const spread = `${(measured.threadNsMin / 1000).toFixed(3)} to ${(measured.threadNsMax / 1000).toFixed(3)}`;
	return nanos(name, measured.threadNs, `${remark === undefined ? "" : `${remark}: `}${about}; ${spread}`);
}

function nanos(name: string, ns: number | null, about: string): Figure[] {
	return micros(name, ns === null ? null : ns / 1000, about);
}

function micros(name: string, value: number | null, about: string): Figure[] {
	return value === null ? [] : [{ name, value, unit: "µs/event", better: null, about }];
}
