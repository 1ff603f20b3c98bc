import t from "tap";
import { overview } from "../../../perf/all.ts";
import type { RunnerWorld } from "../../../perf/support/runner.ts";
import type { AnyScenario, ScenarioContext } from "../../../perf/support/scenario.ts";
import { runSequence } from "../../../perf/support/sequence.ts";

function testWorld() {
	const counts = { found: 0, released: 0 };
	const interruption = new AbortController();
	const world: RunnerWorld = {
		async findPlaces() {
			counts.found++;
			return {
				brokers: "127.0.0.1:1",
				databaseUrl: "postgres://127.0.0.1:1/none",
				embedded: true,
				pids: { postgres: null, kafka: null },
				versions: { postgres: "18.4", kafka: "4.4.0" },
				release: async () => void counts.released++,
			};
		},
		save: () => ({ json: "", html: "" }),
		out: () => {},
		terminal: { note: () => {}, progress: () => {}, close: () => {} },
		signal: interruption.signal,
		now: () => new Date(0),
	};
	return { world, counts, interrupt: () => interruption.abort(new Error("SIGINT")) };
}

function scenarioNamed(
	name: string,
	run: (context: ScenarioContext<{ readonly rounds: number }>) => void,
	quick?: { readonly rounds: number },
): AnyScenario {
	return {
		name,
		about: "made up",
		options: { rounds: { kind: "integer", default: 7, min: 1, max: 9, help: "of it" } },
		...(quick && { quick }),
		async run(context) {
			run(context);
			context.checked("all");
			return {
				figures: [{ name: "rate", value: 12, unit: "events/s", better: "higher", about: "" }],
				ratios: [
					{ name: "a/b", value: 0.5, unit: "ratio", better: "higher", about: "", of: "rate", to: "rate" },
				],
			};
		},
	};
}

t.test("one that fails does not keep the others, and the servers stay up until the last", async (t) => {
	const { world, counts } = testWorld();
	const seen: string[] = [];
	const finished = await runSequence(
		[
			scenarioNamed("first", ({ options }) =>
				seen.push(`first ${options.rounds}, stopped ${counts.released}`),
			),
			scenarioNamed("broken", () => {
				throw new Error("broken");
			}),
			scenarioNamed("last", ({ options }) => seen.push(`last ${options.rounds}, stopped ${counts.released}`)),
		],
		false,
		world,
	);
	t.strictSame(seen, ["first 7, stopped 0", "last 7, stopped 0"]);
	t.strictSame(counts, { found: 1, released: 1 });
	t.strictSame(
		finished.map(({ scenario, code }) => [scenario.name, code]),
		[
			["first", 0],
			["broken", 1],
			["last", 0],
		],
	);
	const text = overview(finished);
	t.match(text, /first .* rate 12 events\/s .* a\/b 0\.50/);
	t.match(text, /broken .* FAILED/);
});

t.test("short forms are used where there are any", async (t) => {
	const { world } = testWorld();
	const rounds: number[] = [];
	const note = (context: ScenarioContext<{ readonly rounds: number }>) => rounds.push(context.options.rounds);
	await runSequence(
		[scenarioNamed("with", note, { rounds: 2 }), scenarioNamed("without", note)],
		true,
		world,
	);
	t.strictSame(rounds, [2, 7]);
});

t.test("Ctrl-C ends the whole sequence", async (t) => {
	const { world, counts, interrupt } = testWorld();
	const finished = await runSequence(
		[scenarioNamed("first", () => interrupt()), scenarioNamed("second", () => {})],
		false,
		world,
	);
	t.strictSame(
		finished.map(({ scenario, code }) => [scenario.name, code]),
		[["first", 1]],
	);
	t.equal(counts.released, 1);
});
