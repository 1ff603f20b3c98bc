import t from "tap";
import type { PendingSet } from "../../engine/ledger.ts";
import type { CommitPhases, CommitSet } from "../../engine/ports.ts";
import { newestEventMsOf, Tally } from "../../engine/tally.ts";
import { fold, part, windowsOf } from "../support/frozen-parts.ts";
import { ManualClock } from "../support/manual-clock.ts";

const PHASES: CommitPhases = {
	lock: 0,
	copy: 0,
	deadLetters: 0,
	members: 0,
	merge: 0,
	commit: 0,
	total: 0.25,
};

const SET: CommitSet = {
	set: 1,
	ranges: [],
	parts: [
		part(
			0,
			[
				fold({
					partition: 0,
					rowCount: 3,
					deadLetterCount: 2,
					eventTypes: [1, 0, 2, 0, 0],
					late: [1, 0, 0, 2],
					reasons: { "decode/json": 1, "decode/utf8": 1 },
					windows: windowsOf([
						{ hour: 5, revenueLo: 1200, payoutLo: 7 },
						{ hour: 6, revenueHi: 1 },
					]),
				}),
			],
			100,
		),
		part(
			1,
			[
				fold({
					partition: 0,
					rowCount: 1,
					deadLetterCount: 1,
					eventTypes: [0, 0, 1, 0, 0],
					late: [0, 0, 1, 3],
					reasons: { "decode/json": 1 },
					windows: windowsOf([{ hour: 6, revenueLo: 34 }]),
				}),
			],
			50,
		),
	],
};

function doneWith(range: {
	records: number;
	firstTimestampMs: number | null;
	lastTimestampMs: number | null;
}): PendingSet {
	const { records, firstTimestampMs, lastTimestampMs } = range;
	const last =
		lastTimestampMs === null ? null : { offset: 0, timestampMs: lastTimestampMs, hash: new Uint8Array(16) };
	const ranges = new Map([
		[0, { partition: 0, epoch: 1, from: 0, to: 10, records, bytes: 0, firstTimestampMs, last }],
	]);
	return { set: 1, openedAtMs: 0, records, bytes: 0, ranges };
}

t.test("a commit is added up over its parts", async (t) => {
	const tally = new Tally(new ManualClock());
	t.same(tally.committed(SET, null, PHASES), {
		stored: 4,
		deadLetters: { "decode/json": 2, "decode/utf8": 1 },
		eventTypes: [1, 0, 3, 0, 0],
		lateByAge: { "1h": 1, "24h": 0, "7d": 1, "30d": 5 },
		revenueCents: 2 ** 52 + 1234,
		payoutCents: 7,
		rows: 7,
		bytes: 150,
		phasesSeconds: PHASES,
		endToEndSeconds: [],
	});
	t.equal(tally.lastHours, 2, "an hour of two parts is one hour");
});

t.test("totals grow with every commit", async (t) => {
	const tally = new Tally(new ManualClock());
	tally.committed(SET, null, PHASES);
	tally.committed(SET, null, PHASES);
	t.match(tally, {
		stored: 8,
		deadLetters: 6,
		deadLettersByReason: { "decode/json": 4, "decode/utf8": 2 },
	});
});

t.test("the last flush is told for people, and a commit ends the failures", async (t) => {
	const clock = new ManualClock();
	const tally = new Tally(clock);
	t.match(tally.flushStatus(0), { commits: 0, lastCommitAtMs: null, lastDurationMs: null, lastRows: null });
	tally.flushFailed(new Error("first"));
	tally.flushFailed(new Error("no connection"));
	t.match(tally.flushStatus(2), { queueDepth: 2, failures: 2, lastError: "no connection" });
	clock.advance(10);
	tally.committed(SET, null, PHASES);
	t.same(tally.flushStatus(0), {
		queueDepth: 0,
		lastCommitAtMs: clock.nowMs(),
		lastDurationMs: 250,
		lastRows: 7,
		commits: 1,
		failures: 0,
		lastError: null,
	});
	t.equal(tally.startedAtMs, clock.nowMs() - 10);
});

t.test("end to end: the first and the last record of a partition stand for half of it each", async (t) => {
	const clock = new ManualClock();
	const now = clock.nowMs();
	const samples = (records: number, first: number | null, last: number | null) =>
		new Tally(clock).committed(
			SET,
			doneWith({ records, firstTimestampMs: first, lastTimestampMs: last }),
			PHASES,
		).endToEndSeconds;
	t.same(samples(5, now - 2000, now - 500), [
		[2, 3],
		[0.5, 2],
	]);
	t.same(samples(1, now - 2000, now - 2000), [[2, 1]], "a single record is counted once");
	t.same(samples(0, null, null), [], "a gap has no sample");
	t.same(samples(4, -1, -1), [], "nor has a record without a timestamp");
	t.same(samples(1, now + 9000, now + 9000), [[0, 1]], "a producer's clock may be ahead");
});

t.test("the newest event of a partition is found over all parts; dead letters have none", async (t) => {
	const parts = [
		part(0, [
			fold({ partition: 0, rowCount: 1, newestEventSeconds: 5 }),
			fold({ partition: 1, rowCount: 1, newestEventSeconds: -3 }),
		]),
		part(1, [
			fold({ partition: 0, rowCount: 1, newestEventSeconds: 9 }),
			fold({ partition: 2, deadLetterCount: 4 }),
		]),
	];
	t.same(
		[...newestEventMsOf({ set: 1, ranges: [], parts })],
		[
			[0, 9000],
			[1, -3000],
		],
	);
});
