import fc from "fast-check";
import t from "tap";
import { createRandom, shuffle } from "../../producer/random.ts";
import { createZipf } from "../../producer/zipf.ts";

t.test("a seed gives the same numbers for ever", async (t) => {
	const random = createRandom(42);
	t.strictSame([random.next(), random.next(), random.next()], [1251167922, 656401615, 478193053]);
});

t.test("other seeds give other numbers, in their high bits too", async (t) => {
	const first = (seed: number) => createRandom(seed).next();
	const seeds = [0, 1, 2, 2 ** 32, 2 ** 32 + 1, 2 ** 52, Number.MAX_SAFE_INTEGER];
	t.equal(new Set(seeds.map(first)).size, seeds.length);
});

t.test("numbers are spread evenly", async (t) => {
	const random = createRandom(7);
	const buckets = new Array<number>(16).fill(0);
	const draws = 160_000;
	for (let i = 0; i < draws; i++) buckets[random.below(16)]!++;
	// Chi-square with 15 degrees of freedom is above 44.3 once in 10,000 seeds; the seed is fixed.
	const expected = draws / 16;
	const chiSquare = buckets.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
	t.ok(chiSquare < 44.3, `chi-square ${chiSquare.toFixed(1)}`);
	for (let i = 0; i < 10_000; i++) {
		const float = random.float();
		if (float < 0 || float >= 1) t.fail(String(float));
	}
});

t.test("a shuffle keeps every element and finds every order", async (t) => {
	fc.assert(
		fc.property(fc.array(fc.integer()), fc.maxSafeNat(), (list, seed) => {
			const shuffled = [...list];
			shuffle(shuffled, createRandom(seed));
			return JSON.stringify([...list].sort()) === JSON.stringify(shuffled.sort());
		}),
		{ verbose: true },
	);
	const orders = new Map<string, number>();
	const random = createRandom(1);
	for (let i = 0; i < 6_000; i++) {
		const list = ["a", "b", "c"];
		shuffle(list, random);
		const order = list.join("");
		orders.set(order, (orders.get(order) ?? 0) + 1);
	}
	t.equal(orders.size, 6);
	for (const [order, count] of orders) t.ok(Math.abs(count - 1000) < 150, `${order}: ${count}`);
});

t.test("Zipf's ranks come by their weights, and no other rank comes", async (t) => {
	const draw = createZipf(1000, createRandom(3));
	const counts = new Array<number>(1000).fill(0);
	const draws = 400_000;
	for (let i = 0; i < draws; i++) counts[draw()]!++;
	const weights = counts.map((_, rank) => (rank + 1) ** -0.9);
	const total = weights.reduce((sum, weight) => sum + weight);
	for (const rank of [0, 1, 9, 99]) {
		const expected = (draws * weights[rank]!) / total;
		t.ok(
			Math.abs(counts[rank]! / expected - 1) < 0.15,
			`rank ${rank}: ${counts[rank]} of ${expected.toFixed(0)}`,
		);
	}
	t.equal(counts.length, 1000);
	t.equal(createZipf(1, createRandom(1))(), 0);
});
