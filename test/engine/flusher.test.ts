import t from "tap";
import { DeadlineError, FencedError } from "../../engine/core-errors.ts";
import { Credit } from "../../engine/credits.ts";
import { Flusher } from "../../engine/flusher.ts";
import { InvalidWindow } from "../../engine/invalid-window.ts";
import { Ledger } from "../../engine/ledger.ts";
import type { CommitPhases, CommitSet } from "../../engine/ports.ts";
import { fold, part } from "../support/frozen-parts.ts";
import { ManualClock } from "../support/manual-clock.ts";

const LIMITS = { flushRowsMax: 10, flushBytesMax: 1000, flushIntervalMs: 250 };
const PHASES: CommitPhases = {
	lock: 0,
	copy: 0,
	deadLetters: 0,
	members: 0,
	merge: 0,
	commit: 0,
	total: 0.01,
};

/** One actor, one partition; Postgres answers when the test says so. */
function flusherOf(creditBytes = 10_000) {
	const clock = new ManualClock();
	const ledger = new Ledger(1);
	const credit = new Credit(creditBytes);
	const happened: string[] = [];
	const commits: { set: CommitSet; answer: PromiseWithResolvers<CommitPhases> }[] = [];
	let commit: (set: number) => Promise<void> = async () => {};
	const pushed: number[] = [];
	const world = { incarnation: 1, position: 0 };
	const flusher: Flusher = new Flusher({
		ledger,
		credit,
		limits: LIMITS,
		clock,
		store: {
			commit: (set) => {
				const answer = promiseWithResolvers<CommitPhases>();
				commits.push({ set, answer });
				return answer.promise;
			},
		},
		invalid: new InvalidWindow(0.9),
		queue: (one) => {
			commit = one;
			return { push: (set) => pushed.push(set) };
		},
		calls: {
			barrier: (set) => happened.push(`barrier ${set}`),
			incarnation: () => world.incarnation,
			committed: (set, done) => happened.push(`committed ${set.set}, ${done.bytes} bytes`),
			committedLate: (set) => happened.push(`late ${set.set}`),
			failed: (reason) => happened.push(`failed ${reason}`),
			broken: (error) => happened.push(`broken ${(error as Error).message}`),
			act: () => flusher.freezeIfDue(false),
		},
	});
	const accept = (records: number, bytes = records): void => {
		const from = world.position;
		world.position += records;
		const last = { offset: from, timestampMs: 0, hash: new Uint8Array(16) };
		const first = { timestampMs: 0 };
		flusher.accept({ partition: 0, epoch: 1, from, to: world.position, records, bytes, first, last });
	};
	/** The actor's answer, with as many rows as were routed to it. */
	const answer = (set: number): void => {
		const rowCount = ledger.waiting?.records ?? 0;
		const folds = [fold({ partition: 0, rowCount })];
		flusher.frozen({ kind: "frozen", incarnation: world.incarnation, set, part: part(0, folds) });
	};
	return {
		clock,
		ledger,
		credit,
		happened,
		commits,
		pushed,
		world,
		flusher,
		accept,
		answer,
		run: () => commit,
	};
}

interface PromiseWithResolvers<T> {
	promise: Promise<T>;
	resolve: (value: T) => void;
	reject: (error: unknown) => void;
}

function promiseWithResolvers<T>(): PromiseWithResolvers<T> {
	let resolve: (value: T) => void = () => {};
	let reject: (error: unknown) => void = () => {};
	const promise = new Promise<T>((yes, no) => {
		resolve = yes;
		reject = no;
	});
	return { promise, resolve, reject };
}

t.test("a set is frozen when its rows, its bytes or its age say so", async (t) => {
	const rows = flusherOf();
	rows.accept(9);
	rows.flusher.freezeIfDue(false);
	t.same(rows.happened, []);
	rows.accept(1);
	rows.flusher.freezeIfDue(false);
	t.same(rows.happened, ["barrier 1"]);

	const bytes = flusherOf();
	bytes.accept(1, 999);
	bytes.flusher.freezeIfDue(false);
	t.same(bytes.happened, []);
	bytes.accept(1, 1);
	bytes.flusher.freezeIfDue(false);
	t.same(bytes.happened, ["barrier 1"]);

	const age = flusherOf();
	age.accept(1);
	age.clock.advance(249);
	age.flusher.freezeIfDue(false);
	t.same(age.happened, []);
	age.clock.advance(1);
	t.same(age.happened, ["barrier 1"], "by its own timer, since nobody else may come");
});

t.test("offsets without a record are due as well, after the interval", async (t) => {
	const { flusher, clock, happened } = flusherOf();
	flusher.accept({ partition: 0, epoch: 1, from: 0, to: 5, records: 0, bytes: 0, first: null, last: null });
	clock.advance(250);
	t.same(happened, ["barrier 1"]);
});

t.test("nothing open is never frozen, and sets no timer", async (t) => {
	const { flusher, clock, happened } = flusherOf();
	flusher.freezeIfDue(true);
	t.same([happened, clock.timers], [[], []]);
});

t.test("when stopping, a set is frozen however small", async (t) => {
	const { flusher, accept, happened } = flusherOf();
	accept(1);
	flusher.freezeIfDue(true);
	t.same(happened, ["barrier 1"]);
});

t.test("a set that opens under an older timer is frozen at its own age, not before", async (t) => {
	const { clock, accept, answer, run, commits, flusher, happened } = flusherOf();
	accept(10);
	flusher.freezeIfDue(false);
	answer(1);
	const committing = run()(1);
	commits[0]!.answer.resolve(PHASES);
	await committing;
	clock.advance(200);
	accept(1);
	clock.advance(50);
	t.equal(happened.length, 2, "the old timer fires when the new set is 50 ms old");
	clock.advance(199);
	t.equal(happened.length, 2);
	clock.advance(1);
	t.same(happened, ["barrier 1", "committed 1, 10 bytes", "barrier 2"]);
});

t.test("at most one set waits; the next is frozen as soon as it has gone to COMMIT", async (t) => {
	const { accept, answer, run, flusher, happened, pushed, commits } = flusherOf();
	accept(10);
	flusher.freezeIfDue(false);
	accept(10);
	flusher.freezeIfDue(false);
	flusher.freezeIfDue(true);
	t.same(happened, ["barrier 1"]);
	t.same(pushed, [], "the writer hears of it when every actor has answered");
	answer(1);
	t.same(pushed, [1]);
	void run()(1);
	t.same(happened, ["barrier 1", "barrier 2"], "while the first one is being written");
	t.match(commits, [{ set: { set: 1 } }]);
});

t.test(
	"while another set is written, one grows for up to a second, and is frozen when that is done",
	async (t) => {
		for (const grownMs of [999, 1_000]) {
			const { clock, accept, answer, run, commits, flusher, happened } = flusherOf();
			accept(10);
			flusher.freezeIfDue(false);
			answer(1);
			const committing = run()(1);
			accept(1);
			clock.advance(grownMs);
			const isLong = grownMs === 1_000;
			t.same(happened, isLong ? ["barrier 1", "barrier 2"] : ["barrier 1"], `${grownMs} ms`);
			commits[0]!.answer.resolve(PHASES);
			await committing;
			const order = isLong ? ["barrier 2", "committed 1, 10 bytes"] : ["committed 1, 10 bytes", "barrier 2"];
			t.same(happened, ["barrier 1", ...order]);
		}
	},
);

t.test(
	"events are gathered for twice as long as the steps of any set took, and for a second at most",
	async (t) => {
		for (const [seconds, gatheredMs] of [
			[0.1, 250],
			[0.2, 400],
			[20, 1_000],
		] as const) {
			const { clock, accept, answer, run, commits, flusher, happened } = flusherOf();
			accept(10);
			flusher.freezeIfDue(false);
			answer(1);
			const committing = run()(1);
			// What grows with a set says nothing: faster events would be gathered for longer, and so on.
			const ofAnySet = { lock: seconds * 0.5, merge: seconds * 0.2, commit: seconds * 0.3 };
			commits[0]!.answer.resolve({ ...PHASES, ...ofAnySet, copy: 0.4, members: 0.4, total: seconds + 0.8 });
			await committing;
			accept(1);
			clock.advance(gatheredMs - 1);
			t.equal(happened.at(-1), "committed 1, 10 bytes", `${seconds} s`);
			clock.advance(1);
			t.equal(happened.at(-1), "barrier 2", `${seconds} s`);
			accept(10);
		}
	},
);

t.test("the credit comes back with the commit, and not before", async (t) => {
	const { accept, answer, run, flusher, happened, credit, commits, ledger } = flusherOf();
	accept(10, 700);
	flusher.freezeIfDue(false);
	accept(1, 30);
	answer(1);
	const committing = run()(1);
	t.equal(credit.bytes, 730);
	commits[0]!.answer.resolve(PHASES);
	await committing;
	t.equal(credit.bytes, 30);
	t.same(happened, ["barrier 1", "committed 1, 700 bytes"]);
	t.equal(ledger.committing, null);
});

t.test("a fence and any other failure are told apart, and nothing is given back by them", async (t) => {
	for (const [error, reason] of [
		[new FencedError("somebody else"), "failed fenced"],
		[Object.assign(new Error("gone"), { code: "57P01" }), "failed flush_failed"],
	] as const) {
		const { accept, answer, run, flusher, happened, commits, credit } = flusherOf();
		accept(10);
		flusher.freezeIfDue(false);
		answer(1);
		const committing = run()(1);
		commits[0]!.answer.reject(error);
		await committing;
		t.same(happened, ["barrier 1", reason]);
		t.equal(credit.bytes, 10, "the recovery that follows clears the account");
	}
});

t.test("records that were routed and never folded fail the flush before Postgres is asked", async (t) => {
	const { accept, flusher, run, commits, happened } = flusherOf();
	accept(10);
	flusher.freezeIfDue(false);
	const folds = [fold({ partition: 0, rowCount: 9 })];
	flusher.frozen({ kind: "frozen", incarnation: 1, set: 1, part: part(0, folds) });
	await run()(1);
	t.same(commits, []);
	t.same(happened, ["barrier 1", "failed flush_failed"]);
});

t.test("a recovery drops everything; a commit answered after it is late, a failure is no news", async (t) => {
	for (const isStored of [true, false]) {
		const { accept, answer, run, flusher, happened, commits, credit, world, ledger } = flusherOf();
		accept(10);
		flusher.freezeIfDue(false);
		answer(1);
		const committing = run()(1);
		accept(3);
		world.incarnation++;
		t.equal(flusher.drop(), 13);
		t.equal(credit.bytes, 0);
		t.ok(ledger.idle);
		accept(2);
		if (isStored) commits[0]!.answer.resolve(PHASES);
		else commits[0]!.answer.reject(new Error("connection closed"));
		await committing;
		t.same(happened, isStored ? ["barrier 1", "late 1"] : ["barrier 1"]);
		t.equal(credit.bytes, 2, "what was read after it is charged in full");
	}
});

t.test("a commit of an older incarnation is late even when its set is still there", async (t) => {
	const { accept, answer, run, flusher, happened, commits, world } = flusherOf();
	accept(10);
	flusher.freezeIfDue(false);
	answer(1);
	const committing = run()(1);
	world.incarnation++;
	commits[0]!.answer.resolve(PHASES);
	await committing;
	t.same(happened, ["barrier 1", "late 1"]);
});

t.test("a set that was dropped before its turn is not written", async (t) => {
	const { accept, answer, run, flusher, commits, happened } = flusherOf();
	accept(10);
	flusher.freezeIfDue(false);
	answer(1);
	flusher.drop();
	await run()(1);
	t.same(commits, []);
	t.same(happened, ["barrier 1"]);
});

t.test("an answer to a barrier that is over moves nothing", async (t) => {
	const { accept, answer, flusher, pushed } = flusherOf();
	accept(10);
	flusher.freezeIfDue(false);
	flusher.drop();
	answer(1);
	t.same(pushed, []);
});

t.test("forgotten partitions give their bytes back at once", async (t) => {
	const { accept, flusher, credit, ledger } = flusherOf();
	accept(5, 50);
	flusher.forget([0]);
	t.equal(credit.bytes, 0);
	t.ok(ledger.idle);
});

t.test(
	"a set that Postgres could not finish in time makes the next ones smaller, a quick one larger again",
	async (t) => {
		const { accept, answer, run, flusher, commits, credit, world } = flusherOf(1_000_000);
		accept(1, 400_000);
		flusher.freezeIfDue(true);
		answer(1);
		const failing = run()(1);
		commits[0]!.answer.reject(new DeadlineError("COPY events", 30_000));
		await failing;
		t.equal(credit.bytesMax, 200_000);
		flusher.drop();
		world.incarnation++;
		accept(1, 10);
		flusher.freezeIfDue(true);
		answer(2);
		const passing = run()(2);
		commits[1]!.answer.resolve({ ...PHASES, total: 10 });
		await passing;
		t.equal(credit.bytesMax, 200_000, "it took long");
		accept(1, 10);
		flusher.freezeIfDue(true);
		answer(3);
		const quick = run()(3);
		commits[2]!.answer.resolve(PHASES);
		await quick;
		t.equal(credit.bytesMax, 400_000);
	},
);

t.test("a set that passes the limit of bad messages is not written", async (t) => {
	const { accept, run, flusher, commits, happened } = flusherOf();
	accept(20_000);
	flusher.freezeIfDue(true);
	const bad = fold({ partition: 0, deadLetterCount: 20_000 });
	flusher.frozen({ kind: "frozen", incarnation: 1, set: 1, part: part(0, [bad]) });
	await run()(1);
	t.same(commits, []);
	t.same(happened, ["barrier 1", "failed flush_failed"]);
});
