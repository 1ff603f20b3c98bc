import t from "tap";
import {
	CURVES,
	curveOutcome,
	storedCurves,
	storedFigures,
} from "../../../../perf/support/cases/curve-points.ts";
import type { CpuMicros } from "../../../../perf/support/drain-run.ts";
import type { Sample } from "../../../../perf/support/result.ts";

const cpu = (engine: number | null, postgres: number | null) => {
	const cpuMicrosPerEvent: CpuMicros = { engine, postgres, main: null, actors: null, gc: null, kafka: null };
	return { cpuMicrosPerEvent };
};

t.test("a curve has its points, and says how much dearer the dearest is", async (t) => {
	const { curves, figures } = curveOutcome("users", "users", [
		{ x: 1, drained: cpu(3, 1) },
		{ x: 10, drained: cpu(2.5, 1.5) },
		{ x: 100, drained: cpu(3, 2) },
	]);
	t.same(
		curves.map(({ name, points }) => [name, points.map(({ y }) => y)]),
		[
			["users: engine and Postgres", [4, 4, 5]],
			["users: engine", [3, 2.5, 3]],
			["users: postgres", [1, 1.5, 2]],
		],
	);
	t.equal(figures.length, 1);
	t.equal(figures[0]?.value, 0.25);
	t.match(figures[0]?.about, /5\.00 at 100$/);
});

t.test("without the servers in sight there is no curve", async (t) => {
	t.same(
		curveOutcome("users", "users", [{ x: 1, drained: cpu(3, null) }]).curves.map(({ name }) => name),
		["users: engine"],
	);
	t.same(curveOutcome("users", "users", [{ x: 1, drained: cpu(null, null) }]), { curves: [], figures: [] });
});

t.test("a long drain is cut into parts of about as many events", async (t) => {
	const sample = (atSeconds: number, committed: number | null, seconds: number | null): Sample => ({
		atSeconds,
		sent: null,
		committed,
		engineCommitted: null,
		engineLag: null,
		memoryBytes: null,
		handles: null,
		cpuSeconds: {
			engine: seconds,
			postgres: seconds === null ? null : 2 * seconds,
			main: null,
			actors: null,
			gc: null,
			kafka: null,
			sender: null,
		},
		paused: null,
	});
	const samples = [sample(0, 0, 0), sample(1, null, 1)];
	for (let i = 1; i <= 5; i++) samples.push(sample(i, i * 1_000_000, i));
	samples.push(sample(7, 6_000_000, 8));
	const curves = storedCurves(samples, 5);
	const [cost, engine, postgres, rate] = curves;
	t.same(
		cost?.points.map(({ x, y }) => [x, Number(y.toFixed(6))]),
		[
			[1_000_000, 3],
			[2_000_000, 3],
			[3_000_000, 3],
			[4_000_000, 3],
			[5_000_000, 9],
		],
	);
	t.same(
		engine?.points.map(({ y }) => Number(y.toFixed(6))),
		[1, 1, 1, 1, 3],
	);
	t.same(
		postgres?.points.map(({ y }) => Number(y.toFixed(6))),
		[2, 2, 2, 2, 6],
	);
	t.same(
		rate?.points.map(({ y }) => y),
		[1e6, 1e6, 1e6, 1e6, 5e5],
	);
	t.same(
		storedFigures(curves).map(({ name, value }) => [name, value]),
		[
			["stored-growth", 2],
			["stored-rate-growth", -0.5],
		],
	);
	t.same(storedCurves([], 5), []);
});

t.test("every curve grows", async (t) => {
	for (const [name, { drains }] of Object.entries(CURVES)) {
		const xs = drains.map(({ x }) => x);
		t.ok(xs.length > 1, name);
		t.same(
			xs,
			xs.toSorted((a, b) => a - b),
		);
		t.equal(new Set(xs).size, xs.length);
	}
});
