import t from "tap";
import { MICROS } from "../../../perf/micro/micros.ts";
import { FLUSH_STEPS, type FlushCost, type FlushStep } from "../../../perf/stages/flush-cost.ts";
import { stageFigures } from "../../../perf/stages/stage-figures.ts";

const stages = new Map(
	MICROS.map(({ name }, i) => [name, { threadNs: 100 + i, threadNsMin: 90, threadNsMax: 200 }]),
);
const flush = (backend: number | null) =>
	Object.fromEntries(FLUSH_STEPS.map((step) => [step, { own: 10, backend }])) as Record<FlushStep, FlushCost>;
const whole = { engine: 3, main: 1, actors: 1.2, gc: 0.8, postgres: 2, kafka: null };

t.test("stages stand next to the whole, with their sums and the rest", async (t) => {
	const figures = stageFigures({
		drained: { cpuMicrosPerEvent: whole },
		fetch: 300,
		stages,
		flush: flush(50),
	});
	const value = (name: string) => Number(figures.find((figure) => figure.name === name)?.value.toFixed(6));
	t.equal(figures[0]?.name, "whole-engine");
	t.equal(value("fetch-and-decode"), 0.3);
	t.equal(value("flush-main"), 0.06);
	const [route, transfer] = [value("route"), value("transfer")];
	t.equal(value("main-sum"), Number((0.36 + route + transfer).toFixed(6)));
	t.equal(value("main-rest"), Number((1 - value("main-sum")).toFixed(6)));
	const actors = ["parse", "validate", "fold", "members", "encode"].reduce(
		(sum, name) => sum + value(name),
		0,
	);
	t.equal(value("actors-sum"), Number(actors.toFixed(6)));
	t.equal(value("actors-rest"), Number((1.2 - value("actor")).toFixed(6)));
	t.equal(value("postgres-sum"), 0.3);
	t.equal(value("postgres-rest"), 1.7);
	t.equal(new Set(figures.map(({ name }) => name)).size, figures.length, "each name once");
	for (const { name } of MICROS)
		t.ok(
			figures.some((figure) => figure.name === name),
			`${name} is told`,
		);
});

t.test("what cannot be seen from this machine is left out", async (t) => {
	const unseen = { engine: null, main: null, actors: null, gc: null, postgres: null, kafka: null };
	const figures = stageFigures({
		drained: { cpuMicrosPerEvent: unseen },
		fetch: 300,
		stages,
		flush: flush(null),
	});
	const names = figures.map(({ name }) => name);
	t.notOk(
		names.some((name) => name.startsWith("whole-") || name.startsWith("postgres-") || name.endsWith("-rest")),
	);
	t.ok(names.includes("main-sum"));
});
