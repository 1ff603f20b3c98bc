/** Stages of an actor: from a slice to rows, hours and distinct ids. */
import { EVENT_TYPES } from "../../schema/event.ts";
import { checkEventTime } from "../../schema/time.ts";
import { createValidator } from "../../schema/validate.ts";
import { RowEncoder } from "../../workers/copy-rows.ts";
import { ActorCore } from "../../workers/core.ts";
import { EventJudge } from "../../workers/event-judge.ts";
import { createFoldedEvent, type FoldedEvent } from "../../workers/folded-event.ts";
import { Members } from "../../workers/members.ts";
import type { ActorSettings, EventTimeRules } from "../../workers/messages.ts";
import { type FrozenPart, WINDOW, WINDOW_STRIDE } from "../../workers/part.ts";
import { type PackedSlice, SliceReader } from "../../workers/slice.ts";
import { StoredIds } from "../../workers/stored-ids.ts";
import { hourOf, Windows } from "../../workers/windows.ts";
import { ACTORS, LIMITS, PARTITIONS } from "./corpus.ts";
import type { Micro, Round } from "./micro.ts";
import { forEachEvent, NearEvents } from "./scanned.ts";

const LOGIN = EVENT_TYPES.indexOf("login");
const RULES: EventTimeRules = { futureSkewMs: 86_400_000, latePolicy: "correct", lateAfterMs: 86_400_000 };
/** A set holds so many of one actor. */
const SET_EVENTS = LIMITS.flushRowsMax / ACTORS;
const STORED_IDS_MAX = 1_000_000;
/** Acknowledgements come so many sets later: one is being written and one waits. */
const SETS_BEHIND = 2;
/** Sets of a few thousand events in a round of one stage. */
const REPEATS = 64;

export const PARSE: Micro = {
	name: "parse",
	thread: "actors",
	about:
		"bytes of a value to the fields of an event, by the scanner; the rare rest by JSON.parse and the schema",
	prepare: ({ events, cents, slices }) => ({
		events,
		expected: cents + events,
		run() {
			let sum = 0;
			for (const of of slices) {
				forEachEvent(of, (event) => {
					sum += event.cents < 0 ? 1 : event.cents + 1;
				});
			}
			return sum;
		},
	}),
};

export const JUDGE: Micro = {
	name: "judge",
	thread: "actors",
	about:
		"the same by JSON.parse and the schema alone: what an event costs that the scanner leaves; no part of the sum",
	prepare: ({ events, cents, slices }) => {
		const judge = new EventJudge(createValidator());
		const event = createFoldedEvent();
		return {
			events,
			expected: cents + events,
			run() {
				let sum = 0;
				for (const slice of slices.flat()) {
					const reader = new SliceReader(slice);
					judge.open(reader.values);
					while (reader.next()) {
						if (judge.judge(reader.valueStart, reader.valueEnd, event) !== null) continue;
						sum += event.cents < 0 ? 1 : event.cents + 1;
					}
				}
				return sum;
			},
		};
	},
};

export const VALIDATE: Micro = {
	name: "validate",
	thread: "actors",
	about: "the time of an event against that of its record; the rest of the contract is part of parse",
	prepare: ({ slices }) =>
		nearRound(slices[0]!, () => ({
			take: ({ seconds, micros }, { timestampMs }) =>
				checkEventTime(seconds, micros, timestampMs, RULES) === null ? 1 : 0,
			end: () => 0,
		})),
};

export const FOLD: Micro = {
	name: "fold",
	thread: "actors",
	about: "an event into the totals of its hour",
	prepare: ({ slices }) =>
		nearRound(slices[0]!, () => {
			const windows = new Windows();
			return {
				take({ seconds, typeIndex, cents }) {
					windows.add(hourOf(seconds), typeIndex, cents);
					return 0;
				},
				end() {
					const rows = windows.freeze();
					let counted = 0;
					for (let at = 0; at < rows.length; at += WINDOW_STRIDE) counted += rows[at + WINDOW.eventCount]!;
					return counted;
				},
			};
		}),
};

export const ENCODE: Micro = {
	name: "encode",
	thread: "actors",
	about: "an event into a row of COPY binary",
	prepare: ({ slices }) =>
		nearRound(slices[0]!, () => {
			const encoder = new RowEncoder(1);
			return {
				take(event, { offset }) {
					encoder.add(event, offset);
					return 0;
				},
				end: () => encoder.take().reduce((bytes, chunk) => bytes + chunk.length, 0),
			};
		}),
};

/** A stage that takes one event after the other. */
interface Taker {
	take(event: FoldedEvent, record: { offset: number; timestampMs: number }): number;
	/** At the end of a set. */
	end(): number;
}

/** The same few events again and again; what they come to the first time is expected each time. */
function nearRound(slices: readonly PackedSlice[], create: () => Taker): Round {
	const near = new NearEvents(slices);
	const event = createFoldedEvent();
	const record = { offset: 0, timestampMs: 0 };
	const taker = create();
	const run = () => {
		let sum = 0;
		for (let repeat = 0; repeat < REPEATS; repeat++) {
			for (let i = 0; i < near.count; i++) {
				near.load(i, event, record);
				sum += taker.take(event, record);
			}
			sum += taker.end();
		}
		return sum;
	};
	return { events: near.count * REPEATS, expected: run(), run };
}

export const MEMBERS: Micro = {
	name: "members",
	thread: "actors",
	about:
		"distinct users and sessions: known ones passed over, new ones noted, columns of a set, acknowledgement",
	prepare({ events, slices }) {
		const near = slices.map((of) => columnsOf(of));
		const pairs = near.map(distinctPairs).reduce((sum, count) => sum + count, 0);
		return {
			events,
			expected: pairs,
			run: () => near.map(membersOf).reduce((sum, count) => sum + count, 0),
		};
	},
};

interface Columns {
	readonly count: number;
	readonly hours: Int32Array;
	readonly partitions: Uint8Array;
	/** -1: no login. */
	readonly sessions: Float64Array;
	/** Users end to end. */
	readonly users: Uint8Array;
	/** `starts[i + 1]` is where user `i` ends. */
	readonly starts: Int32Array;
}

function columnsOf(slices: readonly PackedSlice[]): Columns {
	const count = slices.reduce((sum, slice) => sum + slice.count, 0);
	const columns = {
		count,
		hours: new Int32Array(count),
		partitions: new Uint8Array(count),
		sessions: new Float64Array(count),
		starts: new Int32Array(count + 1),
	};
	const users: Buffer[] = [];
	let at = 0;
	let end = 0;
	forEachEvent(slices, (event, _, partition) => {
		columns.hours[at] = hourOf(event.seconds);
		columns.partitions[at] = partition;
		columns.sessions[at] = event.typeIndex === LOGIN ? event.sessionId : -1;
		users.push(Buffer.from(event.user.subarray(event.userStart, event.userEnd)));
		columns.starts[at] = end;
		end += event.userEnd - event.userStart;
		at++;
	});
	columns.starts[at] = end;
	return { ...columns, users: Buffer.concat(users) };
}

function distinctPairs({ count, hours, sessions, users, starts }: Columns): number {
	const pairs = new Set<string>();
	for (let i = 0; i < count; i++) {
		pairs.add(`${hours[i]} user ${Buffer.from(users.subarray(starts[i]!, starts[i + 1]!))}`);
		if (sessions[i]! >= 0) pairs.add(`${hours[i]} session ${sessions[i]}`);
	}
	return pairs.size;
}

function membersOf({ count, hours, partitions, sessions, users, starts }: Columns): number {
	const stored = new StoredIds(STORED_IDS_MAX);
	const open = () => Array.from({ length: PARTITIONS }, () => new Members(stored));
	const waiting: Members[][] = [];
	let set = open();
	const freeze = () => {
		for (const members of set) {
			members.userColumns();
			members.sessionColumns();
		}
		waiting.push(set);
		set = open();
		if (waiting.length > SETS_BEHIND) for (const members of waiting.shift()!) members.store();
	};
	for (let i = 0; i < count; i++) {
		const members = set[partitions[i]!]!;
		members.addUser(hours[i]!, users, starts[i]!, starts[i + 1]!);
		if (sessions[i]! >= 0) members.addSession(hours[i]!, sessions[i]!);
		if ((i + 1) % SET_EVENTS === 0) freeze();
	}
	freeze();
	for (const set of waiting) for (const members of set) members.store();
	return stored.size;
}

export const ACTOR: Micro = {
	name: "actor",
	thread: "actors",
	about: "the whole of an actor: slices, freezes and acknowledgements; compare with the sum of its stages",
	prepare({ events, slices }) {
		// Once each: a new one compiles the schema.
		const actors = slices.map((of) => ({ actor: new LoneActor(), of }));
		return {
			events,
			expected: events,
			run: () => actors.reduce((sum, { actor, of }) => sum + actor.foldAll(of, () => undefined), 0),
		};
	},
};

/** An actor with a supervisor that does nothing else. */
export class LoneActor {
	readonly #core: ActorCore;
	#incarnation = 0;
	#set = 0;
	#rows = 0;

	constructor() {
		const settings: ActorSettings = {
			shard: 0,
			topic: "micro",
			rules: RULES,
			storedIdsMax: STORED_IDS_MAX,
			currentRecord: new SharedArrayBuffer(16),
		};
		this.#core = new ActorCore(settings, () => performance.now());
	}

	/** Begins anew and folds the slices; `take` gets the part of each set. Gives the number of rows. */
	foldAll(slices: readonly PackedSlice[], take: (part: FrozenPart) => void): number {
		const core = this.#core;
		const incarnation = ++this.#incarnation;
		core.handle({ kind: "drop", incarnation });
		this.#rows = 0;
		let open = 0;
		for (const slice of slices) {
			core.handle({ kind: "slice", incarnation, slice });
			open += slice.count;
			if (open < SET_EVENTS) continue;
			this.#freeze(take);
			open = 0;
		}
		this.#freeze(take);
		return this.#rows;
	}

	#freeze(take: (part: FrozenPart) => void): void {
		const incarnation = this.#incarnation;
		const set = ++this.#set;
		const answer = this.#core.handle({ kind: "freeze", incarnation, set });
		if (answer?.kind !== "frozen") throw new Error("an actor gave no part");
		for (const fold of answer.part.folds) this.#rows += fold.rowCount;
		take(answer.part);
		this.#core.handle({ kind: "stored", incarnation, set: set - SETS_BEHIND, partitions: ALL_PARTITIONS });
	}
}

const ALL_PARTITIONS = Array.from({ length: PARTITIONS }, (_, partition) => ({ partition, epoch: 1 }));
