/**
 * The actor under a small supervisor and a small Postgres, both made of plain maps: whatever the order of slices,
 * set borders, acknowledgements, forgotten partitions and recoveries, the tables must be those of the messages.
 */
import fc from "fast-check";
import t from "tap";
import { EVENT_TYPES } from "../../schema/event.ts";
import { ActorCore } from "../../workers/core.ts";
import type { FromActor, ToActor } from "../../workers/messages.ts";
import { centsOf, type FrozenPart, type PartitionFold, WINDOW, WINDOW_STRIDE } from "../../workers/part.ts";
import { int8, numeric, readElements, readTuples, text, timestamptz } from "../support/copy-reader.ts";
import { pack, record } from "../support/slices.ts";

const seed = Number(process.env["FC_SEED"] ?? Date.now() % 2 ** 31);
fc.configureGlobal({ seed, numRuns: 300 });
t.comment(`fast-check seed ${seed} (FC_SEED repeats it)`);

const PARTITIONS = 3;
const MICROS_PER_HOUR = 3_600_000_000n;

interface Event {
	readonly type: (typeof EVENT_TYPES)[number];
	readonly hour: number;
	readonly user: string;
	readonly session: number;
	readonly cents: number;
}
/** A string is a message that is not an event. */
type Message = Event | string;

const event: fc.Arbitrary<Event> = fc.record({
	type: fc.constantFrom(...EVENT_TYPES),
	hour: fc.nat(3),
	user: fc.constantFrom("ann", "bob", "cé", "d".repeat(30)),
	session: fc.nat(3),
	cents: fc.nat(10 ** 14 - 1),
});
const message: fc.Arbitrary<Message> = fc.oneof(
	{ weight: 6, arbitrary: event },
	{ weight: 1, arbitrary: fc.constantFrom("", "{", "7", '{"a":[{"x":1}', '{"y":2}]}', "1,2") },
);

function bytesOf(message: Message): string {
	if (typeof message === "string") return message;
	const { type, hour, user, session, cents } = message;
	// Cents as decimal text: exact, where a division would have to be trusted.
	const amount = `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, "0")}`;
	return `{"event_type":"${type}","event_time":"2025-06-01T0${hour}:30:00","payload":{"user_id":"${user}","session_id":${session},"amount":${amount}}}`;
}

/** The tables, as sorted lists of lines. */
class Tables {
	readonly #rows: string[] = [];
	readonly #deadLetters: string[] = [];
	readonly #hours = new Map<string, bigint>();
	readonly #members = new Set<string>();

	/** What the engine's transaction does with one fold. */
	commit(fold: PartitionFold): void {
		const rows = readTuples(fold.rows);
		const deadLetters = readTuples(fold.deadLetters);
		if (rows.length !== fold.rowCount || deadLetters.length !== fold.deadLetterCount)
			throw new Error("counts");
		for (const [time, type, user, session, amount, , offset] of rows) {
			const cents = amount === null ? null : numeric(amount!).unscaled;
			this.addRow(
				fold.partition,
				int8(offset!),
				timestamptz(time!),
				text(type!),
				text(user!),
				int8(session!),
				cents,
			);
		}
		for (const letter of deadLetters) this.addDeadLetter(fold.partition, int8(letter[2]!), text(letter[5]!));
		for (let at = 0; at < fold.windows.length; at += WINDOW_STRIDE) {
			const w = fold.windows.subarray(at, at + WINDOW_STRIDE);
			this.addHour(w[WINDOW.hour]!, "revenue", centsOf(w[WINDOW.revenueHi]!, w[WINDOW.revenueLo]!));
			this.addHour(w[WINDOW.hour]!, "payouts", centsOf(w[WINDOW.payoutHi]!, w[WINDOW.payoutLo]!));
			this.addHour(w[WINDOW.hour]!, "tickets", BigInt(w[WINDOW.ticketCount]!));
			this.addHour(w[WINDOW.hour]!, "payout events", BigInt(w[WINDOW.payoutEvents]!));
			this.addHour(w[WINDOW.hour]!, "logins", BigInt(w[WINDOW.loginCount]!));
			this.addHour(w[WINDOW.hour]!, "events", BigInt(w[WINDOW.eventCount]!));
		}
		for (const [kind, { hours, ids }] of [
			["user", fold.users],
			["session", fold.sessions],
		] as const) {
			const elements = readElements(ids);
			for (const [i, hour] of readElements(hours).entries()) {
				const id = kind === "user" ? text(elements[i]!) : int8(elements[i]!);
				this.addMember(Number(timestamptz(hour) / MICROS_PER_HOUR), kind, id);
			}
		}
	}

	addRow(partition: number, offset: bigint, micros: bigint, ...rest: (string | bigint | null)[]): void {
		this.#rows.push([partition, offset, micros, ...rest].join(" "));
	}
	addDeadLetter(partition: number, offset: bigint, value: string): void {
		this.#deadLetters.push(`${partition} ${offset} ${value}`);
	}
	addHour(hour: number, column: string, value: bigint): void {
		const key = `${hour} ${column}`;
		if (value > 0n) this.#hours.set(key, (this.#hours.get(key) ?? 0n) + value);
	}
	addMember(hour: number, kind: string, id: string | bigint): void {
		this.#members.add(`${hour} ${kind} ${id}`);
	}

	dump(): string[] {
		const hours = [...this.#hours].map(([key, value]) => `${key} ${value}`);
		return [...this.#rows, ...this.#deadLetters, ...hours, ...this.#members].sort();
	}
}

/** The tables straight from the messages. */
function recomputed(topic: readonly (readonly Message[])[]): string[] {
	const tables = new Tables();
	for (const [partition, messages] of topic.entries()) {
		for (const [offset, message] of messages.entries()) {
			if (typeof message === "string") {
				tables.addDeadLetter(partition, BigInt(offset), message);
				continue;
			}
			const { type, user, session } = message;
			const hour = Date.UTC(2025, 5, 1, message.hour) / 3_600_000;
			const bought = type === "ticket_purchased";
			const cents = bought || type === "claim_reward" ? BigInt(message.cents) : null;
			const micros = BigInt(hour) * MICROS_PER_HOUR + 1_800_000_000n;
			tables.addRow(partition, BigInt(offset), micros, type, user, BigInt(session), cents);
			tables.addHour(hour, "events", 1n);
			tables.addMember(hour, "user", user);
			if (type === "login") {
				tables.addHour(hour, "logins", 1n);
				tables.addMember(hour, "session", BigInt(session));
			}
			if (cents !== null) {
				tables.addHour(hour, bought ? "revenue" : "payouts", cents);
				tables.addHour(hour, bought ? "tickets" : "payout events", 1n);
			}
		}
	}
	return tables.dump();
}

interface WaitingSet {
	readonly set: number;
	readonly part: FrozenPart;
	/** Offsets of each partition behind the set. */
	readonly to: readonly number[];
}

/** Feeds, freezes, commits, forgets and recovers as the engine does, one thing at a time. */
class SmallEngine {
	readonly tables = new Tables();
	readonly #actor: ActorCore;
	readonly #topic: readonly (readonly Message[])[];
	#incarnation = 1;
	#set = 0;
	readonly #epochs: number[] = Array(PARTITIONS).fill(1);
	readonly #expected: number[] = Array(PARTITIONS).fill(0);
	readonly #durable: number[] = Array(PARTITIONS).fill(0);
	#waiting: WaitingSet[] = [];

	constructor(topic: readonly (readonly Message[])[], storedIdsMax: number) {
		this.#topic = topic;
		const rules = { futureSkewMs: 0, latePolicy: "correct", lateAfterMs: 0 } as const;
		this.#actor = new ActorCore(
			{ shard: 0, topic: "t", rules, storedIdsMax, currentRecord: new SharedArrayBuffer(16) },
			() => 0,
		);
	}

	/** One slice with up to `counts[p]` records of each partition. */
	feed(counts: readonly number[]): void {
		const records = counts.flatMap((count, partition) => {
			const from = this.#expected[partition]!;
			const messages = this.#topic[partition]!.slice(from, from + count);
			this.#expected[partition] = from + messages.length;
			return messages.map((message, i) =>
				record({
					partition,
					epoch: this.#epochs[partition]!,
					offset: from + i,
					timestampMs: -1,
					value: bytesOf(message),
				}),
			);
		});
		this.#post({ kind: "slice", incarnation: this.#incarnation, slice: pack(records) });
	}

	freeze(): void {
		if (this.#waiting.length === 2) this.commit();
		const set = ++this.#set;
		const answer = this.#post({ kind: "freeze", incarnation: this.#incarnation, set });
		if (answer?.kind !== "frozen") throw new Error("no frozen part");
		this.#waiting.push({ set, part: answer.part, to: [...this.#expected] });
	}

	commit(): void {
		const next = this.#waiting.shift();
		if (next === undefined) return;
		const { set, part, to } = next;
		const mine = part.folds.filter(({ partition, epoch }) => epoch === this.#epochs[partition]);
		for (const fold of mine) {
			this.tables.commit(fold);
			this.#durable[fold.partition] = to[fold.partition]!;
		}
		this.#post({ kind: "stored", incarnation: this.#incarnation, set, partitions: mine });
	}

	/** The partition is claimed anew: back to what is durable, under a new epoch. */
	forget(partition: number): void {
		this.#epochs[partition]!++;
		this.#expected[partition] = this.#durable[partition]!;
		this.#post({ kind: "forget", incarnation: this.#incarnation, partitions: [partition] });
	}

	/** Step 9. `committed`: the doubtful COMMIT had reached Postgres, but nobody was told. */
	recover(committed: boolean): void {
		const doubtful = this.#waiting[0];
		if (committed && doubtful !== undefined) {
			for (const fold of doubtful.part.folds) {
				if (fold.epoch !== this.#epochs[fold.partition]) continue;
				this.tables.commit(fold);
				this.#durable[fold.partition] = doubtful.to[fold.partition]!;
			}
		}
		this.#waiting = [];
		this.#incarnation++;
		for (let partition = 0; partition < PARTITIONS; partition++) {
			this.#epochs[partition]!++;
			this.#expected[partition] = this.#durable[partition]!;
		}
		this.#post({ kind: "drop", incarnation: this.#incarnation });
	}

	finish(): void {
		this.feed(this.#topic.map(({ length }) => length));
		this.freeze();
		while (this.#waiting.length > 0) this.commit();
	}

	#post(message: ToActor): FromActor | null {
		return this.#actor.handle(message);
	}
}

type Action = (engine: SmallEngine) => void;

const action: fc.Arbitrary<Action> = fc.oneof(
	{
		weight: 6,
		arbitrary: fc.array(fc.nat(6), { minLength: PARTITIONS, maxLength: PARTITIONS }).map(
			(counts): Action =>
				(engine) =>
					engine.feed(counts),
		),
	},
	{ weight: 4, arbitrary: fc.constant<Action>((engine) => engine.freeze()) },
	{ weight: 4, arbitrary: fc.constant<Action>((engine) => engine.commit()) },
	{
		weight: 1,
		arbitrary: fc.nat(PARTITIONS - 1).map(
			(p): Action =>
				(engine) =>
					engine.forget(p),
		),
	},
	{
		weight: 1,
		arbitrary: fc.boolean().map(
			(committed): Action =>
				(engine) =>
					engine.recover(committed),
		),
	},
);

t.test("the tables are a function of the messages, whatever happens on the way", async (t) => {
	const topic = fc.array(fc.array(message, { maxLength: 40 }), {
		minLength: PARTITIONS,
		maxLength: PARTITIONS,
	});
	fc.assert(
		fc.property(topic, fc.array(action, { maxLength: 60 }), fc.nat(12), (topic, actions, storedIdsMax) => {
			const engine = new SmallEngine(topic, storedIdsMax);
			for (const act of actions) act(engine);
			engine.finish();
			const actual = engine.tables.dump();
			const expected = recomputed(topic);
			return actual.length === expected.length && actual.every((line, i) => line === expected[i]);
		}),
	);
	t.pass("rows, dead letters, hours and members were those of the messages in every run");
});
