import t from "tap";
import { InvalidWindow } from "../../engine/invalid-window.ts";
import type { Claim, CommitSet } from "../../engine/ports.ts";
import { fold, part } from "../support/frozen-parts.ts";

/** A set of one partition or more: good and bad records of each. */
function setOf(counts: Record<number, readonly [good: number, bad: number]>): CommitSet {
	const folds = Object.entries(counts).map(([partition, [good, bad]]) =>
		fold({ partition: Number(partition), rowCount: good, deadLetterCount: bad }),
	);
	return { set: 1, ranges: [], parts: [part(0, folds)] };
}

function claim(partition: number, records: number, deadLetters: number, atMs: number): Claim {
	const recent = { records, deadLetters, atMs };
	return { partition, epoch: 1, nextOffset: 0, last: null, newestEventMs: null, recent };
}

function pass(window: InvalidWindow, set: CommitSet) {
	const recent = window.judge(set);
	window.committed(set);
	return recent;
}

t.test("fewer than 10,000 messages are never judged", async (t) => {
	const window = new InvalidWindow(0.9);
	t.doesNotThrow(() => pass(window, setOf({ 0: [0, 9_999] })));
	t.throws(() => window.judge(setOf({ 0: [0, 1] })), { code: "TOO_MUCH_BAD_INPUT", exitCode: 65 });
});

t.test("exactly the allowed share is allowed, one more is not", async (t) => {
	t.doesNotThrow(() => new InvalidWindow(0.9).judge(setOf({ 0: [1_000, 9_000] })));
	t.throws(() => new InvalidWindow(0.9).judge(setOf({ 0: [999, 9_001] })));
	t.doesNotThrow(() => new InvalidWindow(1).judge(setOf({ 0: [0, 50_000] })));
	t.throws(() => new InvalidWindow(0).judge(setOf({ 0: [9_999, 1] })));
});

t.test("what is not committed does not count", async (t) => {
	const window = new InvalidWindow(0.9);
	pass(window, setOf({ 0: [0, 6_000] }));
	window.judge(setOf({ 0: [0, 3_000] }));
	window.judge(setOf({ 0: [0, 3_000] }));
	t.same(window.counts, { records: 6_000, deadLetters: 6_000 });
});

t.test("old messages leave the window, so that a flood that is over is forgotten", async (t) => {
	const window = new InvalidWindow(0.5);
	pass(window, setOf({ 0: [5_000, 4_900] }));
	for (let i = 0; i < 12; i++) pass(window, setOf({ 0: [1_000, 0] }));
	t.same(window.counts, { records: 10_000, deadLetters: 0 });
});

t.test("a flood after good times trips within the window", async (t) => {
	const window = new InvalidWindow(0.5);
	for (let i = 0; i < 100; i++) pass(window, setOf({ 0: [1_000, 0] }));
	let bad = 0;
	t.throws(() => {
		for (; bad < 20_000; bad += 500) pass(window, setOf({ 0: [0, 500] }));
	});
	t.ok(bad >= 5_000 && bad < 6_500, `after ${bad}`);
});

t.test("many small sets are kept as few buckets, and none is forgotten", async (t) => {
	const window = new InvalidWindow(1);
	for (let i = 0; i < 9_000; i++) pass(window, setOf({ [i % 3]: [1, i % 2] }));
	t.ok(window.counts.records >= 10_000 && window.counts.records < 12_000, String(window.counts.records));
});

t.test("what is stored with the offsets is each partition's share of the window", async (t) => {
	const window = new InvalidWindow(0.9);
	pass(window, setOf({ 0: [10, 1], 1: [5, 5] }));
	const recent = window.judge(setOf({ 0: [1, 1] }));
	t.same(Object.fromEntries(recent), {
		0: { records: 13, deadLetters: 2 },
		1: { records: 10, deadLetters: 5 },
	});
});

t.test("an engine that is started again goes on with what the rows say, and trips at once", async (t) => {
	const window = new InvalidWindow(0.9);
	window.adopt([claim(0, 6_000, 6_000, 1), claim(1, 3_900, 3_900, 2), claim(2, 0, 0, 3)]);
	t.same(window.counts, { records: 9_900, deadLetters: 9_900 });
	t.throws(() => window.judge(setOf({ 2: [0, 100] })));
});

t.test("shares of long ago are the first to leave", async (t) => {
	const window = new InvalidWindow(0.1);
	window.adopt([claim(0, 10_000, 0, 200), claim(1, 8_000, 8_000, 100)]);
	t.same(window.counts, { records: 10_000, deadLetters: 0 });
});

t.test("a partition claimed again is not counted twice", async (t) => {
	const window = new InvalidWindow(0.9);
	pass(window, setOf({ 0: [100, 50], 1: [7, 0] }));
	window.adopt([claim(0, 150, 50, 1)]);
	t.same(window.counts, { records: 157, deadLetters: 50 });
});
