import t from "tap";
import { EngineError, UnavailableError, UsageError } from "../../engine/errors.ts";
import { EXIT } from "../../engine/exit-codes.ts";
import { createLog } from "../../engine/log.ts";
import { waitFor } from "../../engine/wait-for.ts";
import { ManualClock } from "../support/manual-clock.ts";

/** A clock whose timers fire at once, each at its own time: who waits is never kept waiting. */
class HurriedClock extends ManualClock {
	readonly delaysMs: number[] = [];

	override after(delayMs: number, action: () => void) {
		this.delaysMs.push(delayMs);
		const timer = super.after(delayMs, action);
		queueMicrotask(() => this.advance(delayMs));
		return timer;
	}
}

function waiting(timeoutMs = 60_000) {
	const clock = new HurriedClock();
	const lines: string[] = [];
	const log = createLog(
		{ level: "info", format: "json" },
		{ write: (line) => lines.push(JSON.parse(line).msg) },
	);
	return { clock, lines, options: { timeoutMs, clock, log } };
}

t.test("what works at once waits for nothing and says nothing", async (t) => {
	const { clock, lines, options } = waiting();
	t.equal(await waitFor("kafka", "Kafka", async () => 7, options), 7);
	t.same([clock.delaysMs, lines], [[], []]);
});

t.test("it tries again with growing pauses, and says what it waits for", async (t) => {
	const { clock, lines, options } = waiting();
	let attempts = 0;
	const found = await waitFor(
		"postgres",
		"Postgres at 127.0.0.1:5432",
		async () => {
			attempts++;
			if (attempts <= 7) throw new Error(`refused ${attempts}`);
			return attempts;
		},
		options,
	);
	t.equal(found, 8);
	t.same(clock.delaysMs, [250, 500, 1000, 2000, 4000, 5000, 5000]);
	t.equal(lines[0], "waiting for Postgres at 127.0.0.1:5432 (refused 1)");
	t.equal(lines.length, 7);
});

t.test("past its time it gives up, with the last failure and the next step", async (t) => {
	const { clock, options } = waiting(3000);
	let attempts = 0;
	const failing = async (): Promise<never> => {
		throw new Error(`refused ${++attempts}`);
	};
	await t.rejects(waitFor("kafka", "Kafka", failing, options), {
		name: "UnavailableError",
		exitCode: EXIT.unavailable,
		dependency: "kafka",
		message: "waited 3 s for Kafka: refused 5",
		nextStep: /is Kafka up\?.*check/,
	});
	t.equal(clock.monotonicMs(), 3000, "the last pause ends with the time that is left");
	t.same(clock.delaysMs, [250, 500, 1000, 1250]);
});

t.test("the next step of the failure itself is the better one", async (t) => {
	const { options } = waiting(0);
	const failing = () => Promise.reject(new UnavailableError("kafka", "no broker", "start a broker"));
	await t.rejects(waitFor("kafka", "Kafka", failing, options), {
		name: "UnavailableError",
		nextStep: "start a broker",
	});
});

t.test("what a person must mend first is thrown at once", async (t) => {
	const wrongPassword = Object.assign(new UnavailableError("postgres", "wrong password", "set PGPASSWORD"), {
		settingsAreWrong: true,
	});
	const errors = [
		new UsageError("wrong flag"),
		new EngineError("wrong schema", EXIT.configuration),
		wrongPassword,
	];
	for (const error of errors) {
		const { clock, options } = waiting();
		await t.rejects(
			waitFor("postgres", "Postgres", () => Promise.reject(error), options),
			error,
		);
		t.same(clock.delaysMs, []);
	}
});

t.test("a dependency that is only away is waited for", async (t) => {
	const { clock, options } = waiting();
	const answers = [new UnavailableError("kafka", "no broker", "start one")];
	const found = await waitFor(
		"kafka",
		"Kafka",
		async () => {
			const error = answers.shift();
			if (error !== undefined) throw error;
			return "up";
		},
		options,
	);
	t.equal(found, "up");
	t.same(clock.delaysMs, [250]);
});
