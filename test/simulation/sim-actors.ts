/** The actors: the real core, each behind a mailbox that takes its time; they die, they hang, and some records kill them. */
import { Ajv, type ValidateFunction } from "ajv";
import type { ActorListener, ActorPort } from "../../engine/ports.ts";
import { EVENT_TYPES } from "../../schema/event.ts";
import { ActorCore } from "../../workers/core.ts";
import { CURRENT_RECORD_BYTES, type FromActor, type ToActor } from "../../workers/messages.ts";
import { transferablesOf } from "../../workers/part.ts";
import { PartitionState } from "../../workers/partition-state.ts";
import type { Host } from "./host.ts";
import { DEADLY_USER, HANGING_SESSION } from "./sim-topic.ts";

/** With the one ids are forgotten and sent again all the time; with the other every id that was stored is relied on. */
const STORED_IDS_MAX = [12, 100_000];
const RULES = { futureSkewMs: Number.MAX_SAFE_INTEGER, latePolicy: "correct", lateAfterMs: 0 } as const;
/**
 * Deaths by chance while the engine suspects messages: one may blame an innocent one, the next may strike while that
 * one is alone with its actor, and only a third would condemn it, as it is meant to.
 */
const CHANCES_WHILE_SUSPECTING = 2;
/** Below what makes an actor silent, and longer than the shortest recovery. */
const SLOW_ANSWER_MS = 400;
/** Records that an actor judges before it dies of something else. */
const STRIKE_RECORDS_MAX = 8;

interface Thread {
	readonly core: ActorCore;
	readonly mailbox: ToActor[];
	/** `hung`: reads nothing any more. `dead`: what it was sent and what it has said is gone. */
	state: "alive" | "hung" | "dead";
	/** When its last answer arrives: answers keep their order. */
	lastAnswerMs: number;
}

export class SimActors implements ActorPort {
	readonly count: number;
	readonly #host: Host;
	readonly #threads: Thread[];
	readonly #current: SharedArrayBuffer[];
	/** Deaths by chance that are still to come while messages are suspected. */
	#chancesLeft = Number.POSITIVE_INFINITY;
	#listener: ActorListener | null = null;

	constructor(host: Host, count: number) {
		this.#host = host;
		this.count = count;
		this.#current = Array.from({ length: count }, () => new SharedArrayBuffer(CURRENT_RECORD_BYTES));
		this.#threads = Array.from({ length: count }, (_, shard) => this.#thread(shard));
	}

	async start(listener: ActorListener): Promise<void> {
		this.#listener = listener;
	}

	async stop(): Promise<void> {}

	post(shard: number, message: ToActor, transfer: readonly ArrayBuffer[] = []): void {
		const thread = this.#threads[shard]!;
		if (thread.state === "dead") return;
		if (message.kind === "care") {
			const isSuspecting = message.suspects.length > 0;
			this.#chancesLeft = isSuspecting
				? Math.min(this.#chancesLeft, CHANCES_WHILE_SUSPECTING)
				: Number.POSITIVE_INFINITY;
		}
		thread.mailbox.push(structuredClone(message, { transfer: [...transfer] }));
		this.#host.after(this.#host.random() * 15, () => this.#handleNext(shard, thread));
	}

	inHand(shard: number): { partition: number; offset: number } | null {
		const [partition = -1, offset = -1] = new Float64Array(this.#current[shard]!);
		return partition < 0 ? null : { partition, offset };
	}

	async replace(shard: number): Promise<void> {
		this.#threads[shard]!.state = "dead";
		await this.#host.delay(300);
		this.#threads[shard] = this.#thread(shard);
	}

	/** Out of memory, say. */
	kill(shard: number): void {
		if (this.#chancesLeft-- > 0) this.#end(shard, "actor died");
	}

	#end(shard: number, reason: string): void {
		const thread = this.#threads[shard]!;
		if (thread.state === "dead") return;
		thread.state = "dead";
		this.#host.world.note(reason);
		this.#host.after(this.#host.random() * 20, () => this.#listener!.lost(shard, new Error(reason)));
	}

	/** Only the watchdog can find out. */
	hang(shard: number): void {
		const thread = this.#threads[shard]!;
		if (thread.state !== "alive" || this.#chancesLeft-- <= 0) return;
		thread.state = "hung";
		this.#host.world.note("actor hung");
	}

	#thread(shard: number): Thread {
		const storedIdsMax = this.#host.world.random.pick(STORED_IDS_MAX);
		const settings = { shard, topic: "t", rules: RULES, storedIdsMax, currentRecord: this.#current[shard]! };
		const core = new ActorCore(settings, () => this.#host.monotonicMs());
		return { core, mailbox: [], state: "alive", lastAnswerMs: 0 };
	}

	#handleNext(shard: number, thread: Thread): void {
		if (thread.state !== "alive") return;
		const message = thread.mailbox.shift()!;
		const { world } = this.#host;
		if (
			message.kind === "slice" &&
			this.#chancesLeft > 0 &&
			world.fault("actor dies while it folds", 0.003)
		) {
			this.#chancesLeft--;
			strikeAfter = world.random.below(STRIKE_RECORDS_MAX);
		}
		let answer: FromActor | null;
		try {
			answer = thread.core.handle(message);
		} catch (error) {
			if (!(error instanceof DeadlyRecord)) throw error;
			if (error.hangs) {
				thread.state = "hung";
				world.note("record hung its actor");
			} else this.#end(shard, strikeAfter < 0 ? "actor died folding" : "record killed its actor");
			return;
		} finally {
			strikeAfter = Number.POSITIVE_INFINITY;
		}
		if (answer === null) return;
		const transfer = answer.kind === "frozen" ? transferablesOf(answer.part) : [];
		const sent: FromActor = structuredClone(answer, { transfer });
		const nowMs = this.#host.monotonicMs();
		const takesMs = world.fault("slow answer", 0.01) ? SLOW_ANSWER_MS : 10;
		thread.lastAnswerMs = Math.max(nowMs + this.#host.random() * takesMs, thread.lastAnswerMs);
		this.#host.after(thread.lastAnswerMs - nowMs, () => {
			if (thread.state !== "dead") this.#listener!.message(shard, sent);
		});
	}
}

/** What ends the thread that judges the record: in reality a bug of the engine's, or of V8's. */
class DeadlyRecord extends Error {
	/** Nothing ends: an endless loop in a regular expression, say. */
	readonly hangs: boolean;

	constructor(hangs: boolean) {
		super("deadly");
		this.hangs = hangs;
	}
}

/** Records to be judged until the judge dies, for no fault of theirs. */
let strikeAfter = Number.POSITIVE_INFINITY;

/**
 * Has the event schema compiled once for all actors of all seeds (30 ms each otherwise), and lets the events of one user
 * kill whoever folds them, whether the scanner or the judge has read them. Undone by calling what it returns.
 */
export function installDeadlyValidator(): () => void {
	const { getSchema, addSchema } = Ajv.prototype;
	const { addEvent, addDeadLetter } = PartitionState.prototype;
	const compiled = new Map<string, ValidateFunction>();
	const patched = function (this: Ajv, id: string): ValidateFunction {
		let check = compiled.get(id);
		if (check === undefined) {
			check = getSchema.call(this, id) as ValidateFunction;
			compiled.set(id, check);
		}
		return check;
	};
	Ajv.prototype.getSchema = patched as typeof getSchema;
	Ajv.prototype.addSchema = function (...parameters) {
		// Nobody asks it once all are compiled.
		return compiled.size > EVENT_TYPES.length ? this : addSchema.apply(this, parameters);
	};
	PartitionState.prototype.addEvent = function (this: PartitionState, event, ...rest) {
		const user = Buffer.from(event.user.subarray(event.userStart, event.userEnd)).toString("utf8");
		if (user === DEADLY_USER) throw new DeadlyRecord(event.sessionId === HANGING_SESSION);
		strike();
		addEvent.call(this, event, ...rest);
	};
	PartitionState.prototype.addDeadLetter = function (this: PartitionState, record, refusal) {
		// Who is condemned is judged by nobody.
		if (refusal.reason !== "actor_crash" && refusal.reason !== "pg_value") strike();
		addDeadLetter.call(this, record, refusal);
	};
	return () => {
		Ajv.prototype.getSchema = getSchema;
		Ajv.prototype.addSchema = addSchema;
		PartitionState.prototype.addEvent = addEvent;
		PartitionState.prototype.addDeadLetter = addDeadLetter;
	};
}

function strike(): void {
	if (strikeAfter-- <= 0) throw new DeadlyRecord(false);
}
