import t from "tap";
import { WINDOW_MAX, WorthAsking } from "../../workers/worth-asking.ts";

const SHARES = 8_000;
/** More than a decision takes. */
const MANY = 40_000;

/** Of the next shares, how many ask. */
function asking(worth: WorthAsking): number {
	return Array.from({ length: SHARES }, () => worth.next()).filter((weight) => weight > 0).length;
}

/** A stream of pairs that never came again, so far. */
function inVain(): WorthAsking {
	const worth = new WorthAsking(WINDOW_MAX);
	worth.learn(0, MANY);
	return worth;
}

t.test("a stream that has shown nothing yet is asked about", async (t) => {
	const worth = new WorthAsking(WINDOW_MAX);
	t.equal(worth.next(), 1);
	worth.learn(0, 30_000);
	t.equal(asking(worth), SHARES, "and a busy hour's beginning, where everybody is new, decides nothing");
});

t.test("pairs that hardly come again are asked for by one share of eight", async (t) => {
	const trials = asking(inVain());
	t.ok(Math.abs(trials - SHARES / 8) < SHARES / 80, `${trials}`);
});

t.test("trials come to every partition, however many take turns", async (t) => {
	for (let partitions = 1; partitions <= 64; partitions++) {
		const worth = inVain();
		const trials = Array.from({ length: partitions }, () => 0);
		for (let share = 0; share < 400 * partitions; share++) {
			if (worth.next() > 0) trials[share % partitions]! += 1;
		}
		t.ok(Math.min(...trials) > 20, `${partitions}: ${trials}`);
	}
});

t.test("many small shares decide as one large one does", async (t) => {
	const worth = new WorthAsking(WINDOW_MAX);
	for (let share = 0; share < MANY / 10; share++) worth.learn(0, 10);
	t.ok(asking(worth) < SHARES);
});

t.test("as many pairs and events decide as it is told", async (t) => {
	const worth = new WorthAsking(10);
	worth.learn(0, 9);
	t.equal(asking(worth), SHARES);
	worth.learn(0, 1);
	t.ok(asking(worth) < SHARES);
});

t.test("pairs that come again stay worth it, down to one known event for four unknown pairs", async (t) => {
	const worth = new WorthAsking(WINDOW_MAX);
	worth.learn(MANY / 5, (MANY / 5) * 4);
	t.equal(asking(worth), SHARES);
	worth.learn(MANY / 5 - 1, (MANY / 5) * 4 + 1);
	t.ok(asking(worth) < SHARES);
});

t.test("what a trial knows stands for what all shares would know", async (t) => {
	const worth = inVain();
	let weight = 0;
	while (weight === 0) weight = worth.next();
	const enough = MANY / 4 / weight;
	worth.learn((enough - 1) * weight, MANY);
	t.ok(asking(worth) < SHARES);
	worth.learn(enough * weight, MANY);
	t.equal(asking(worth), SHARES);
});
