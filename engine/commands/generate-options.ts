/** The options of `generate`. */
import { type Command, Option } from "commander";
import { addConfigFlags } from "../config/flags.ts";
import type { VariableGroup } from "../config/variable.ts";
import { type Finish, openContext } from "./context.ts";
import { fullHour, HOUR_MS, share, wholeNumber } from "./options.ts";
import { addTopicOptions, rateOption, seedOption } from "./produce-options.ts";

const GROUPS: readonly VariableGroup[] = ["kafka", "log", "home"];

/** A billion lines are 120 GB. */
const EVENTS_MAX = 1_000_000_000;
const USERS_MAX = 5_000_000;
/** Ten years. */
const HOURS_MAX = 87_600;

interface Given {
	readonly events: number;
	readonly users: number;
	readonly hours: number;
	readonly start: number | "now";
	readonly badRatio: number;
	readonly lateRatio: number;
	readonly seed: number;
	readonly rate?: number;
	readonly output?: string;
	readonly toKafka?: boolean;
	readonly batch: number;
	readonly createTopic?: boolean;
	readonly partitions: number;
	readonly metricsPort?: number;
	readonly json?: boolean;
}

export function addGenerate(program: Command, finish: Finish): void {
	const command = program
		.command("generate")
		.description("write or send a believable stream of events; the same seed gives the same bytes")
		.option("--events <n>", "lines, bad ones included", wholeNumber(1, EVENTS_MAX), 100_000)
		.option("--users <n>", "users; few of them are busy, as in life", wholeNumber(1, USERS_MAX), 1_000)
		.option("--hours <n>", "hours the events are spread over", wholeNumber(1, HOURS_MAX), 24)
		.addOption(
			new Option("--start <time>", "first hour, in UTC unless it has a zone; now: end with the current hour")
				.argParser(fullHour)
				.default(Date.UTC(2025, 5, 1), "2025-06-01T00:00Z"),
		)
		.option("--bad-ratio <x>", "share of lines that are no valid event, of every kind", share, 0.01)
		.option("--late-ratio <x>", "share of events that come a minute to six hours late", share, 0.02)
		.addOption(seedOption("seed of everything that is random"))
		.addOption(rateOption())
		.addOption(new Option("--to-kafka", "send to the topic instead of writing").conflicts("output"))
		.option("-o, --output <file>", "write to a file instead of stdout")
		.option("--json", "print the summary as JSON (on stderr when stdout is the data)");
	addTopicOptions(command)
		.addHelpText(
			"after",
			`
Examples:
  node engine generate --events 1000000 -o events.jsonl
  node engine generate --to-kafka --rate 5000 --start now --hours 1
  node engine generate --events 20 --seed 7 | jq .`,
		)
		.action(async (given: Given) => {
			const options = {
				events: given.events,
				users: given.users,
				hours: given.hours,
				startSeconds: startMsOf(given) / 1000,
				badRatio: given.badRatio,
				lateRatio: given.lateRatio,
				seed: given.seed,
				ratePerSecond: given.rate ?? null,
				json: given.json ?? false,
			};
			const { runGenerate, runGenerateToKafka } = await import("./generate.ts");
			if (!given.toKafka) return finish(await runGenerate({ ...options, output: given.output ?? null }));
			const context = openContext(command, GROUPS);
			finish(
				await runGenerateToKafka(context, {
					...options,
					batchMessagesMax: given.batch,
					createPartitions: given.createTopic ? given.partitions : null,
					metricsPort: given.metricsPort ?? null,
				}),
			);
		});
	addConfigFlags(command, GROUPS);
}

/** `now` means that the last hour, not the first, is the current one: events of the future would be dead letters. */
function startMsOf({ start, hours }: Given): number {
	if (start !== "now") return start;
	return (Math.floor(Date.now() / HOUR_MS) - (hours - 1)) * HOUR_MS;
}
