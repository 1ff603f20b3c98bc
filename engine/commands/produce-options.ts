/** The options of `produce`. */
import { type Command, Option } from "commander";
import { addConfigFlags } from "../config/flags.ts";
import type { VariableGroup } from "../config/variable.ts";
import { type Finish, openContext } from "./context.ts";
import { PARTITIONS_DEFAULT, PARTITIONS_MAX, wholeNumber } from "./options.ts";

const GROUPS: readonly VariableGroup[] = ["kafka", "log", "home"];

/** More in one call only costs: kafkajs groups a batch in quadratic time per partition. */
const BATCH_MAX = 10_000;
const BATCH_DEFAULT = 2_000;

const RATE_MAX = 10_000_000;
const DELAY_MS_MAX = 3_600_000;
const SEED_MAX = Number.MAX_SAFE_INTEGER;

interface Given {
	readonly shuffle?: boolean;
	readonly seed: number;
	readonly rate?: number;
	readonly delay?: number;
	readonly loop?: boolean;
	readonly errorFile: string;
	readonly raw?: boolean;
	readonly metricsPort?: number;
	readonly batch: number;
	readonly createTopic?: boolean;
	readonly partitions: number;
	readonly json?: boolean;
}

/** Options that `generate --to-kafka` has too. */
export function addTopicOptions(command: Command): Command {
	return command
		.option("--create-topic", "create the topic when it does not exist")
		.option(
			"--partitions <n>",
			"partitions of a topic that is created",
			wholeNumber(1, PARTITIONS_MAX),
			PARTITIONS_DEFAULT,
		)
		.option("--batch <n>", "events sent at once", wholeNumber(1, BATCH_MAX), BATCH_DEFAULT)
		.option(
			"--metrics-port <port>",
			"serve producer_events_sent_total on /metrics; 0 takes a free port",
			wholeNumber(0, 65_535),
		);
}

export const rateOption = (): Option =>
	new Option("--rate <n>", "events a second (default: as fast as it goes)").argParser(
		wholeNumber(1, RATE_MAX),
	);

export const seedOption = (description: string): Option =>
	new Option("--seed <n>", description).argParser(wholeNumber(0, SEED_MAX)).default(1);

export function addProduce(program: Command, finish: Finish): void {
	const command = program
		.command("produce")
		.description("send a JSONL file, one event a line, to the topic")
		.argument("<file>", "path, or - for stdin")
		.option("--shuffle", "send in random order (holds the whole file in memory)")
		.addOption(seedOption("seed of the order"))
		.addOption(rateOption())
		.addOption(
			new Option("--delay <ms>", "wait between two events")
				.argParser(wholeNumber(0, DELAY_MS_MAX))
				.conflicts("rate"),
		)
		.option("--loop", "begin again at the end, until Ctrl-C")
		.option("--raw", "send every line as it is, bad ones too")
		.option("--error-file <path>", "where lines that are no valid event go", "data/bad_events.log")
		.option("--json", "print the summary as JSON on stdout");
	addTopicOptions(command)
		.addHelpText(
			"after",
			`
Examples:
  node engine produce data/events.jsonl
  node engine produce data/events.jsonl --raw --rate 100 --loop
  zcat events.jsonl.gz | node engine produce - --json

The message key is payload.user_id. Empty lines are skipped; a \\r before the \\n is taken off unless --raw.`,
		)
		.action(async (file: string, given: Given) => {
			if (given.loop && file === "-") command.error("error: --loop needs a file: stdin cannot be read twice");
			const context = openContext(command, GROUPS);
			const { runProduce } = await import("./produce.ts");
			const delayMs = given.delay ?? 0;
			finish(
				await runProduce(context, {
					file,
					shuffle: given.shuffle ?? false,
					seed: given.seed,
					ratePerSecond: given.rate ?? null,
					delayMs,
					loop: given.loop ?? false,
					errorFile: given.errorFile,
					raw: given.raw ?? false,
					metricsPort: given.metricsPort ?? null,
					// A delay between events means that each of them goes alone.
					batchMessagesMax: delayMs > 0 ? 1 : given.batch,
					createPartitions: given.createTopic ? given.partitions : null,
					json: given.json ?? false,
				}),
			);
		});
	addConfigFlags(command, GROUPS);
}
