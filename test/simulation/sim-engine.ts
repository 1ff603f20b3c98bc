/** One engine: the real supervisor, its parts and its Postgres store, on a simulated Kafka, server, threads and clock. */
import { ActorWatch } from "../../engine/actor-watch.ts";
import { Assignment } from "../../engine/assignment.ts";
import { Credit } from "../../engine/credits.ts";
import { TooMuchBadInputError } from "../../engine/errors.ts";
import type { SetQueue } from "../../engine/flusher.ts";
import { InvalidWindow } from "../../engine/invalid-window.ts";
import { Ledger } from "../../engine/ledger.ts";
import { type Limits, limitsOf } from "../../engine/limits.ts";
import type { Log } from "../../engine/log.ts";
import type { Observer } from "../../engine/observer.ts";
import type { CommitSet } from "../../engine/ports.ts";
import { PostgresStore } from "../../engine/sink/writer.ts";
import { OUR_OWN_REASONS, Supervisor } from "../../engine/supervisor.ts";
import type { SideJobs } from "../../engine/supervisor-parts.ts";
import { Tally } from "../../engine/tally.ts";
import { Host } from "./host.ts";
import { simulatedSettings } from "./pg-client.ts";
import type { SimServer } from "./pg-server.ts";
import { SimActors } from "./sim-actors.ts";
import type { SimGroup } from "./sim-group.ts";
import { SimSource } from "./sim-kafka.ts";
import type { SimTopic } from "./sim-topic.ts";
import type { World } from "./world.ts";

export const ACTORS = 2;
/** More than a fetch is charged with, in sets or in slices: a limit may be passed by the batch that reaches it. */
const BATCH_BYTES_MAX = 6_500;
const PUBLISH_MS = 300;
/** Reached in flooded topics only: of the others every twentieth message is bad. */
const INVALID_RATIO_MAX = 0.6;
/** The window is 10,000 messages: every message counts as so many. */
const MESSAGES_PER_RECORD = 100;

export interface Surroundings {
	readonly world: World;
	readonly topic: SimTopic;
	readonly group: SimGroup;
	readonly server: SimServer;
	readonly logOf: (host: Host) => Log;
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
		actorSilenceMsMax: 1_500,
		suspectSilenceMsMax: 500,
		watermarkIntervalMs: 1_000,
		actorLossesMax: Number.MAX_SAFE_INTEGER,
		backoffMs: 50,
		backoffMsMax: 2_000,
	};
}

export class SimEngine {
	readonly host: Host;
	readonly source: SimSource;
	readonly store: PostgresStore;
	readonly actors: SimActors;
	readonly supervisor: Supervisor;
	readonly assignment = new Assignment();
	readonly ledger = new Ledger(ACTORS);
	readonly setCredit: Credit;
	readonly watch: ActorWatch;
	readonly limits: Limits;
	readonly #around: Surroundings;

	/** Too much was bad (step 12), and the process has ended with 65. */
	isFlooded = false;

	/** `tolerant`: its operator has seen the bad messages, and lets them all pass. */
	constructor(name: string, around: Surroundings, tolerant: boolean) {
		this.#around = around;
		const { world, topic, group, server } = around;
		this.host = new Host(world, name);
		const { host, assignment, ledger } = this;
		this.limits = smallLimits(world);
		this.watch = new ActorWatch(ACTORS, this.limits, host);
		this.setCredit = new Credit(this.limits.setBytesMax);
		this.source = new SimSource(host, topic, group, () => this.#judgeLimits());
		this.store = new PostgresStore(simulatedSettings(host, server), {
			clusterId: "c",
			topic: "t",
			owner: name,
		});
		this.actors = new SimActors(host, ACTORS);
		const { limits, source, store, actors, watch, setCredit } = this;
		const parts = { limits, source, store, actors, assignment, ledger, watch, setCredit };
		this.supervisor = new Supervisor(
			{
				...parts,
				clock: host,
				queue: (commit) => oneAfterTheOther(host, commit),
				jobs: publishing(host, source, around),
				observer: observerOf(world, () => group.recovered(this.source)),
				log: around.logOf(host),
				invalid: new SmallWindow(tolerant ? 1 : INVALID_RATIO_MAX),
				tally: new Tally(host),
			},
			(error) => {
				this.isFlooded = error instanceof TooMuchBadInputError && topic.isFlooded;
				if (this.isFlooded) world.note("stopped by bad input");
				else world.problem(`${name} cannot go on: ${(error as Error).stack}`);
			},
		);
		host.after(0, () => {
			this.supervisor.start().catch((error) => world.problem(`${name} does not start: ${error}`));
		});
	}

	/** As kill -9: the kernel closes its sockets; the group waits for its session to end. */
	kill(): void {
		this.host.kill();
		for (const backend of [...this.#around.server.backends]) {
			if (backend.process === this.host) this.#around.server.hangUp(backend);
		}
	}

	/** Step 13. Resolves when it has stopped. */
	async stop(): Promise<void> {
		await this.supervisor.drain();
		this.supervisor.halt();
		await this.source.stop();
		await this.store.close().catch(() => {});
	}

	/** For a person who looks at a failing seed. */
	describe(): unknown {
		const { supervisor, source, ledger } = this;
		return {
			name: this.host.name,
			state: supervisor.state,
			incarnation: supervisor.incarnation,
			flowing: source.flowing,
			partitions: this.assignment.all().map(({ partition, phase, position, haltReason }) => {
				return {
					partition,
					phase,
					position,
					haltReason,
					paused: supervisor.pauses.reasonsOf(partition).join(),
				};
			}),
			sets: [ledger.open?.set, ledger.waiting?.set, ledger.committing?.set],
			bytes: [this.setCredit.bytes, this.watch.credit.bytes],
		};
	}

	/**
	 * I8. Sets are charged in the tick of the batch, so a full account pauses in that tick. Slices may be charged by the
	 * router's timer, and then it is the next event that pauses: one more batch is within the limit.
	 */
	#judgeLimits(): void {
		const { world } = this.#around;
		for (const [queue, credit] of Object.entries({ sets: this.setCredit, actors: this.watch.credit })) {
			if (credit.full) world.note(`paused for ${queue}`);
			const readsOn = credit === this.setCredit && credit.full && this.source.flowing.length > 0;
			if (readsOn || credit.bytes > credit.bytesMax + BATCH_BYTES_MAX) {
				world.problem(`I8: reads on with ${credit.bytes} bytes in ${queue} of ${credit.bytesMax}`);
			}
		}
	}
}

/** A window of a hundred messages. */
class SmallWindow extends InvalidWindow {
	override judge(set: CommitSet): ReturnType<InvalidWindow["judge"]> {
		return super.judge(enlarged(set));
	}

	override committed(set: CommitSet): void {
		super.committed(enlarged(set));
	}
}

function enlarged(set: CommitSet): CommitSet {
	const parts = set.parts.map((part) => {
		const folds = part.folds.map((fold) => {
			const rowCount = fold.rowCount * MESSAGES_PER_RECORD;
			return { ...fold, rowCount, deadLetterCount: fold.deadLetterCount * MESSAGES_PER_RECORD };
		});
		return { ...part, folds };
	});
	return { ...set, parts };
}

/** The flush queue without better-queue, whose timers take no clock. */
function oneAfterTheOther(host: Host, commit: (set: number) => Promise<void>): SetQueue {
	let tail = Promise.resolve();
	return {
		push: (set) => {
			tail = tail.then(() => host.delay(2)).then(() => commit(set));
		},
	};
}

/** The side jobs: merged, published later, given up when that fails. I6 is judged where Kafka is told. */
function publishing(host: Host, source: SimSource, { world, server }: Surroundings): SideJobs {
	let waiting: Map<number, number> | null = null;
	const publish = async (durable: Map<number, number>): Promise<void> => {
		for (const [partition, offset] of durable) {
			const highest = server.tables.highest.get(partition) ?? 0;
			if (offset > highest) {
				world.problem(
					`I6: Kafka is told ${offset} of partition ${partition}, Postgres never had more than ${highest}`,
				);
			}
		}
		await source.publish(durable);
	};
	return {
		publish: (durable) => {
			if (waiting === null) {
				host.after(PUBLISH_MS, () => {
					const taken = waiting!;
					waiting = null;
					publish(taken).catch(() => {});
				});
			}
			waiting = new Map([...(waiting ?? []), ...durable]);
		},
		days() {},
	};
}

/** Whatever it is asked to observe; what matters here is counted. */
function observerOf(world: World, onRecovered: () => void): Observer {
	const counted: Partial<Observer> = {
		committed: () => world.note("commit"),
		recovered: (reason) => {
			world.note(`recovery: ${reason}`);
			if (!OUR_OWN_REASONS.some((own) => own === reason)) onRecovered();
		},
		rebalanced: () => world.note("join"),
	};
	return new Proxy(counted, {
		get: (target, name) => target[name as keyof Observer] ?? (() => {}),
	}) as Observer;
}
