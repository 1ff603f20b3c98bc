import { setImmediate as nextTurn } from "node:timers/promises";
import t from "tap";
import { Assignment } from "../../engine/assignment.ts";
import { Claimer } from "../../engine/claimer.ts";
import type { Claim, Watermarks } from "../../engine/ports.ts";

interface Asked {
	readonly lows: ReadonlyMap<number, number>;
	readonly answer: (claims: readonly Claim[]) => void;
	readonly fail: (error: unknown) => void;
}

const LOGS = new Map([0, 1, 2].map((partition) => [partition, { low: 10 * partition, high: 100 }]));

function claimerOf(partitions: readonly number[], logs: ReadonlyMap<number, Watermarks>[] = [LOGS]) {
	const assignment = new Assignment();
	assignment.join(partitions);
	const happened: string[] = [];
	const asked: Asked[] = [];
	const world = { incarnation: 1 };
	const readings = [...logs];
	const claimer: Claimer = new Claimer({
		assignment,
		source: { watermarks: async () => (readings.length > 1 ? readings.shift()! : readings[0]!) },
		store: {
			claim: (lows) =>
				new Promise((answer, fail) => {
					asked.push({ lows, answer, fail });
				}),
		},
		calls: {
			incarnation: () => world.incarnation,
			claimed: (owned, claim, judgement) => {
				happened.push(`claimed ${owned.partition} at ${claim.nextOffset}: ${judgement.kind}`);
				owned.adopt(claim);
			},
			done: () => happened.push("done"),
			failed: (error) => happened.push(`failed: ${(error as Error).message}`),
			act: () => happened.push("act"),
		},
	});
	return { assignment, claimer, happened, asked, world };
}

const claim = (partition: number, nextOffset = 50): Claim => {
	return {
		partition,
		epoch: 2,
		nextOffset,
		last: null,
		newestEventMs: null,
		recent: { records: 0, deadLetters: 0, atMs: 0 },
	};
};

t.test("everything that waits is claimed in one transaction, with the starts of its logs", async (t) => {
	const { assignment, claimer, happened, asked } = claimerOf([2, 0]);
	claimer.startIfDue();
	t.ok(claimer.underWay);
	t.same(
		assignment.all().map(({ phase }) => phase),
		["claiming", "claiming"],
	);
	await nextTurn();
	t.same(
		[...asked[0]!.lows],
		[
			[0, 0],
			[2, 20],
		],
		"a partition never seen starts at its log's start, never at its end",
	);
	asked[0]!.answer([claim(0), claim(2, 60)]);
	await nextTurn();
	t.same(happened, ["claimed 0 at 50: go", "claimed 2 at 60: go", "done", "act"]);
	t.notOk(claimer.underWay);
});

t.test("one claim is under way at a time; what comes meanwhile waits for the next", async (t) => {
	const { assignment, claimer, asked } = claimerOf([0]);
	claimer.startIfDue();
	assignment.join([0, 1]);
	claimer.startIfDue();
	await nextTurn();
	t.equal(asked.length, 1);
	asked[0]!.answer([claim(0)]);
	await nextTurn();
	claimer.startIfDue();
	await nextTurn();
	t.same([...asked[1]!.lows.keys()], [0, 1]);
});

t.test("nothing is asked when nothing waits", async (t) => {
	const { claimer, happened, asked } = claimerOf([]);
	claimer.startIfDue();
	await nextTurn();
	t.notOk(claimer.underWay);
	t.same([asked, happened], [[], []]);
});

t.test("an answer to an older assignment is ignored: the partition is claimed again", async (t) => {
	const { assignment, claimer, happened, asked } = claimerOf([0, 1]);
	claimer.startIfDue();
	await nextTurn();
	assignment.join([1]);
	assignment.join([0, 1]);
	asked[0]!.answer([claim(0), claim(1)]);
	await nextTurn();
	t.same(happened, ["act"]);
	t.same(
		assignment.joining().map(({ partition }) => partition),
		[0, 1],
	);
	claimer.startIfDue();
	await nextTurn();
	assignment.join([0, 1]);
	claimer.startIfDue();
	asked[1]!.answer([claim(0)]);
	await nextTurn();
	t.same(happened, ["act", "act"], "nor does an answer count for the object that replaced it");
});

t.test("an answer or a failure of an older incarnation is ignored", async (t) => {
	for (const isAnswered of [true, false]) {
		const { assignment, claimer, happened, asked, world } = claimerOf([0]);
		claimer.startIfDue();
		await nextTurn();
		world.incarnation++;
		assignment.get(0)!.release();
		if (isAnswered) asked[0]!.answer([claim(0)]);
		else asked[0]!.fail(new Error("connection thrown away"));
		await nextTurn();
		t.same(happened, ["act"], "so that the next claim starts");
		t.notOk(claimer.underWay);
		t.equal(assignment.get(0)?.phase, "joining");
	}
});

t.test("a failure is reported once, and the claimer can start again", async (t) => {
	const { assignment, claimer, happened, asked } = claimerOf([0]);
	claimer.startIfDue();
	await nextTurn();
	asked[0]!.fail(new Error("no connection"));
	await nextTurn();
	t.same(happened, ["failed: no connection", "act"]);
	assignment.get(0)!.release();
	claimer.startIfDue();
	await nextTurn();
	t.equal(asked.length, 2);
});

t.test("a partition whose log Kafka does not know yet is no partition that starts at 0", async (t) => {
	const { claimer, happened, asked } = claimerOf([0, 7]);
	claimer.startIfDue();
	await nextTurn();
	t.same(asked, []);
	t.same(happened, ["failed: Kafka does not know the log of partition 7 yet", "act"]);
});

t.test("a row is judged by watermarks read after the claim: another engine may have gone on", async (t) => {
	const later = new Map([[0, { low: 0, high: 200 }]]);
	const { claimer, happened, asked } = claimerOf([0], [LOGS, later]);
	claimer.startIfDue();
	await nextTurn();
	asked[0]!.answer([claim(0, 150)]);
	await nextTurn();
	t.same(happened, ["claimed 0 at 150: go", "done", "act"]);
});

t.test("an offset outside of the log is handed over as a halt", async (t) => {
	const { claimer, happened, asked } = claimerOf([0]);
	claimer.startIfDue();
	await nextTurn();
	asked[0]!.answer([claim(0, 101)]);
	await nextTurn();
	t.equal(happened[0], "claimed 0 at 101: halt");
});
