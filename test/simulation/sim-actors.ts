/** The actors: the real core, each behind a mailbox that takes its time; they die, and they hang. */
import type { ActorListener, ActorPort } from "../../engine/ports.ts";
import { ActorCore } from "../../workers/core.ts";
import type { FromActor, ToActor } from "../../workers/messages.ts";
import { transferablesOf } from "../../workers/part.ts";
import type { Host } from "./world.ts";

/** With the one ids are forgotten and sent again all the time; with the other every id that was stored is relied on. */
const STORED_IDS_MAX = [12, 100_000];
const RULES = { futureSkewMs: Number.MAX_SAFE_INTEGER, latePolicy: "correct", lateAfterMs: 0 } as const;

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
	#listener: ActorListener | null = null;

	constructor(host: Host, count: number) {
		this.#host = host;
		this.count = count;
		this.#threads = Array.from({ length: count }, (_, shard) => this.#thread(shard));
	}

	async start(listener: ActorListener): Promise<void> {
		this.#listener = listener;
	}

	async stop(): Promise<void> {}

	post(shard: number, message: ToActor, transfer: readonly ArrayBuffer[] = []): void {
		const thread = this.#threads[shard]!;
		if (thread.state === "dead") return;
		thread.mailbox.push(structuredClone(message, { transfer: [...transfer] }));
		this.#host.after(this.#host.random() * 15, () => this.#handleNext(shard, thread));
	}

	async replace(shard: number): Promise<void> {
		this.#threads[shard]!.state = "dead";
		await this.#host.delay(500);
		this.#threads[shard] = this.#thread(shard);
	}

	/** Out of memory, say. */
	kill(shard: number): void {
		const thread = this.#threads[shard]!;
		if (thread.state === "dead") return;
		thread.state = "dead";
		this.#host.world.note("actor died");
		this.#host.after(this.#host.random() * 20, () =>
			this.#listener!.lost(shard, new Error("the thread died")),
		);
	}

	/** Only the watchdog can find out. */
	hang(shard: number): void {
		const thread = this.#threads[shard]!;
		if (thread.state !== "alive") return;
		thread.state = "hung";
		this.#host.world.note("actor hung");
	}

	#thread(shard: number): Thread {
		const storedIdsMax = this.#host.world.random.pick(STORED_IDS_MAX);
		const settings = { shard, topic: "t", rules: RULES, storedIdsMax };
		const core = new ActorCore(settings, () => this.#host.monotonicMs());
		return { core, mailbox: [], state: "alive", lastAnswerMs: 0 };
	}

	#handleNext(shard: number, thread: Thread): void {
		if (thread.state !== "alive") return;
		const answer = thread.core.handle(thread.mailbox.shift()!);
		if (answer === null) return;
		const transfer = answer.kind === "frozen" ? transferablesOf(answer.part) : [];
		const sent: FromActor = structuredClone(answer, { transfer });
		const nowMs = this.#host.monotonicMs();
		thread.lastAnswerMs = Math.max(nowMs + this.#host.random() * 10, thread.lastAnswerMs);
		this.#host.after(thread.lastAnswerMs - nowMs, () => {
			if (thread.state !== "dead") this.#listener!.message(shard, sent);
		});
	}
}
