import t from "tap";
import { besideNormalOutcome } from "../../../../perf/support/cases/beside-normal.ts";
import type { Outcome } from "../../../../perf/support/scenario.ts";
import { drainedAt } from "./drained.ts";

const named = ({ figures, ratios = [] }: Outcome) =>
	new Map([...figures, ...ratios].map(({ name, value }) => [name, value]));

t.test("what is left of the usual rate is a ratio of medians of the same run", async (t) => {
	const unusual = [100_000, 50_000, 110_000].map((rate) => drainedAt(rate));
	const normal = [200_000, 210_000, 20_000].map((rate) => drainedAt(rate));
	const outcome = besideNormalOutcome(unusual, normal);
	const values = named(outcome);
	t.equal(outcome.figures[0]!.name, "throughput", "the rate itself comes first");
	t.equal(values.get("throughput"), 100_000);
	t.equal(values.get("normal-throughput"), 200_000);
	t.equal(values.get("throughput/normal"), 0.5);
	t.equal(outcome.timeline!.marks[0]!.text, "100000", "shown is the unusual drain in the middle");
});

t.test("CPU is compared over engine, Postgres and Kafka together", async (t) => {
	const dear = { engine: 8, main: 2, actors: 4, gc: 2, postgres: 4, kafka: 1 };
	const outcome = besideNormalOutcome([drainedAt(1e5, { cpuMicrosPerEvent: dear })], [drainedAt(2e5)]);
	t.equal(named(outcome).get("cpu-all"), 13);
	t.equal(named(outcome).get("cpu/normal"), 2);
	const ratio = outcome.ratios!.find(({ name }) => name === "cpu/normal")!;
	const figures = outcome.figures.map(({ name }) => name);
	t.ok(figures.includes(ratio.of) && figures.includes(ratio.to), "a ratio names its figures");
});

t.test("servers on another machine leave no CPU ratio, and the rest stays", async (t) => {
	const elsewhere = { engine: 4, main: 1, actors: 2, gc: 1, postgres: null, kafka: null };
	const values = named(
		besideNormalOutcome([drainedAt(1e5)], [drainedAt(2e5, { cpuMicrosPerEvent: elsewhere })]),
	);
	t.notOk(values.has("cpu/normal") || values.has("cpu-all"));
	t.equal(values.get("throughput/normal"), 0.5);
});
