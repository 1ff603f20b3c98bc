import t from "tap";
import { createFoldedEvent, USER_TAIL_BYTES } from "../../workers/folded-event.ts";
import { LATE_AGES } from "../../workers/part.ts";
import { PartitionState } from "../../workers/partition-state.ts";
import { StoredIds } from "../../workers/stored-ids.ts";

/** Late counts of one event that is `behindSeconds` behind its record; a null record has no timestamp. */
function lateOf(behindSeconds: number | null): readonly number[] {
	const state = new PartitionState("topic", { partition: 0, epoch: 1 }, new StoredIds(10));
	const user = new Uint8Array(1 + USER_TAIL_BYTES).fill(0x75);
	const event = { ...createFoldedEvent(), user, userEnd: 1, seconds: 1_000_000 };
	state.addEvent(event, 0, behindSeconds === null ? -1 : (event.seconds + behindSeconds) * 1000);
	return state.freeze().late;
}

t.test("an event is late from an hour behind its record on", async (t) => {
	t.same(lateOf(3_599), [0, 0, 0, 0]);
	t.same(lateOf(3_600), [1, 0, 0, 0]);
	t.same(lateOf(-3_600), [0, 0, 0, 0]);
});

t.test("a late event is counted once, under the greatest age it reached", async (t) => {
	for (const [index, { fromSeconds }] of LATE_AGES.entries()) {
		const expected = LATE_AGES.map((_, other) => (other === index ? 1 : 0));
		t.same(lateOf(fromSeconds), expected);
		t.same(lateOf(fromSeconds + 1), expected);
	}
});

t.test("without a record timestamp nobody can say how late an event is", async (t) => {
	t.same(lateOf(null), [0, 0, 0, 0]);
});
