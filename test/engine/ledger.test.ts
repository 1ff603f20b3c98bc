import t from "tap";
import { BrokenPartitionError } from "../../engine/core-errors.ts";
import { type Accepted, Ledger } from "../../engine/ledger.ts";
import { fold, part } from "../support/frozen-parts.ts";

/** Of partition 0: only that one is halted. */
const BUG = { code: "INVARIANT", partition: 0 };

/** `[from, to)` of partition 0 with a record at every offset, unless told. */
function accepted(from: number, to: number, fields: Partial<Accepted> = {}): Accepted {
	const records = fields.records ?? to - from;
	return {
		partition: 0,
		epoch: 1,
		from,
		to,
		records,
		bytes: 10 * records,
		first: records === 0 ? null : { timestampMs: 1000 + from },
		last: records === 0 ? null : { offset: to - 1, timestampMs: 1000 + to - 1, hash: new Uint8Array(16) },
		...fields,
	};
}

t.test("a set opens with its first offsets, and covers what follows", async (t) => {
	const ledger = new Ledger(1);
	t.ok(ledger.idle);
	ledger.accept(accepted(5, 8), 77);
	ledger.accept(accepted(8, 10), 99);
	t.match(ledger.open, { set: 1, openedAtMs: 77, records: 5, bytes: 50 });
	t.match(ledger.open?.ranges.get(0), {
		from: 5,
		to: 10,
		records: 5,
		firstTimestampMs: 1005,
		last: { offset: 9 },
	});
	t.notOk(ledger.idle);
});

t.test("offsets that do not follow are our bug, and nothing is taken over from them", async (t) => {
	const ledger = new Ledger(1);
	ledger.accept(accepted(5, 8), 0);
	for (const [from, to] of [
		[9, 10],
		[7, 9],
		[5, 8],
	]) {
		t.throws(() => ledger.accept(accepted(from!, to!), 0), BUG, `${from}.. does not follow 8`);
	}
	t.throws(() => ledger.accept(accepted(8, 9, { epoch: 2 }), 0), BUG, "nor does another epoch");
	t.match(ledger.open, { records: 3, bytes: 30 });
});

t.test("a gap moves the range, without a record and without forgetting the last one", async (t) => {
	const ledger = new Ledger(1);
	ledger.accept(accepted(0, 4, { records: 0 }), 0);
	ledger.accept(accepted(4, 6), 0);
	ledger.accept(accepted(6, 9, { records: 0 }), 0);
	ledger.freeze();
	ledger.part(1, part(0, [fold({ partition: 0, rowCount: 2 })]));
	t.match(ledger.take(1, 0)?.ranges, [
		{ from: 0, to: 9, records: 2, gaps: 7, firstTimestampMs: 1004, last: { offset: 5 } },
	]);
});

t.test("a set of gaps alone is committed too: the offsets have moved", async (t) => {
	const ledger = new Ledger(1);
	ledger.accept(accepted(0, 4, { records: 0 }), 0);
	ledger.freeze();
	ledger.part(1, part(0));
	t.match(ledger.take(1, 0)?.ranges, [{ from: 0, to: 4, records: 0, gaps: 4, last: null }]);
});

t.test("at most one set waits; the open one grows meanwhile", async (t) => {
	const ledger = new Ledger(1);
	t.equal(ledger.freeze(), null, "nothing to freeze");
	ledger.accept(accepted(0, 1), 0);
	t.equal(ledger.freeze()?.set, 1);
	ledger.accept(accepted(1, 2), 0);
	t.equal(ledger.freeze(), null, "the place is taken");
	ledger.accept(accepted(2, 3), 0);
	t.match(ledger.open, { set: 2, records: 2 });
	ledger.part(1, part(0, [fold({ partition: 0, rowCount: 1 })]));
	t.ok(ledger.take(1, 0));
	t.equal(ledger.freeze()?.set, 2, "a set in COMMIT leaves it free");
});

t.test("a set is complete when every actor has answered its barrier, in any order", async (t) => {
	const ledger = new Ledger(3);
	ledger.accept(accepted(0, 2), 0);
	ledger.freeze();
	const one = [fold({ partition: 0, rowCount: 1 })];
	t.notOk(ledger.part(1, part(2, one)));
	t.equal(ledger.take(1, 0), null, "two are missing");
	t.notOk(ledger.part(1, part(2, one)), "the same actor twice does not stand for another");
	t.notOk(ledger.part(1, part(0, one)));
	t.ok(ledger.part(1, part(1)));
	t.same(
		ledger.take(1, 0)?.parts.map(({ shard }) => shard),
		[0, 1, 2],
	);
});

t.test("an answer to another barrier is dropped", async (t) => {
	const ledger = new Ledger(1);
	t.notOk(ledger.part(1, part(0)), "nothing was asked");
	ledger.accept(accepted(0, 1), 0);
	t.notOk(ledger.part(1, part(0)), "the open set has no barrier yet");
	ledger.freeze();
	ledger.drop();
	t.notOk(ledger.part(1, part(0)), "its set was dropped");
	ledger.accept(accepted(0, 1), 0);
	ledger.freeze();
	t.notOk(ledger.part(1, part(0)), "and its number is not used again");
	t.ok(ledger.part(2, part(0)));
});

t.test("one set is in COMMIT at a time, and only the waiting one is taken", async (t) => {
	const ledger = new Ledger(1);
	const next = (from: number): void => {
		ledger.accept(accepted(from, from + 1), 0);
		const frozen = ledger.freeze()!;
		ledger.part(frozen.set, part(0, [fold({ partition: 0, rowCount: 1 })]));
	};
	next(0);
	t.equal(ledger.take(2, 0), null);
	t.ok(ledger.take(1, 0));
	t.equal(ledger.take(1, 0), null, "it is not there any more");
	next(1);
	t.equal(ledger.take(2, 0), null, "the first one is still in COMMIT");
	t.equal(ledger.committed(2), null);
	t.match(ledger.committed(1), { set: 1, records: 1, bytes: 10 });
	t.equal(ledger.committed(1), null, "an answer counts once");
	t.ok(ledger.take(2, 0));
});

t.test("folds that the set does not cover are left out: another partition, another epoch", async (t) => {
	const ledger = new Ledger(2);
	ledger.accept(accepted(0, 3, { epoch: 5 }), 0);
	ledger.freeze();
	const mine = fold({ partition: 0, epoch: 5, rowCount: 2, deadLetterCount: 1 });
	ledger.part(1, part(0, [fold({ partition: 0, epoch: 4, rowCount: 9 }), mine]));
	ledger.part(1, part(1, [fold({ partition: 1, epoch: 5, rowCount: 9 })]));
	t.same(
		ledger.take(1, 0)?.parts.map(({ folds }) => folds),
		[[mine], []],
	);
});

t.test("every routed record is one row or one dead letter; otherwise nothing is committed", async (t) => {
	for (const [rowCount, deadLetterCount] of [
		[2, 0],
		[2, 2],
		[0, 0],
	]) {
		const ledger = new Ledger(1);
		ledger.accept(accepted(0, 3), 0);
		ledger.freeze();
		ledger.part(1, part(0, [fold({ partition: 0, rowCount: rowCount!, deadLetterCount: deadLetterCount! })]));
		t.throws(
			() => ledger.take(1, 0),
			new BrokenPartitionError(0, `3 records were routed for set 1, ${rowCount! + deadLetterCount!} folded`),
		);
	}
});

t.test("the count is compared per partition: one too many does not make up for one too few", async (t) => {
	const ledger = new Ledger(1);
	ledger.accept(accepted(0, 2), 0);
	ledger.accept(accepted(0, 2, { partition: 1 }), 0);
	ledger.freeze();
	ledger.part(1, part(0, [fold({ partition: 0, rowCount: 1 }), fold({ partition: 1, rowCount: 3 })]));
	t.throws(() => ledger.take(1, 0), BUG);
});

t.test("ranges come in the order in which rows are locked everywhere", async (t) => {
	const ledger = new Ledger(1);
	for (const partition of [10, 9, 1]) ledger.accept(accepted(0, 1, { partition }), 0);
	ledger.freeze();
	ledger.part(
		1,
		part(
			0,
			[1, 9, 10].map((partition) => fold({ partition, rowCount: 1 })),
		),
	);
	t.same(
		ledger.take(1, 0)?.ranges.map(({ partition }) => partition),
		[1, 9, 10],
	);
});

t.test("a forgotten partition leaves the open and the waiting set, never the one in COMMIT", async (t) => {
	const ledger = new Ledger(1);
	const both = (from: number): void => {
		ledger.accept(accepted(from, from + 1), 0);
		ledger.accept(accepted(from, from + 2, { partition: 1 }), 0);
	};
	const answer = (set: number): boolean =>
		ledger.part(set, part(0, [fold({ partition: 0, rowCount: 1 }), fold({ partition: 1, rowCount: 2 })]));
	both(0);
	ledger.freeze();
	answer(1);
	const inCommit = ledger.take(1, 0);
	both(2);
	ledger.freeze();
	both(4);
	t.equal(ledger.forget([1, 7]), 2 * 20, "its bytes in the waiting and in the open set");
	t.equal(inCommit?.ranges.length, 2);
	t.match(ledger.committing, { records: 3, bytes: 30 });
	t.match(ledger.waiting, { records: 1, bytes: 10 });
	t.match(ledger.open, { records: 1, bytes: 10 });
	t.equal(ledger.committed(1)?.bytes, 30);
	answer(2);
	t.match(ledger.take(2, 0), { ranges: [{ partition: 0 }], parts: [{ folds: [{ partition: 0 }] }] });
});

t.test("an open set with nothing left in it is gone; a waiting one still answers its barrier", async (t) => {
	const ledger = new Ledger(1);
	ledger.accept(accepted(0, 1), 0);
	ledger.freeze();
	ledger.accept(accepted(1, 2), 0);
	ledger.forget([0]);
	t.equal(ledger.open, null);
	t.ok(ledger.part(1, part(0, [fold({ partition: 0, rowCount: 1 })])));
	t.same(ledger.take(1, 0), { set: 1, ranges: [], parts: [{ shard: 0, folds: [], byteLength: 0 }] });
	ledger.committed(1);
	t.ok(ledger.idle);
});

t.test("a partition that is claimed anew goes on in the same set under its new epoch", async (t) => {
	const ledger = new Ledger(1);
	ledger.accept(accepted(0, 1, { partition: 1 }), 0);
	ledger.accept(accepted(5, 8), 0);
	ledger.forget([0]);
	ledger.accept(accepted(2, 4, { epoch: 2 }), 0);
	t.match(ledger.open, { set: 1, records: 3, bytes: 30 });
	t.match(ledger.open?.ranges.get(0), { from: 2, to: 4, epoch: 2 });
});

t.test("a recovery drops all three sets and says how many records will be read again", async (t) => {
	const ledger = new Ledger(1);
	for (let from = 0; from < 3; from++) {
		ledger.accept(accepted(from, from + 1), 0);
		if (from === 2) break;
		const frozen = ledger.freeze()!;
		ledger.part(frozen.set, part(0, [fold({ partition: 0, rowCount: 1 })]));
		if (from === 0) ledger.take(1, 0);
	}
	t.equal(ledger.pendingRecords, 3);
	t.equal(ledger.drop(), 3);
	t.ok(ledger.idle);
	t.equal(ledger.committed(1), null, "a late COMMIT finds nothing to settle");
	t.equal(ledger.drop(), 0);
});

t.test("the oldest record that is not stored is found wherever it is", async (t) => {
	const ledger = new Ledger(1);
	t.equal(ledger.oldestPendingMs(0), null);
	ledger.accept(accepted(0, 1, { records: 0 }), 0);
	t.equal(ledger.oldestPendingMs(0), null, "a gap has no age");
	ledger.accept(accepted(1, 2), 0);
	ledger.freeze();
	ledger.part(1, part(0, [fold({ partition: 0, rowCount: 1 })]));
	ledger.take(1, 0);
	ledger.accept(accepted(2, 3), 0);
	t.equal(ledger.oldestPendingMs(0), 1001, "in COMMIT");
	ledger.committed(1);
	t.equal(ledger.oldestPendingMs(0), 1002, "in the open set");
	t.equal(ledger.oldestPendingMs(1), null);
});
