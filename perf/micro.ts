/** `node perf micro [name …]`: stages of the engine alone, in ns of CPU per event. Needs neither Kafka nor Postgres. */
import Table from "cli-table3";
import { Command, CommanderError } from "commander";
import { createCorpus } from "./micro/corpus.ts";
import { type Measured, measure, QUICK, THOROUGH } from "./micro/measure.ts";
import type { Micro } from "./micro/micro.ts";
import { MICROS } from "./micro/micros.ts";
import { machine } from "./support/machine.ts";
import type { PerfCommand } from "./support/registry.ts";
import type { ExitCode, RunnerWorld } from "./support/runner.ts";
import { PLAIN } from "./support/table.ts";

const EVENTS = 200_000;
const EVENTS_QUICK = 20_000;

export const command: PerfCommand = {
	name: "micro",
	about: "CPU per event of single stages, alone, without Kafka and Postgres",
	run,
};

interface Options {
	readonly events?: string;
	readonly quick?: boolean;
	readonly json?: boolean;
}

async function run(args: readonly string[], { out, terminal, signal }: RunnerWorld): Promise<ExitCode> {
	const parsed = parse(args);
	if ("said" in parsed) {
		if (parsed.code === 0) out(parsed.said);
		else terminal.note(parsed.said);
		return parsed.code;
	}
	const { micros, options } = parsed;
	const events = Number(options.events ?? (options.quick ? EVENTS_QUICK : EVENTS));
	terminal.note(`making ${events.toLocaleString("en")} events`);
	const corpus = await createCorpus({ events });
	const results: (Measured & Pick<Micro, "name" | "thread" | "about">)[] = [];
	for (const micro of micros) {
		signal.throwIfAborted();
		terminal.progress(micro.name, results.length, micros.length);
		const round = await micro.prepare(corpus);
		const { name, thread, about } = micro;
		results.push({ name, thread, about, ...(await measure(round, options.quick ? QUICK : THOROUGH)) });
		round.close?.();
	}
	terminal.close();
	out(options.json ? JSON.stringify({ machine: machine(), events, results }) : tableOf(results));
	return 0;
}

type Parsed =
	| { readonly said: string; readonly code: 0 | 2 }
	| { readonly micros: readonly Micro[]; readonly options: Options };

function parse(args: readonly string[]): Parsed {
	const said: string[] = [];
	const write = (text: string) => said.push(text);
	const list = MICROS.map(({ name, about }) => `  ${name.padEnd(10)}${about}`).join("\n");
	const program = new Command("node perf micro")
		.description(command.about)
		.argument("[names...]", "which; default: all")
		.option("--events <n>", `events of the stream, 10000 to 2000000 (default: ${EVENTS})`)
		.option("--quick", `short, and rough: ${EVENTS_QUICK} events`)
		.option("--json", "the result as JSON on stdout")
		.addHelpText("after", `\nNames:\n${list}`)
		.exitOverride()
		.configureOutput({ writeOut: write, writeErr: write });
	try {
		program.parse([...args], { from: "user" });
	} catch (error) {
		if (!(error instanceof CommanderError)) throw error;
		return { said: said.join("").trimEnd(), code: error.exitCode === 0 ? 0 : 2 };
	}
	const options = program.opts<Options>();
	const events = Number(options.events ?? EVENTS);
	if (!Number.isInteger(events) || events < 10_000 || events > 2_000_000)
		return {
			said: `--events must be a whole number from 10000 to 2000000, not "${options.events}"`,
			code: 2,
		};
	const unknown = program.args.filter((name) => !MICROS.some((micro) => micro.name === name));
	if (unknown.length > 0)
		return { said: `There is no micro-benchmark "${unknown[0]}". These are there:\n${list}`, code: 2 };
	const micros = MICROS.filter(({ name }) => program.args.length === 0 || program.args.includes(name));
	return { micros, options };
}

function tableOf(results: readonly (Measured & Pick<Micro, "name" | "thread" | "about">)[]): string {
	const table = new Table({
		head: ["stage", "thread", "ns/event", "from – to", "helpers", "what it is"],
		...PLAIN,
		wordWrap: true,
		colWidths: [12, 9, 10, 13, 9, 64],
	});
	for (const { name, thread, threadNs, threadNsMin, threadNsMax, helpersNs, about } of results) {
		const spread = `${threadNsMin.toFixed(0)} – ${threadNsMax.toFixed(0)}`;
		table.push([name, thread, threadNs.toFixed(0), spread, helpersNs.toFixed(0), about]);
	}
	return `${table.toString()}\nCPU of the thread, median of ${results[0]?.rounds} rounds; helpers: V8's other threads meanwhile (garbage, compilation).`;
}
