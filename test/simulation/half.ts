/** One half of the seeds of a normal run: two files share them, so that they run on two cores. */
import t from "tap";
import { tooSeldom } from "./fault-kinds.ts";
import { replayOf, runSeeds, Totals } from "./many-seeds.ts";

/** Seeds of both halves together. */
const SEEDS = 1_000;
/** Told when more fail than anybody reads. */
const FAILURES_MAX = 3;
/** Real time, for a machine that does much else: on an idle one a half takes some 25 s. */
const DEADLINE_MS = 290_000;
/** New ones in every run, unless told. */
const FIRST_SEED = Number(process.env["SIM_SEED"] ?? Date.now() % 2 ** 31);

/** Runs its half; the seeds of the other one are far away. */
export function testHalf(half: 0 | 1): void {
	t.setTimeout(DEADLINE_MS);
	const seeds = SEEDS / 2;
	const first = FIRST_SEED + half * 2 ** 32;
	t.comment(
		`seeds ${first} to ${first + seeds - 1} (npm run simulate -- --seed ${first} --seeds ${seeds} repeats them)`,
	);
	t.test(`in ${seeds} worlds, whatever fails, every record is counted exactly once`, async (t) => {
		const totals = new Totals();
		await runSeeds(
			Array.from({ length: seeds }, (_, i) => first + i),
			(result) => {
				totals.add(result);
				return totals.failed.length < FAILURES_MAX;
			},
		);
		for (const { seed, problems } of totals.failed) t.same(problems, [], `replay with: ${replayOf(seed)}`);
		if (totals.failed.length > 0) return;
		t.equal(totals.seeds, seeds);
		t.same(tooSeldom(totals.met, seeds), [], "every kind of fault was met, and often enough");
		t.ok(totals.met.get("commit")! > seeds, "and yet much was stored");
	});
}
