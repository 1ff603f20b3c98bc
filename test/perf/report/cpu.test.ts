import t from "tap";
import { coresOverTime, cpuParts, cpuPerEvent } from "../../../perf/report/cpu.ts";
import type { Sample } from "../../../perf/support/result.ts";
import { sampleAt } from "./sample-result.ts";

const cpu = (known: Partial<Sample["cpuSeconds"]>): Sample["cpuSeconds"] => ({
	...sampleAt(0).cpuSeconds,
	...known,
});

t.test("threads of the engine and the rest of it add up to its process", async (t) => {
	const samples = [
		sampleAt(0, { cpuSeconds: cpu({ engine: 0, main: 0, actors: 0, gc: 0, postgres: 0 }) }),
		sampleAt(1, { cpuSeconds: cpu({ engine: 1.5, main: 0.5, actors: 0.7, gc: 0.1, postgres: 0.4 }) }),
	];
	const parts = cpuParts(samples);
	t.strictSame(
		parts.map(({ part }) => part),
		["main", "actors", "gc", "rest", "postgres"],
		"what nobody knows is left out",
	);
	const sum = parts.slice(0, 4).reduce((total, { seconds }) => total + seconds[1]!, 0);
	t.ok(Math.abs(sum - 1.5) < 1e-9);
});

t.test("without threads the engine is one part", async (t) => {
	t.strictSame(
		cpuParts([sampleAt(0, { cpuSeconds: cpu({ engine: 1 }) })]).map(({ part }) => part),
		["engine"],
	);
	t.strictSame(cpuParts([]), []);
});

t.test("a tick less than before is no negative use, a new process is a hole", async (t) => {
	const engine = [0, 1, 0.95, 2, 0.1, 1.1];
	const samples = engine.map((seconds, at) => sampleAt(at, { cpuSeconds: cpu({ engine: seconds }) }));
	const [series] = coresOverTime(samples, 1);
	t.strictSame(
		series!.points.map(({ y }) => y),
		[null, 1, 0, 1, null, 1],
	);
});

t.test("CPU per event counts from the first commit to the last, and not the wait behind it", async (t) => {
	const samples = [
		sampleAt(0, { committed: 0, cpuSeconds: cpu({ engine: 1 }) }),
		sampleAt(1, { committed: 100_000, cpuSeconds: cpu({ engine: 2 }) }),
		sampleAt(2, { committed: 300_000, cpuSeconds: cpu({ engine: 3 }) }),
		sampleAt(9, { committed: 300_000, cpuSeconds: cpu({ engine: 7 }) }),
	];
	t.strictSame(cpuPerEvent(samples), [{ part: "engine", micros: 5 }]);
	t.equal(cpuPerEvent(samples.slice(0, 2)), null, "one sample with commits is no interval");
	t.equal(cpuPerEvent([]), null);
	const killed = [1, 2, 0.5, 1.5].map((engine, at) =>
		sampleAt(at, { committed: 100_000 * (at + 1), cpuSeconds: cpu({ engine }) }),
	);
	t.match(
		cpuPerEvent(killed),
		[{ part: "engine", micros: (2.5 * 1e6) / 300_000 }],
		"a new process counts from 0",
	);
	t.equal(cpuPerEvent(samples.slice(2)), null, "nothing was committed between them");
});
