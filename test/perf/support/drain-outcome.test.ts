import t from "tap";
import { drainOutcome, figuresOfDrains } from "../../../perf/support/drain-outcome.ts";
import { type Drained, disagreement, intervalOf } from "../../../perf/support/drain-run.ts";

function drained(eventsPerSecond: number, engineMicros: number | null = 3): Drained {
	return {
		eventsPerSecond,
		events: 900_000,
		seconds: 3,
		underWayAtStart: 5,
		firstCommitSeconds: 1,
		wholeSeconds: 5,
		wholeEventsPerSecond: eventsPerSecond / 2,
		cpuMicrosPerEvent: { engine: engineMicros, main: 1, actors: 1, gc: 1, postgres: null, kafka: 0.1 },
		peakMemoryBytes: 300 * 2 ** 20,
		recoveries: 0,
		timeline: { samples: [], marks: [{ atSeconds: eventsPerSecond, text: "this one" }] },
		database: { name: "d", url: "", check: async () => [], remove: async () => {} },
	};
}

const read = (eventsPerSecond: number) => ({
	eventsPerSecond,
	cpuMicrosPerEvent: { own: 1.5, postgres: null },
});
const copy = (eventsPerSecond: number) => ({
	eventsPerSecond,
	cpuMicrosPerEvent: { own: 0.2, postgres: 0.6 },
});

t.test("figures are medians, and a ratio is one figure divided by another", async (t) => {
	const outcome = drainOutcome([drained(300), drained(100), drained(200)], {
		reads: [read(400), read(500), read(900)],
		copies: [copy(800), copy(1000), copy(10)],
		copiedBy: "psql",
	});
	const value = (name: string) =>
		[...outcome.figures, ...outcome.ratios].find((figure) => figure.name === name)?.value;
	t.equal(outcome.figures[0]?.name, "throughput", "the first is the one that matters");
	t.equal(value("throughput"), 200);
	t.equal(value("throughput-least"), (900_000 - 5) / 3, "without what was under way when the interval began");
	t.equal(value("kafkajs-read"), 500);
	t.equal(value("copy-binary"), 800);
	t.equal(value("copy-binary-cpu"), 0.8);
	t.equal(value("engine/copy-binary"), 0.25);
	t.equal(value("engine/kafkajs-read"), 0.4);
	t.equal(value("cpu-engine/kafkajs-read-cpu"), 2);
	t.strictSame(
		outcome.timeline.marks,
		[{ atSeconds: 200, text: "this one" }],
		"the run in the middle is shown",
	);
	for (const { name, of, to } of outcome.ratios)
		t.ok(value(of) !== undefined && value(to) !== undefined, `${name} is made of figures that are there`);
});

t.test("against a COPY that was not psql's nothing is judged", async (t) => {
	const better = (copiedBy: string) =>
		drainOutcome([drained(100)], { reads: [read(200)], copies: [copy(200)], copiedBy }).ratios.map(
			(ratio) => [ratio.name, ratio.better],
		);
	t.match(better("psql")[0], ["engine/copy-binary", "higher"]);
	t.match(better("pg-copy-streams").slice(0, 2), [
		["engine/copy-binary", null],
		["engine/kafkajs-read", "higher"],
	]);
});

t.test("what is unknown on this machine is left out, with the ratios made of it", async (t) => {
	const outcome = drainOutcome([drained(100, null)], { reads: [read(200)], copies: [], copiedBy: null });
	const names = [...outcome.figures, ...outcome.ratios].map(({ name }) => name);
	for (const missing of [
		"cpu-engine",
		"cpu-postgres",
		"copy-binary",
		"engine/copy-binary",
		"cpu-engine/kafkajs-read-cpu",
	])
		t.notOk(names.includes(missing), missing);
	t.ok(names.includes("engine/kafkajs-read"));
	t.notOk(
		figuresOfDrains([drained(1), drained(2, null)]).some(({ name }) => name === "cpu-engine"),
		"also when only one run does not know it",
	);
});

t.test(
	"the interval runs from the first commit seen to the last, without the events of the first",
	async (t) => {
		const at = (done: number, lastCommitAtMs: number | null) => ({ done, lastCommitAtMs });
		t.strictSame(intervalOf(at(20_000, 1000), at(220_000, 2500)), { events: 200_000, seconds: 1.5 });
		t.throws(() => intervalOf(at(5, 1000), at(5, 1000)), /over before it could be measured/);
		t.throws(() => intervalOf(at(5, 1000), at(6, 1000)), /over before/, "a rate needs time");
		t.throws(() => intervalOf(at(5, null), at(6, 1000)), /names no commit/);
	},
);

t.test("there is no result unless metrics and Postgres agree with what was sent", async (t) => {
	const right = { committed: 100, engineCommitted: 100, engineLag: 0 };
	t.equal(disagreement(right, 100), null);
	for (const wrong of [
		{ committed: 99 },
		{ committed: null },
		{ engineCommitted: 101 },
		{ engineCommitted: null },
		{ engineLag: 1 },
		{ engineLag: null },
	])
		t.match(disagreement({ ...right, ...wrong }, 100), /sent were 100/, JSON.stringify(wrong));
	t.match(disagreement(undefined, 100), /undefined/, "nobody has looked");
});
