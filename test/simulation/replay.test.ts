/** A failing seed is of use only when it fails again in the same way. */
import t from "tap";
import { installSimulation, runSeed } from "./run-seed.ts";

const SEEDS = [1, 2, 3, Date.now() % 2 ** 31];

t.test("a seed repeats its run, event by event, with a trace or without", async (t) => {
	const undo = installSimulation();
	t.teardown(undo);
	for (const seed of SEEDS) {
		const first = await runSeed(seed);
		const lines: string[] = [];
		const again = await runSeed(seed, (line) => lines.push(line));
		t.equal(again.hash, first.hash, `seed ${seed}`);
		t.same([...again.met], [...first.met], `seed ${seed}`);
		t.ok(lines.length > 50, "the trace tells what happened");
	}
});

t.test("two seeds are two runs", async (t) => {
	t.teardown(installSimulation());
	t.not((await runSeed(1)).hash, (await runSeed(2)).hash);
});
