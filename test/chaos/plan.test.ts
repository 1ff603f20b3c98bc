import fc from "fast-check";
import t from "tap";
import { createRandom } from "../../producer/random.ts";
import { seedProperties } from "../support/property-seed.ts";
import { chooseFaults, FAULTS } from "./faults.ts";
import { type Plannable, plan, type Round } from "./plan.ts";

seedProperties(t, 100);

const VICTIMS = ["engine", "postgres", "broker", "messages"] as const;

const someFaults: fc.Arbitrary<readonly Plannable[]> = fc
	.array(
		fc.record({
			victim: fc.constantFrom(...VICTIMS),
			weight: fc.integer({ min: 1, max: 9 }),
			least: fc.nat(3_000),
			more: fc.nat(9_000),
		}),
		{ minLength: 1, maxLength: 20 },
	)
	.map((drawn) =>
		drawn.map(({ victim, weight, least, more }, i) => ({
			name: `fault-${i}`,
			victim,
			weight,
			holdMs: [least, least + more] as const,
		})),
	);

const limits = fc.record({
	together: fc.integer({ min: 1, max: 4 }),
	engines: fc.integer({ min: 1, max: 3 }),
});

function rounds(
	faults: readonly Plannable[],
	seed: number,
	of: Parameters<typeof plan>[2],
	count: number,
): Round[] {
	const planned = plan(faults, createRandom(seed), of);
	return Array.from({ length: count }, () => planned.next().value);
}

t.test("the same seed gives the same plan", async () => {
	fc.assert(
		fc.property(someFaults, fc.integer(), limits, (faults, seed, of) => {
			const [one, two] = [rounds(faults, seed, of, 50), rounds(faults, seed, of, 50)];
			return JSON.stringify(one) === JSON.stringify(two);
		}),
	);
});

t.test("every fault strikes once before any strikes twice", async () => {
	fc.assert(
		fc.property(someFaults, fc.integer(), limits, (faults, seed, of) => {
			const struck: string[] = [];
			for (const round of rounds(faults, seed, of, faults.length)) {
				if (struck.length >= faults.length) break;
				struck.push(...round.map(({ fault }) => fault));
			}
			return struck.length === faults.length && new Set(struck).size === faults.length;
		}),
	);
});

t.test("faults of one round have different victims, but for as many engines as there are", async () => {
	fc.assert(
		fc.property(someFaults, fc.integer(), limits, (faults, seed, of) =>
			rounds(faults, seed, of, 80).every((round) => {
				const victims = round.map(({ fault }) => faults.find(({ name }) => name === fault)!.victim);
				const count = (victim: string) => victims.filter((one) => one === victim).length;
				const isOnce = VICTIMS.every((victim) => count(victim) <= (victim === "engine" ? of.engines : 1));
				return isOnce && round.length > 0 && new Set(round.map(({ fault }) => fault)).size === round.length;
			}),
		),
	);
});

t.test("a fault is held as long as it says, and heavier faults come more often", async (t) => {
	const faults: Plannable[] = [
		{ name: "light", victim: "engine", weight: 1, holdMs: [5, 5] },
		{ name: "heavy", victim: "postgres", weight: 9, holdMs: [100, 200] },
	];
	const strikes = rounds(faults, 1, { together: 1, engines: 1 }, 2_000).flat();
	for (const { fault, holdMs } of strikes) {
		if (fault === "light" ? holdMs !== 5 : holdMs < 100 || holdMs > 200)
			t.fail(`${fault} is held ${holdMs} ms`);
	}
	const single = rounds(faults, 1, { together: 1, engines: 1 }, 2_000).filter(({ length }) => length === 1);
	const heavy = single.filter(([strike]) => strike!.fault === "heavy").length;
	t.ok(heavy > 0.8 * single.length && heavy < single.length, `${heavy} of ${single.length} single rounds`);
});

t.test("the second of two faults may come while the first is being recovered from", async (t) => {
	const faults: Plannable[] = [
		{ name: "a", victim: "engine", weight: 1, holdMs: [2_000, 2_000] },
		{ name: "b", victim: "postgres", weight: 1, holdMs: [2_000, 2_000] },
	];
	const pairs = rounds(faults, 1, { together: 1, engines: 1 }, 200).filter(({ length }) => length === 2);
	const after = pairs.filter(([first, second]) => second!.atMs >= first!.holdMs);
	t.ok(after.length > 0 && after.length < pairs.length, `${after.length} of ${pairs.length}`);
});

t.test("faults are chosen by their names and by their victims", async (t) => {
	t.equal(new Set(FAULTS.map(({ name }) => name)).size, FAULTS.length, "no name stands twice");
	t.same(chooseFaults([]), FAULTS);
	const names = chooseFaults(["broker-kill", "messages"]).map(({ name }) => name);
	t.ok(names.includes("broker-kill") && names.includes("burst") && !names.includes("broker-restart"));
	t.throws(() => chooseFaults(["broker-kil"]), /there is no fault "broker-kil"; there are: /);
});

t.test(
	"what aims at a moment of a healthy engine strikes before what would take that moment away",
	async (t) => {
		const faults: Plannable[] = [
			{ name: "aims", victim: "engine", weight: 1, holdMs: [5_000, 5_000], aims: true },
			{ name: "kills", victim: "postgres", weight: 1, holdMs: [5_000, 5_000] },
		];
		for (let seed = 0; seed < 50; seed++) {
			const [round] = rounds(faults, seed, { together: 2, engines: 1 }, 1);
			const at = (name: string) => round!.find(({ fault }) => fault === name)!.atMs;
			const isInRecovery = round!.some(({ atMs }) => atMs >= 5_000);
			if (!isInRecovery && at("kills") <= at("aims")) t.fail(`seed ${seed}: ${JSON.stringify(round)}`);
		}
	},
);
