/** One engine: the real supervisor and its real parts, on a simulated Kafka, Postgres, threads and clock. */
import { ActorWatch } from "../../engine/actor-watch.ts";
import { Assignment } from "../../engine/assignment.ts";
import { Credit } from "../../engine/credits.ts";
import type { SetQueue } from "../../engine/flusher.ts";
import { Ledger } from "../../engine/ledger.ts";
import { type Limits, limitsOf } from "../../engine/limits.ts";
import { createLog } from "../../engine/log.ts";
import type { Observer } from "../../engine/observer.ts";
import { Supervisor } from "../../engine/supervisor.ts";
import { Tally } from "../../engine/tally.ts";
import { SimActors } from "./sim-actors.ts";
import type { SimGroup } from "./sim-group.ts";
import { SimSource } from "./sim-kafka.ts";
import type { SimPostgres } from "./sim-postgres.ts";
import { SimStore } from "./sim-store.ts";
import type { SimTopic } from "./sim-topic.ts";
import { Host, type World } from "./world.ts";

export const ACTORS = 2;
/** More than a fetch is charged with, in sets or in slices: a limit may be passed by the batch that reaches it. */
const BATCH_BYTES_MAX = 6_500;
const SILENT_LOG = createLog({ level: "silent", format: "json" });

export interface SimEngine {
	readonly host: Host;
	readonly source: SimSource;
	readonly store: SimStore;
	readonly actors: SimActors;
	readonly supervisor: Supervisor;
	/** For a person who looks at a failing seed. */
	describe(): unknown;
}

/** Small enough that every limit is reached, and that a set takes many batches or one, by chance. */
function smallLimits({ random }: World): Limits {
	return {
		...limitsOf({
			flushIntervalMs: 50 + random.below(200),
			flushRowsMax: 20 + random.below(60),
			inFlightBytesMax: 64 << 20,
		}),
		setBytesMax: 8_000,
		flushBytesMax: 4_000,
		actorBytesMax: 3_000,
		sliceBytesMax: 600,
		actorSilenceMsMax: 2_000,
		actorLossesMax: Number.MAX_SAFE_INTEGER,
		backoffMs: 50,
	};
}

export async function startEngine(
	name: string,
	world: World,
	topic: SimTopic,
	group: SimGroup,
	postgres: SimPostgres,
): Promise<SimEngine> {
	const host = new Host(world);
	const limits = smallLimits(world);
	const assignment = new Assignment();
	const ledger = new Ledger(ACTORS);
	const watch = new ActorWatch(ACTORS, limits, host);
	const setCredit = new Credit(limits.setBytesMax);
	const source = new SimSource(host, topic, group, () => judgeLimits());
	const store = new SimStore(host, postgres);
	const actors = new SimActors(host, ACTORS);
	const parts = { limits, source, store, actors, assignment, ledger, watch, setCredit, log: SILENT_LOG };
	const supervisor = new Supervisor(
		{
			...parts,
			clock: host,
			queue: oneAfterTheOther,
			jobs: { publish() {}, days() {} },
			observer: observerOf(world),
			tally: new Tally(host),
		},
		(error) => world.problems.add(`${name} cannot go on: ${(error as Error).stack}`),
	);
	await supervisor.start();
	group.join(source);
	// I8. Sets are charged in the tick of the batch, so a full account pauses in that tick. Slices may be charged by the
	// router's timer, and then it is the next event that pauses: one more batch is within the limit.
	const judgeLimits = () => {
		for (const [queue, credit] of Object.entries({ sets: setCredit, actors: watch.credit })) {
			if (credit.full) world.note(`paused for ${queue}`);
			const readsOn = credit === setCredit && credit.full && source.flowing.length > 0;
			if (readsOn || credit.bytes > credit.bytesMax + BATCH_BYTES_MAX) {
				world.problems.add(
					`I8: ${name} reads on with ${credit.bytes} bytes in ${queue} of ${credit.bytesMax}`,
				);
			}
		}
	};
	const describe = () => ({
		name,
		state: supervisor.state,
		incarnation: supervisor.incarnation,
		flowing: source.flowing,
		partitions: assignment.all().map(({ partition, phase, position }) => ({
			partition,
			phase,
			position,
			paused: supervisor.pauses.reasonsOf(partition).join(),
		})),
		sets: [ledger.open?.set, ledger.waiting?.set, ledger.committing?.set],
		bytes: [setCredit.bytes, watch.credit.bytes],
	});
	return { host, source, store, actors, supervisor, describe };
}

/** The flush queue without better-queue, whose timers are real ones. */
function oneAfterTheOther(commit: (set: number) => Promise<void>): SetQueue {
	let tail = Promise.resolve();
	return {
		push: (set) => {
			tail = tail.then(() => commit(set));
		},
	};
}

function observerOf(world: World): Observer {
	return {
		consumed() {},
		batchProcessed() {},
		committed: () => world.note("commit"),
		flushFailed() {},
		recovered: (reason) => world.note(`recovery: ${reason}`),
		rebalanced: () => world.note("join"),
		actorRestarted() {},
		gap() {},
	};
}
