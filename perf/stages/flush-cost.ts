/** The steps of a flush on a real Postgres, by the engine's own code, with the CPU of both sides. */
import type pg from "pg";
import type { CommitSet } from "../../engine/ports.ts";
import { claim } from "../../engine/sink/claim.ts";
import { commit } from "../../engine/sink/commit.ts";
import { connect } from "../../engine/sink/connect.ts";
import { copyBinary } from "../../engine/sink/copy.ts";
import { DAY_PARTITIONS_MAX, ensureDays, utcDay } from "../../engine/sink/days.ts";
import { FlushMemory, rowsOf } from "../../engine/sink/flush.ts";
import { hourlyDeltas } from "../../engine/sink/hourly-deltas.ts";
import { insertSessions, insertUsers, sessionRows, userRows } from "../../engine/sink/insert-members.ts";
import { mergeHours } from "../../engine/sink/merge-hours.ts";
import { migrate } from "../../engine/sink/migrate.ts";
import { moveOffsets } from "../../engine/sink/move-offsets.ts";
import { EVENT_COLUMNS } from "../../workers/copy-layout.ts";
import type { FrozenPart } from "../../workers/part.ts";
import { LoneActor } from "../micro/actor-thread.ts";
import { type Corpus, PARTITIONS } from "../micro/corpus.ts";
import { mainThreadOrOwnCpuNs, processCpuNs } from "../micro/thread-cpu.ts";
import type { RunDatabase } from "../support/database.ts";

export const FLUSH_STEPS = ["offsets", "copy", "users", "sessions", "merge", "commit"] as const;
export type FlushStep = (typeof FLUSH_STEPS)[number];

/** CPU in ns per event; `backend` is null when the server cannot be seen from here. */
export interface FlushCost {
	readonly own: number;
	readonly backend: number | null;
}

const TOPIC = "stages";
const OWNER = "stages";
/** Sets before the first that counts: plans, pages of the tables and our code are cold before. */
const WARM_UP_SETS = 3;

/** Flushes the whole corpus into an empty database. */
export async function flushCosts(
	database: RunDatabase,
	corpus: Corpus,
	signal: AbortSignal,
): Promise<Readonly<Record<FlushStep, FlushCost>>> {
	const settings = { connectionString: database.url };
	await migrate(settings);
	const client = await connect(settings, { applicationName: "lottery-perf stages" });
	try {
		const sets = setsOf(corpus);
		await makeDays(client, sets);
		const lowWatermarks = new Map(Array.from({ length: PARTITIONS }, (_, partition) => [partition, 0]));
		const identity = { clusterId: "stages", topic: TOPIC, owner: OWNER };
		const { claims, generation } = await claim(client, identity, lowWatermarks);
		const epochs = new Map(claims.map(({ partition, epoch }) => [partition, epoch]));
		const meter = new Meter(client);
		const next = new Map<number, number>();
		const memory = new FlushMemory();
		for (const [number, parts] of sets.entries()) {
			signal.throwIfAborted();
			const set = commitSet(number + 1, parts, epochs, next);
			meter.counts = number >= Math.min(WARM_UP_SETS, sets.length - 1);
			await flushMeasured(client, generation, set, memory, meter);
		}
		return meter.perEvent();
	} finally {
		await client.end();
	}
}

/** As `flush` of the engine does it, in its order. */
async function flushMeasured(
	client: pg.Client,
	generation: string,
	set: CommitSet,
	memory: FlushMemory,
	meter: Meter,
): Promise<void> {
	const folds = set.parts.flatMap((part) => part.folds);
	const events = folds.reduce((sum, fold) => sum + fold.rowCount, 0);
	meter.begin(events);
	await moveOffsets(client, TOPIC, generation, set, folds, new Map(), memory.places);
	meter.lap("offsets");
	const copied = await copyBinary(client, "events", EVENT_COLUMNS, rowsOf(set));
	if (copied !== events) throw new Error(`Postgres took ${copied} rows of ${events}`);
	meter.lap("copy");
	const candidates = folds.map((fold) => fold.users);
	const users = await insertUsers(client, memory.numbers, userRows(memory.numbers, candidates));
	meter.lap("users");
	const sessions = await insertSessions(client, sessionRows(folds.map((fold) => fold.sessions)));
	meter.lap("sessions");
	await mergeHours(client, hourlyDeltas(set.parts), users, sessions, memory.hours);
	meter.lap("merge");
	await commit(client);
	memory.numbers.keep();
	meter.lap("commit");
}

/** Adds up CPU by step. Between two steps the backend waits, so that its account is exact then. */
class Meter {
	/** Whether the set under way counts. */
	counts = false;
	readonly #backend: number | null;
	readonly #own = new Map<FlushStep, number>();
	readonly #backends = new Map<FlushStep, number | null>();
	#events = 0;
	#ownSince = 0;
	#backendSince: number | null = null;

	constructor(client: pg.Client) {
		this.#backend = (client as { processID?: number | null }).processID ?? null;
	}

	begin(events: number): void {
		if (this.counts) this.#events += events;
		this.#ownSince = mainThreadOrOwnCpuNs();
		this.#backendSince = this.#backendNs();
	}

	lap(step: FlushStep): void {
		const own = mainThreadOrOwnCpuNs();
		const backend = this.#backendNs();
		if (this.counts) {
			this.#own.set(step, (this.#own.get(step) ?? 0) + own - this.#ownSince);
			const before = this.#backends.get(step) ?? 0;
			const since = this.#backendSince;
			this.#backends.set(step, backend === null || since === null ? null : before + backend - since);
		}
		this.#ownSince = own;
		this.#backendSince = backend;
	}

	perEvent(): Readonly<Record<FlushStep, FlushCost>> {
		const costs = FLUSH_STEPS.map((step): [FlushStep, FlushCost] => {
			const backend = this.#backends.get(step) ?? null;
			return [
				step,
				{
					own: (this.#own.get(step) ?? 0) / this.#events,
					backend: backend === null ? null : backend / this.#events,
				},
			];
		});
		return Object.fromEntries(costs) as Record<FlushStep, FlushCost>;
	}

	#backendNs(): number | null {
		return this.#backend === null ? null : processCpuNs(this.#backend);
	}
}

/** The parts of all actors, by set. */
function setsOf({ slices }: Corpus): readonly (readonly FrozenPart[])[] {
	const byActor = slices.map((of) => {
		const parts: FrozenPart[] = [];
		new LoneActor().foldAll(of, (part) => parts.push(part));
		return parts;
	});
	const count = Math.max(...byActor.map(({ length }) => length));
	return Array.from({ length: count }, (_, set) => byActor.flatMap((parts) => parts[set] ?? []));
}

/** Offsets run on by as many records as there are rows: which rows of a partition go first is the same to Postgres. */
function commitSet(
	set: number,
	parts: readonly FrozenPart[],
	epochs: ReadonlyMap<number, number>,
	next: Map<number, number>,
): CommitSet {
	const counts = new Map<number, number>();
	for (const { partition, rowCount } of parts.flatMap((part) => part.folds))
		counts.set(partition, (counts.get(partition) ?? 0) + rowCount);
	const ranges = [...counts].map(([partition, records]) => {
		const from = next.get(partition) ?? 0;
		next.set(partition, from + records);
		return {
			partition,
			epoch: epochs.get(partition)!,
			from,
			to: from + records,
			records,
			gaps: 0,
			last: null,
		};
	});
	return { set, ranges, parts };
}

async function makeDays(client: pg.Client, sets: readonly (readonly FrozenPart[])[]): Promise<void> {
	const hours = hourlyDeltas(sets.flat()).map(({ hour }) => hour);
	const days = [...new Set(hours.map(utcDay))];
	const { skipped } = await ensureDays(client, { days, partitionsMax: DAY_PARTITIONS_MAX });
	if (skipped.length > 0) throw new Error(`no partition for ${skipped[0]!.day}: ${skipped[0]!.why}`);
}
