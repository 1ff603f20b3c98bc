import t from "tap";
import type { ScenarioResult } from "../../../perf/support/result.ts";
import { type RunnerWorld, runScenario } from "../../../perf/support/runner.ts";
import type { Outcome, ScenarioContext } from "../../../perf/support/scenario.ts";

const FIGURE = {
	name: "throughput",
	value: 1234,
	unit: "events/s",
	better: "higher",
	about: "made up",
} as const;

interface TestWorld extends RunnerWorld {
	readonly saved: ScenarioResult[];
	readonly printed: string[];
	readonly notes: string[];
	readonly released: () => number;
	readonly interrupt: () => void;
}

function testWorld(): TestWorld {
	const saved: ScenarioResult[] = [];
	const printed: string[] = [];
	const notes: string[] = [];
	const interruption = new AbortController();
	let released = 0;
	return {
		saved,
		printed,
		notes,
		released: () => released,
		interrupt: () => interruption.abort(new Error("interrupted by SIGINT")),
		findPlaces: async () => ({
			brokers: "127.0.0.1:1",
			databaseUrl: "postgres://127.0.0.1:1/none",
			embedded: false,
			pids: { postgres: null, kafka: null },
			versions: { postgres: "18.4", kafka: null },
			release: async () => {
				released++;
			},
		}),
		save(result) {
			saved.push(result);
			return { json: "a.json", html: "a.html" };
		},
		out: (text) => void printed.push(text),
		terminal: { note: (line) => void notes.push(line), progress: () => {}, close: () => {} },
		signal: interruption.signal,
		now: () => new Date("2026-01-02T03:04:05Z"),
	};
}

function scenarioThat(run: (context: ScenarioContext) => Promise<Outcome>) {
	return { name: "test-case", about: "does what the test says", options: {}, quick: {}, run };
}

t.test("what was measured and checked is written and shown", async (t) => {
	const world = testWorld();
	const scenario = scenarioThat(async (context) => {
		context.checked("everything");
		return { figures: [FIGURE] };
	});
	const { code, result } = await runScenario(scenario, ["--set", "ACTORS=1"], world);
	t.equal(code, 0);
	t.strictSame(world.saved, [result]);
	t.match(result, {
		format: 1,
		scenario: "test-case",
		at: "2026-01-02T03:04:05.000Z",
		command: "node perf test-case --set ACTORS=1",
		versions: { postgres: "18.4", kafka: null, node: process.versions.node },
		settings: { ACTORS: "1" },
		checked: ["everything"],
	});
	t.match(world.printed.join("\n"), "1,234 events/s");
	t.equal(world.released(), 1);
});

t.test("with --json the result is on stdout, and nothing else is", async (t) => {
	const world = testWorld();
	const scenario = scenarioThat(async (context) => {
		context.note("half way");
		context.checked("everything");
		return { figures: [FIGURE] };
	});
	const { result } = await runScenario(scenario, ["--json"], world);
	t.strictSame(
		world.printed.map((text) => JSON.parse(text)),
		[JSON.parse(JSON.stringify(result))],
	);
});

t.test("a scenario that fails reports nothing, says why, and leaves nothing behind", async (t) => {
	const world = testWorld();
	const ends: string[] = [];
	const scenario = scenarioThat(async (context) => {
		context.onCleanup(async () => void ends.push("first made"));
		context.onCleanup(async () => {
			throw new Error("the second cannot be removed");
		});
		context.onCleanup(async () => void ends.push("third made"));
		context.checked("something");
		throw new Error("the engine has lost a shoe");
	});
	const { code } = await runScenario(scenario, [], world);
	t.equal(code, 1);
	t.strictSame(world.saved, []);
	t.strictSame(world.printed, []);
	t.strictSame(ends, ["third made", "first made"], "last made, first removed, also around one that fails");
	t.match(world.notes.join("\n"), /left behind: the second cannot be removed/);
	t.match(world.notes.join("\n"), /test-case failed: the engine has lost a shoe/);
	t.equal(world.released(), 1);
});

t.test("figures without a check are no result", async (t) => {
	const world = testWorld();
	const { code } = await runScenario(
		scenarioThat(async () => ({ figures: [FIGURE] })),
		[],
		world,
	);
	t.equal(code, 1);
	t.strictSame(world.saved, []);
	t.match(world.notes.join("\n"), /has not checked what was stored/);
});

t.test("Ctrl-C ends a scenario that is busy, removes what it made, and what it makes too late", async (t) => {
	const world = testWorld();
	const ends: string[] = [];
	let finish = () => {};
	const scenario = scenarioThat(async (context) => {
		context.onCleanup(async () => void ends.push("early"));
		const working = new Promise<void>((resolve) => {
			finish = resolve;
		});
		world.interrupt();
		await working;
		context.onCleanup(async () => void ends.push("late"));
		context.checked("everything");
		return { figures: [FIGURE] };
	});
	const { code } = await runScenario(scenario, [], world);
	t.equal(code, 1);
	t.strictSame(ends, ["early"]);
	t.strictSame(world.saved, []);
	t.match(world.notes.join("\n"), /interrupted; nothing is reported/);
	finish();
	await new Promise(setImmediate);
	t.strictSame(ends, ["early", "late"]);
});

t.test("a context that is interrupted makes nothing any more", async (t) => {
	const world = testWorld();
	const attempts: string[] = [];
	const scenario = scenarioThat(async (context) => {
		world.interrupt();
		const makers = {
			topic: () => context.topic({ partitions: 1 }),
			database: () => context.database(),
			engine: () => context.engine({ topic: "t", databaseUrl: "postgres://127.0.0.1:1/x" }),
			until: () => context.until("nothing", () => false),
			sleep: () => context.sleep(60_000),
		};
		for (const [name, make] of Object.entries(makers)) await make().catch(() => attempts.push(name));
		return { figures: [FIGURE] };
	});
	await runScenario(scenario, [], world);
	await new Promise(setImmediate);
	t.strictSame(attempts, ["topic", "database", "engine", "until", "sleep"]);
});

t.test("a wrong command line starts nothing", async (t) => {
	const world = testWorld();
	const scenario = scenarioThat(async () => {
		throw new Error("it ran");
	});
	t.equal((await runScenario(scenario, ["--fast"], world)).code, 2);
	t.match(world.notes.join("\n"), /unknown option '--fast'\nSee "node perf test-case --help"/);
	t.equal((await runScenario(scenario, ["--help"], world)).code, 0);
	t.match(world.printed.join("\n"), "does what the test says");
	t.equal(world.released(), 0);
});

t.test("waiting for something ends when it comes, when it fails, and when it is too late", async (t) => {
	const world = testWorld();
	const scenario = scenarioThat(async (context) => {
		let looks = 0;
		t.equal(await context.until("the third look", () => ++looks === 3 && "there", { everyMs: 1 }), "there");
		await t.rejects(
			context.until("the moon", () => false, { everyMs: 1, timeoutMs: 0 }),
			/the moon: not within 0 s/,
		);
		await t.rejects(
			context.until("a crash", () => {
				throw new Error("crashed");
			}),
			/crashed/,
		);
		context.checked("everything");
		return { figures: [FIGURE] };
	});
	t.equal((await runScenario(scenario, [], world)).code, 0);
});
