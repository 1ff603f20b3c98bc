import assert from "node:assert/strict";
import fc from "fast-check";
import t from "tap";
import { Assignment, type OwnedPartition } from "../../engine/assignment.ts";
import { Intake } from "../../engine/intake.ts";
import type { Accepted } from "../../engine/ledger.ts";
import type { RecordIdentity } from "../../engine/ports.ts";
import { identityOf, Router } from "../../engine/router.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { seedProperties } from "../support/property-seed.ts";
import { ArrayCursor, batchOf, type CursorRecord, recordsFrom } from "../support/record-cursor.ts";
import { unpack } from "../support/slices.ts";

seedProperties(t, 300);

const LIMITS = { sliceBytesMax: 4096, sliceDelayMs: 5, recordOverheadBytes: 64 };

/** Partition 0, claimed under epoch 4 at `nextOffset`; what happens is noted as short lines. */
function intakeAt(nextOffset: number, last: RecordIdentity | null = null) {
	const assignment = new Assignment();
	assignment.join([0]);
	const owned = assignment.get(0)!;
	owned.enter("claiming");
	owned.adopt({
		partition: 0,
		epoch: 4,
		nextOffset,
		last,
		newestEventMs: null,
		recent: { records: 0, deadLetters: 0, atMs: 0 },
	});
	const routed: number[] = [];
	const router = new Router(1, LIMITS, new ManualClock(), (_, slice) => {
		for (const { offset } of unpack(slice)) routed.push(offset);
	});
	const accepted: Accepted[] = [];
	const trouble: string[] = [];
	const world = { cut: null as number | null };
	const intake = new Intake({
		assignment,
		router,
		accept: (one) => accepted.push(one),
		trouble: {
			seek: (one: OwnedPartition) => trouble.push(`seek ${one.position}`),
			positionLost: (one: OwnedPartition) => trouble.push(`lost ${one.position}`),
			recreated: (_, found) => trouble.push(`recreated ${found.offset}`),
			unreadable: (one, reason) => trouble.push(`unreadable ${one.position}: ${reason}`),
			unverified: (_, offset) => trouble.push(`unverified ${offset}`),
		},
		cut: () => world.cut,
	});
	const offsets = (): number[] => {
		router.flush();
		return routed;
	};
	return { assignment, owned, intake, accepted, trouble, offsets, world };
}

function identityAt(offset: number, fields: Partial<CursorRecord> = {}): RecordIdentity {
	const cursor = new ArrayCursor([{ offset, ...fields }]);
	cursor.next();
	return identityOf(cursor);
}

t.test("a batch at the position is routed, moves the position and is resolved, once", async (t) => {
	const { intake, owned, accepted, offsets } = intakeAt(5);
	const batch = batchOf(0, 5, recordsFrom(5, 8));
	t.match(intake.batch(batch), { records: 3 });
	t.equal(owned.expected, 8);
	t.equal(batch.resolved, 1);
	t.match(accepted, [{ partition: 0, epoch: 4, from: 5, to: 8, records: 3, last: { offset: 7 } }]);
	t.same(offsets(), [5, 6, 7]);
});

t.test("a batch that cannot be read is told, at the position only, and moves nothing", async (t) => {
	const { intake, owned, accepted, trouble } = intakeAt(5);
	const batch = { ...batchOf(0, 5, []), unreadable: "broken" };
	t.equal(intake.batch(batch), null);
	t.same([trouble, accepted, owned.expected], [["unreadable 5: broken"], [], 5]);
	t.equal(intake.batch({ ...batch, fetchedOffset: 9 }), null);
	t.same(trouble.slice(1), ["seek 5"], "one from elsewhere says nothing about our position");
	owned.unreadable = 2;
	intake.batch(batchOf(0, 5, recordsFrom(5, 8)));
	t.equal(owned.unreadable, 0, "what was read at last is forgotten");
});

t.test("gaps within and behind a batch belong to its range", async (t) => {
	const { intake, owned, accepted } = intakeAt(5);
	intake.batch(batchOf(0, 5, [{ offset: 6 }, { offset: 9 }], 12));
	t.match(accepted, [{ from: 5, to: 12, records: 2, last: { offset: 9 } }]);
	t.equal(owned.expected, 12);
});

for (const [name, fetchedOffset] of [
	["stale", 2],
	["repeated", 5],
	["jumping", 9],
] as const) {
	t.test(`a ${name} batch is dropped: no record, no resolve, one seek`, async (t) => {
		const { intake, owned, accepted, trouble, offsets } = intakeAt(5);
		intake.batch(batchOf(0, 5, recordsFrom(5, 8)));
		const batch = batchOf(0, fetchedOffset, recordsFrom(fetchedOffset, fetchedOffset + 3));
		t.equal(intake.batch(batch), null);
		t.equal(batch.resolved, 0);
		t.equal(owned.expected, 8);
		t.equal(accepted.length, 1);
		t.same(offsets(), [5, 6, 7]);
		t.same(trouble, ["seek 8"]);
	});
}

t.test("the second mismatch in a row is reported, and no seek is tried again", async (t) => {
	const { intake, trouble } = intakeAt(5);
	for (let i = 0; i < 3; i++) intake.batch(batchOf(0, 9, recordsFrom(9, 10)));
	t.same(trouble, ["seek 5", "lost 5", "lost 5"]);
});

t.test("an accepted batch or gap ends the row of mismatches", async (t) => {
	const { intake, trouble } = intakeAt(5);
	const wrong = () => intake.batch(batchOf(0, 99, recordsFrom(99, 100)));
	wrong();
	intake.batch(batchOf(0, 5, recordsFrom(5, 6)));
	wrong();
	intake.skipped(0, 6, 6);
	wrong();
	t.same(trouble, ["seek 5", "seek 6", "seek 7"]);
});

t.test(
	"a partition that is not ours, or not claimed, or halted, accepts nothing and asks for nothing",
	async (t) => {
		const { assignment, owned, intake, accepted, trouble, offsets } = intakeAt(5);
		const other = batchOf(1, 5, recordsFrom(5, 6));
		t.equal(intake.batch(other), null);
		intake.skipped(1, 5, 6);
		owned.enter("halted");
		const halted = batchOf(0, 5, recordsFrom(5, 6));
		t.equal(intake.batch(halted), null);
		intake.skipped(0, 5, 6);
		owned.release();
		t.equal(intake.batch(halted), null, "while joining");
		owned.enter("claiming");
		t.equal(intake.batch(halted), null, "while the claim is under way");
		assignment.join([]);
		t.equal(intake.batch(halted), null, "when it was lost");
		t.same([accepted, trouble, offsets()], [[], [], []]);
		t.equal(other.resolved + halted.resolved, 0);
	},
);

t.test("a fetch without a record at the position is a gap, and is accepted without records", async (t) => {
	const { intake, owned, accepted } = intakeAt(5);
	intake.skipped(0, 5, 9);
	t.equal(owned.expected, 10);
	t.match(accepted, [{ epoch: 4, from: 5, to: 10, records: 0, bytes: 0, first: null, last: null }]);
	intake.skipped(0, 10, 10);
	t.equal(owned.expected, 11, "a compacted tail moves by one offset at a time");
	t.match(accepted[1], { from: 10, to: 11, records: 0 });
});

t.test("a gap that was not fetched from the position is a mismatch like any other", async (t) => {
	for (const [fetched, last] of [
		[4, 9],
		[6, 9],
		[9, 9],
	] as const) {
		const { intake, owned, accepted, trouble } = intakeAt(5);
		intake.skipped(0, fetched, last);
		t.equal(owned.expected, 5, `${fetched} to ${last}`);
		intake.skipped(0, fetched, last);
		t.same([accepted, trouble], [[], ["seek 5", "lost 5"]]);
	}
});

t.test("the read-back accepts the record that was counted, and does not count it again", async (t) => {
	const { intake, owned, accepted, trouble, offsets } = intakeAt(5, identityAt(4));
	t.equal(owned.phase, "verifying");
	const batch = batchOf(0, 4, recordsFrom(4, 8));
	t.match(intake.batch(batch), { records: 3 });
	t.equal(owned.phase, "running");
	t.equal(owned.position, 8);
	t.match(accepted, [{ from: 5, to: 8, records: 3 }]);
	t.same(offsets(), [5, 6, 7]);
	t.same(trouble, []);
	t.equal(batch.resolved, 1);
});

t.test("a read-back alone in its batch moves nothing, and the next batch is at the position", async (t) => {
	const { intake, owned, accepted } = intakeAt(5, identityAt(4));
	t.match(intake.batch(batchOf(0, 4, recordsFrom(4, 5))), { records: 0 });
	t.equal(owned.phase, "running");
	t.same(accepted, [], "an empty range is not noted");
	t.match(intake.batch(batchOf(0, 5, recordsFrom(5, 6))), { records: 1 });
});

t.test("a read-back that ends below what was counted never moves the position backwards", async (t) => {
	const { intake, owned, accepted, trouble } = intakeAt(9, identityAt(4));
	t.match(intake.batch(batchOf(0, 4, recordsFrom(4, 5))), { records: 0 });
	t.equal(owned.expected, 9);
	t.same(accepted, []);
	t.equal(intake.batch(batchOf(0, 5, recordsFrom(9, 10))), null, "the consumer went on behind it");
	t.same(trouble, ["seek 9"]);
	t.match(intake.batch(batchOf(0, 9, recordsFrom(9, 10))), { records: 1 });
});

t.test("records below and above what was counted in one batch: only those above are counted", async (t) => {
	const { intake, accepted, offsets } = intakeAt(7, identityAt(4));
	intake.batch(batchOf(0, 4, [{ offset: 4 }, { offset: 6 }, { offset: 7 }, { offset: 10 }], 12));
	t.match(accepted, [{ from: 7, to: 12, records: 2 }]);
	t.same(offsets(), [7, 10]);
});

t.test("a record that is gone is reported, and nothing of the batch is lost", async (t) => {
	const { intake, owned, accepted, trouble, offsets } = intakeAt(5, identityAt(4));
	t.match(intake.batch(batchOf(0, 4, recordsFrom(6, 8))), { records: 2 });
	t.same(trouble, ["unverified 4"]);
	t.equal(owned.phase, "running");
	t.match(accepted, [{ from: 5, to: 8, records: 2 }]);
	t.same(offsets(), [6, 7]);
});

for (const [name, fields] of [
	["value", { value: "another" }],
	["key", { key: "another" }],
	["timestamp", { timestampMs: 1 }],
] as const) {
	t.test(`another ${name} at the same offset is a topic made anew: nothing is accepted`, async (t) => {
		const { intake, owned, accepted, trouble, offsets } = intakeAt(5, identityAt(4));
		const batch = batchOf(0, 4, [{ offset: 4, ...fields }, { offset: 5 }]);
		t.equal(intake.batch(batch), null);
		t.same(trouble, ["recreated 4"]);
		t.equal(owned.expected, 5);
		t.equal(batch.resolved, 0);
		t.same([accepted, offsets()], [[], []]);
		t.equal(owned.phase, "verifying", "to halt it is the supervisor's part");
	});
}

t.test("a gap where the record was: it is gone, and the position moves over it", async (t) => {
	const { intake, owned, accepted, trouble } = intakeAt(5, identityAt(4));
	intake.skipped(0, 4, 6);
	t.same(trouble, ["unverified 4"]);
	t.equal(owned.phase, "running");
	t.match(accepted, [{ from: 5, to: 7, records: 0 }], "offset 4 was counted long ago");
	const later = intakeAt(9, identityAt(4));
	later.intake.skipped(0, 4, 6);
	t.equal(later.owned.expected, 9, "never backwards");
	t.same(later.accepted, []);
});

t.test(
	"a mismatch before the read-back asks for the record to be verified, not for the next one",
	async (t) => {
		const { intake, trouble, owned } = intakeAt(5, identityAt(4));
		t.equal(intake.batch(batchOf(0, 5, recordsFrom(5, 6))), null);
		t.same(trouble, ["seek 4"]);
		t.equal(owned.phase, "verifying");
	},
);

t.test(
	"whatever a confused consumer delivers, every record is accepted once, in order, without a hole",
	async (t) => {
		const log = fc.array(fc.boolean(), { minLength: 1, maxLength: 30 });
		const delivery = fc.record({
			at: fc.nat(35),
			length: fc.integer({ min: 1, max: 8 }),
			isRight: fc.boolean(),
		});
		fc.assert(
			fc.property(log, fc.array(delivery, { maxLength: 40 }), (log, deliveries) => {
				const { intake, owned, accepted, offsets } = intakeAt(0);
				for (const { at, length, isRight } of deliveries) {
					const from = isRight ? owned.position : at;
					const to = Math.min(from + length, log.length);
					if (from >= to) continue;
					const records = recordsFrom(from, to).filter(({ offset }) => log[offset]);
					if (records.length > 0) intake.batch(batchOf(0, from, records, to));
					else intake.skipped(0, from, to - 1);
				}
				let position = 0;
				for (const { from, to, records } of accepted) {
					assert.equal(from, position);
					assert.equal(records, log.slice(from, to).filter(Boolean).length);
					position = to;
				}
				assert.equal(position, owned.expected);
				const below = recordsFrom(0, position).filter(({ offset }) => log[offset]);
				assert.deepEqual(
					offsets(),
					below.map(({ offset }) => offset),
				);
			}),
		);
		t.pass("all deliveries held");
	},
);

t.test("a batch is cut where a suspect must come alone, and the rest is asked for again", async (t) => {
	const { intake, owned, accepted, trouble, offsets, world } = intakeAt(5);
	const batch = batchOf(0, 5, recordsFrom(5, 10));
	world.cut = 7;
	t.match(intake.batch(batch), { records: 2 });
	t.same([owned.expected, batch.resolved, trouble], [7, 0, ["seek 7"]]);
	world.cut = 8;
	intake.batch(batchOf(0, 7, recordsFrom(7, 10)));
	world.cut = null;
	intake.batch(batchOf(0, 8, recordsFrom(8, 10)));
	t.same(
		accepted.map(({ from, to, records, last }) => [from, to, records, last?.offset]),
		[
			[5, 7, 2, 6],
			[7, 8, 1, 7],
			[8, 10, 2, 9],
		],
	);
	t.same(offsets(), [5, 6, 7, 8, 9]);
	t.same(accepted[0]?.last, identityAt(6), "the identity is that of the last record routed");
});

t.test("a cut behind the batch changes nothing", async (t) => {
	const { intake, owned, world } = intakeAt(5);
	world.cut = 8;
	const batch = batchOf(0, 5, recordsFrom(5, 8));
	intake.batch(batch);
	t.same([owned.expected, batch.resolved], [8, 1]);
});
