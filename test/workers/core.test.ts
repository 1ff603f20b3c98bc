import t from "tap";
import { ActorCore } from "../../workers/core.ts";
import type { ActorSettings, FromActor, ToActor } from "../../workers/messages.ts";
import { type FrozenPart, type PartitionFold, WINDOW } from "../../workers/part.ts";
import { int8, readElements, readTuples, text } from "../support/copy-reader.ts";
import { pack, record, type TestRecord } from "../support/slices.ts";

const SETTINGS: ActorSettings = {
	shard: 3,
	topic: "user_events",
	rules: { futureSkewMs: 86_400_000, latePolicy: "correct", lateAfterMs: 3_600_000 },
	storedIdsMax: 1000,
	currentRecord: new SharedArrayBuffer(16),
};
const RECORD_MS = Date.UTC(2025, 5, 1, 16);

const login = (user: string, session = 1, time = "2025-06-01T15:14:00") =>
	JSON.stringify({ event_type: "login", event_time: time, payload: { user_id: user, session_id: session } });

/** An actor on a clock that moves 5 ms per look, with the messages in short. */
class Actor {
	readonly #core: ActorCore;
	#nowMs = 0;

	constructor(settings: Partial<ActorSettings> = {}) {
		this.#core = new ActorCore({ ...SETTINGS, ...settings }, () => {
			this.#nowMs += 5;
			return this.#nowMs;
		});
	}

	handle(message: ToActor): FromActor | null {
		return this.#core.handle(message);
	}

	/** Folds values at offsets 0, 1, 2 ... of partition 0 under claim 1, unless told otherwise. */
	fold(values: readonly unknown[], fields: Partial<TestRecord> = {}, incarnation = 1): FromActor | null {
		const records = values.map((value, offset) =>
			record({ offset, timestampMs: RECORD_MS, ...fields, value: value as string }),
		);
		return this.handle({ kind: "slice", incarnation, slice: pack(records) });
	}

	freeze(set: number, incarnation = 1): FrozenPart {
		const answer = this.handle({ kind: "freeze", incarnation, set });
		if (answer?.kind !== "frozen") throw new Error(`answered ${answer?.kind}`);
		return answer.part;
	}

	stored(set: number, partitions = [{ partition: 0, epoch: 1 }], incarnation = 1): void {
		this.handle({ kind: "stored", incarnation, set, partitions });
	}

	get storedIds(): number {
		return this.#core.storedIds;
	}

	get awaitingSets(): number {
		return this.#core.awaitingSets;
	}
}

const offsets = (fold: PartitionFold | undefined) =>
	readTuples(fold?.rows ?? []).map((row) => Number(int8(row[6]!)));
const users = (part: FrozenPart) =>
	part.folds.flatMap((fold) => readElements(fold.users.ids).map((id) => text(id))).sort();
const reasonsOf = (fold: PartitionFold | undefined) =>
	readTuples(fold?.deadLetters ?? []).map((row) => text(row[8]!));

t.test("every record ends as exactly one row or one dead letter", async (t) => {
	const actor = new Actor();
	const answer = actor.fold([
		login("a"),
		null,
		"",
		"{",
		Uint8Array.of(0xff),
		"{}",
		login("a", 1, "2025-06-01T24:00:00"),
		login("b"),
	]);
	t.match(answer, { kind: "folded", incarnation: 1, busyMs: 5 });
	const part = actor.freeze(1);
	t.equal(part.shard, 3);
	const [fold] = part.folds;
	t.match(fold, { partition: 0, epoch: 1, rowCount: 2, deadLetterCount: 6 });
	t.same(offsets(fold), [0, 7]);
	t.same(reasonsOf(fold), ["null_value", "empty_value", "json", "utf8", "schema", "event_time"]);
	t.same(fold?.reasons, {
		"decode/null_value": 1,
		"decode/empty_value": 1,
		"decode/json": 1,
		"decode/utf8": 1,
		"validate/schema": 1,
		"validate/event_time": 1,
	});
	t.same(fold?.eventTypes, [2, 0, 0, 0, 0]);
	t.equal(fold?.newestEventSeconds, Date.UTC(2025, 5, 1, 15, 14) / 1000);
});

t.test("the charge of a slice comes back with its fold", async (t) => {
	const slice = pack([record({ value: login("a") })]);
	const answer = new Actor().handle({ kind: "slice", incarnation: 1, slice });
	t.match(answer, { kind: "folded", byteLength: slice.byteLength });
});

t.test("a freeze answers with what was folded since the last one, and the next set is empty", async (t) => {
	const actor = new Actor();
	actor.fold([login("a")], { partition: 4, epoch: 9 });
	const part = actor.freeze(1);
	t.match(part.folds, [{ partition: 4, epoch: 9, rowCount: 1 }]);
	const [fold] = part.folds;
	const buffers = [
		...fold!.rows,
		fold!.windows,
		fold!.users.hours,
		fold!.users.ids,
		fold!.sessions.hours,
		fold!.sessions.ids,
	];
	t.equal(
		part.byteLength,
		buffers.reduce((sum, { buffer }) => sum + buffer.byteLength, 0),
		"the bytes of all buffers",
	);
	t.same(actor.freeze(2), { shard: 3, folds: [], byteLength: 0 });
	actor.fold([login("a")], { partition: 4, epoch: 9 });
	t.equal(actor.freeze(3).folds[0]?.windows[WINDOW.loginCount], 1, "deltas do not carry over");
});

t.test("the same partition under two claims is kept apart", async (t) => {
	const actor = new Actor();
	actor.fold([login("a")], { epoch: 1 });
	actor.fold([login("a"), login("b")], { epoch: 2 });
	t.same(
		actor.freeze(1).folds.map(({ epoch, rowCount }) => [epoch, rowCount]),
		[
			[1, 1],
			[2, 2],
		],
	);
});

t.test("forget drops partitions, whatever their epoch, in the open set and in those that wait", async (t) => {
	const actor = new Actor();
	actor.fold([login("waiting")], { partition: 1 });
	actor.fold([login("kept")], { partition: 2 });
	actor.freeze(1);
	actor.fold([login("open")], { partition: 1, epoch: 1 });
	actor.fold([login("open")], { partition: 1, epoch: 2 });
	actor.fold([login("kept2")], { partition: 2 });
	actor.handle({ kind: "forget", incarnation: 1, partitions: [1, 99] });
	t.same(users(actor.freeze(2)), ["kept2"]);
	const both = [
		{ partition: 1, epoch: 1 },
		{ partition: 2, epoch: 1 },
	];
	actor.stored(1, both);
	t.equal(actor.storedIds, 2, "only the user and the session of partition 2");
});

t.test("an id is told until its set is stored, and never afterwards", async (t) => {
	const actor = new Actor();
	const told = (set: number) => {
		actor.fold([login("a")]);
		return users(actor.freeze(set));
	};
	t.same(told(1), ["a"]);
	t.same(told(2), ["a"], "set 1 is not stored yet, and may never be");
	actor.stored(1, [{ partition: 0, epoch: 2 }]);
	t.same(told(3), ["a"], "stored for another claim");
	actor.stored(2);
	t.same(told(4), []);
	t.equal(actor.awaitingSets, 2, "3 and 4");
	actor.stored(4);
	t.equal(actor.awaitingSets, 0, "sets are committed in order: nothing older can follow");
});

t.test("what one partition stored, another need not tell", async (t) => {
	const actor = new Actor();
	actor.fold([login("a")], { partition: 1 });
	actor.freeze(1);
	actor.stored(1, [{ partition: 1, epoch: 1 }]);
	actor.fold([login("a"), login("b")], { partition: 2 });
	t.same(users(actor.freeze(2)), ["b"]);
});

t.test("drop empties everything, the stored ids too, and takes the new incarnation", async (t) => {
	const actor = new Actor();
	actor.fold([login("a")]);
	actor.freeze(1);
	actor.stored(1);
	actor.fold([login("b")]);
	actor.freeze(2);
	actor.fold([login("c")]);
	actor.handle({ kind: "drop", incarnation: 2 });
	t.equal(actor.storedIds, 0);
	t.equal(actor.awaitingSets, 0);
	t.same(actor.freeze(3, 2).folds, []);
	actor.fold([login("a")], {}, 2);
	t.same(users(actor.freeze(4, 2)), ["a"], "Postgres may have been restored: tell it again");
});

t.test("stale messages change nothing, and a stale slice still gives its credit back", async (t) => {
	const actor = new Actor();
	actor.handle({ kind: "drop", incarnation: 5 });
	actor.fold([login("a")], {}, 5);
	const stale = actor.fold([login("b")], {}, 4);
	t.match(stale, { kind: "folded", incarnation: 4, busyMs: 0 });
	t.ok(stale?.kind === "folded" && stale.byteLength > 0);
	t.equal(actor.handle({ kind: "freeze", incarnation: 4, set: 1 }), null);
	actor.handle({ kind: "forget", incarnation: 4, partitions: [0] });
	actor.handle({ kind: "drop", incarnation: 4 });
	t.same(users(actor.freeze(2, 5)), ["a"]);
	actor.stored(2, [{ partition: 0, epoch: 1 }], 4);
	t.equal(actor.storedIds, 0);
	actor.stored(2, [{ partition: 0, epoch: 1 }], 5);
	t.equal(actor.storedIds, 2);
});

t.test("a new incarnation without a drop is a bug, and is not lived with", async (t) => {
	const actor = new Actor();
	actor.fold([login("a")], {}, 7);
	t.throws(() => actor.freeze(1, 8), /without a drop/);
});

t.test("a slice whose runs do not fit its records is a bug, and is not lived with", async (t) => {
	const slice = pack([record({ value: login("a") }), record({ value: login("b") })]);
	for (const count of [1, 3]) {
		const runs = [{ partition: 0, epoch: 1, count }];
		t.throws(() => new Actor().handle({ kind: "slice", incarnation: 1, slice: { ...slice, runs } }), /bug/);
	}
});

t.test("events are judged against their record's timestamp", async (t) => {
	const rules = { futureSkewMs: 60_000, latePolicy: "dead-letter", lateAfterMs: 60_000 } as const;
	const actor = new Actor({ rules });
	actor.fold(
		["15:58:59", "15:59:00", "16:01:00", "16:01:01"].map((time) => login("a", 1, `2025-06-01T${time}`)),
	);
	const [fold] = actor.freeze(1).folds;
	t.same(offsets(fold), [1, 2]);
	t.same(reasonsOf(fold), ["late_event", "future_event"]);
	actor.fold([login("a", 1, "2125-06-01T00:00:00")], { timestampMs: -1 });
	t.equal(actor.freeze(2).folds[0]?.rowCount, 1, "without a timestamp nothing can be judged");
});

t.test("condemned records become dead letters whatever they hold, also after a drop", async (t) => {
	const actor = new Actor();
	actor.handle({
		kind: "care",
		suspects: [],
		condemned: [
			{ partition: 0, offset: 1, reason: "pg_value", detail: "22003 numeric overflow" },
			{ partition: 0, offset: 3, reason: "actor_crash", detail: "twice" },
		],
	});
	actor.handle({ kind: "drop", incarnation: 2 });
	actor.fold([login("a"), login("b"), "{", null, "", login("c")], {}, 2);
	const [fold] = actor.freeze(1, 2).folds;
	t.same(offsets(fold), [0, 5]);
	t.same(reasonsOf(fold), ["pg_value", "json", "actor_crash", "empty_value"]);
	t.same(users({ shard: 0, folds: [fold!], byteLength: 0 }), ["a", "c"], "its user was never active");
	actor.handle({ kind: "care", condemned: [], suspects: [] });
	actor.fold([login("a"), login("b")], {}, 2);
	t.equal(actor.freeze(2, 2).folds[0]?.rowCount, 2);
});

t.test("in suspect mode a thread that dies leaves behind which record it held", async (t) => {
	const currentRecord = new SharedArrayBuffer(16);
	const actor = new Actor({ currentRecord });
	actor.handle({ kind: "care", condemned: [], suspects: [{ partition: 6, from: 0, to: 50 }] });
	actor.fold([login("a"), "{", login("b")], { partition: 6 });
	t.same([...new Float64Array(currentRecord)], [-1, -1], "nobody is suspect between slices");
	const [fold] = actor.freeze(1).folds;
	t.same([fold?.rowCount, fold?.deadLetterCount], [2, 1], "and the result is the same");
	const slice = pack([record({ partition: 6, offset: 41, value: login("a") })]);
	const runs = [{ partition: 6, epoch: 1, count: 2 }];
	t.throws(() => actor.handle({ kind: "slice", incarnation: 1, slice: { ...slice, runs } }));
	t.same([...new Float64Array(currentRecord)], [6, 41]);
});
