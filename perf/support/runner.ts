/** Runs one scenario: its options, its context, its result; and its end, whatever happens. */

import { packageVersion } from "../../schema/package-root.ts";
import { type ContextRequest, openContext } from "./context.ts";
import { commit, machine } from "./machine.ts";
import { commandLineOf, OptionError, parseOptions } from "./options.ts";
import { findPlaces, type Places } from "./places.ts";
import type { ScenarioResult } from "./result.ts";
import { saveResult } from "./result-files.ts";
import type { AnyScenario, Outcome } from "./scenario.ts";
import { tableOf } from "./table.ts";
import { openTerminal, type Terminal } from "./terminal.ts";

/** 0 measured, 1 something went wrong or does not add up or was interrupted, 2 the command line is wrong. */
export type ExitCode = 0 | 1 | 2;

/** What the world gives a run; a test gives its own. */
export interface RunnerWorld {
	/** @throws Error with what is missing */
	findPlaces(signal: AbortSignal): Promise<Places>;
	/** Writes it; gives the paths. */
	save(result: ScenarioResult): { readonly json: string; readonly html: string };
	out(text: string): void;
	readonly terminal: Terminal;
	/** Aborted by Ctrl-C. */
	readonly signal: AbortSignal;
	/** For the result's `at`. */
	now(): Date;
}

/** The command line was understood; how it ended. */
export interface Ended {
	readonly code: ExitCode;
	/** Null when there is none, or only help was asked for. */
	readonly result: ScenarioResult | null;
}

/** Runs a command line. Never throws: what went wrong is said on the terminal. */
export async function runScenario(
	scenario: AnyScenario,
	args: readonly string[],
	world: RunnerWorld,
): Promise<Ended> {
	const { terminal, signal } = world;
	try {
		const parsed = parseOptions(scenario, args);
		if ("help" in parsed) {
			world.out(parsed.help);
			return { code: 0, result: null };
		}
		const places = await findPlacesOf(world);
		try {
			const result = await measure(scenario, { ...parsed, places, terminal, signal }, world);
			const saved = world.save(result);
			terminal.close();
			world.out(parsed.common.json ? JSON.stringify(result) : tableOf(result));
			terminal.note(`written to ${saved.json}\nreport     ${saved.html}`);
			return { code: 0, result };
		} finally {
			terminal.close();
			await places.release();
		}
	} catch (error) {
		terminal.close();
		terminal.note(messageOf(scenario, error as Error, signal));
		return { code: error instanceof OptionError ? 2 : 1, result: null };
	}
}

async function findPlacesOf({ terminal, signal, findPlaces }: RunnerWorld): Promise<Places> {
	terminal.note("looking for Kafka and Postgres");
	const places = await findPlaces(signal);
	const owner = places.embedded ? "embedded" : "given";
	terminal.note(`Kafka ${places.brokers} and Postgres ${places.versions.postgres}, ${owner}`);
	return places;
}

async function measure(
	scenario: AnyScenario,
	request: Omit<ContextRequest, "scenario">,
	world: RunnerWorld,
): Promise<ScenarioResult> {
	const at = world.now().toISOString();
	const { values, common, places, signal, terminal } = request;
	const opened = openContext({ ...request, scenario: scenario.name });
	let outcome: Outcome;
	try {
		outcome = await untilAborted(scenario.run(opened.context), signal);
		// A terminal sends Ctrl-C to the engines, too: what just came to its end may have been cut short.
		signal.throwIfAborted();
		if (opened.checked.length === 0)
			throw new Error(`scenario ${scenario.name} has not checked what was stored: its figures prove nothing`);
	} finally {
		if (signal.aborted) terminal.note("interrupted: stopping and removing what was started");
		for (const error of await opened.close()) terminal.note(`left behind: ${error.message}`);
	}
	const [figure] = outcome.figures;
	if (figure === undefined) throw new Error(`scenario ${scenario.name} measured nothing`);
	return {
		format: 1,
		scenario: scenario.name,
		about: scenario.about,
		at,
		command: `node perf ${scenario.name} ${commandLineOf(scenario.options, values, common)}`.trim(),
		machine: machine(),
		versions: {
			engine: packageVersion(),
			commit: commit(),
			node: process.versions.node,
			...places.versions,
		},
		options: values,
		settings: opened.settings,
		figures: outcome.figures,
		ratios: outcome.ratios ?? [],
		distributions: outcome.distributions ?? [],
		samples: outcome.timeline?.samples ?? [],
		marks: outcome.timeline?.marks ?? [],
		curves: outcome.curves ?? [],
		checked: opened.checked,
	};
}

/** A scenario that is busy with something else does not keep Ctrl-C waiting. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
	let stop = () => {};
	const aborted = new Promise<never>((_, reject) => {
		stop = () => reject(signal.reason as Error);
		if (signal.aborted) stop();
		signal.addEventListener("abort", stop);
	});
	// What it still throws while everything is taken from under it is of no interest.
	work.catch(() => {});
	try {
		return await Promise.race([work, aborted]);
	} finally {
		signal.removeEventListener("abort", stop);
	}
}

function messageOf({ name }: AnyScenario, error: Error, signal: AbortSignal): string {
	if (error instanceof OptionError) return `${error.message}\nSee "node perf ${name} --help".`;
	if (signal.aborted) return `${name} was interrupted; nothing is reported.`;
	const cause = error.cause instanceof Error ? `\n  caused by ${error.cause.message}` : "";
	return `${name} failed: ${error.message}${cause}`;
}

/** The real one. */
export function realWorld(signal: AbortSignal): RunnerWorld {
	return {
		findPlaces: (stop) => findPlaces(process.env, stop),
		save: (result) => saveResult(result),
		out: (text) => console.log(text.trimEnd()),
		terminal: openTerminal(process.stderr),
		signal,
		now: () => new Date(),
	};
}
