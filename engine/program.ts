/** Every command with its options and its help. A command's own code is loaded when it runs: `--help` stays fast. */
import { Argument, Command } from "commander";
import { packageVersion } from "../schema/package-root.ts";
import { type Finish, openContext } from "./commands/context.ts";
import { addGenerate } from "./commands/generate-options.ts";
import { nameValue, PARTITIONS_DEFAULT, PARTITIONS_MAX, wholeNumber } from "./commands/options.ts";
import { addProduce } from "./commands/produce-options.ts";
import { addConfigFlags } from "./config/flags.ts";
import type { VariableGroup } from "./config/variable.ts";
import { EXIT } from "./exit-codes.ts";

const EVERYTHING: readonly VariableGroup[] = ["kafka", "postgres", "engine", "http", "log", "home"];
const DATABASE: readonly VariableGroup[] = ["postgres", "log", "home"];

const HELP = `
Examples:
  node engine start                    run it; nothing configured means embedded Kafka and Postgres
  node engine start --source FILE      the same on a file of events, without Kafka
  node engine demo                     see it work on sample data
  node engine produce events.jsonl     send a file of events
  node engine report hourly            read the hourly metrics

Exit codes: 0 fine, 1 failure, 2 usage, 3 a check found problems, 65 too much bad input,
69 Kafka or Postgres unavailable, 78 configuration.`;

/** The program, and the exit code that the command it ran has given. */
export function createProgram(): { readonly program: Command; exitCode(): number } {
	let code: number = EXIT.ok;
	const finish: Finish = (given) => {
		code = given;
	};
	const program = new Command("node engine")
		.description("Kafka events to exact hourly business metrics in Postgres, exactly once.")
		.version(packageVersion(), "-V, --version", "print the version")
		.helpOption("-h, --help", "print help")
		.helpCommand("help [command]", "print help for a command")
		.configureHelp({ showGlobalOptions: false })
		.addHelpText("after", HELP)
		.exitOverride();
	addStart(program, finish);
	addDemo(program, finish);
	addProduce(program, finish);
	addGenerate(program, finish);
	addMigrate(program, finish);
	addCheck(program, finish);
	addConfig(program, finish);
	addSchema(program, finish);
	addReport(program, finish);
	addLocal(program, finish);
	for (const command of program.commands)
		command.version(packageVersion(), "-V, --version", "print the version");
	return { program, exitCode: () => code };
}

function addStart(program: Command, finish: Finish): void {
	const command = program
		.command("start")
		.description("run the engine until Ctrl-C or SIGTERM")
		.option("--migrate", "bring the schema of the database up to date first (the embedded one always is)")
		.option(
			"--partitions <n>",
			"partitions of the topic, when it is created on the embedded Kafka",
			wholeNumber(1, PARTITIONS_MAX),
			PARTITIONS_DEFAULT,
		)
		.option("--until-end", "with --source: end when the whole file is stored, instead of following it")
		.option("--no-tui", "no live view on a terminal: plain log lines, with a line of status now and then")
		.addHelpText(
			"after",
			`
Examples:
  node engine start
  node engine start --migrate --actors 4
  node engine start --source events.jsonl --until-end
  KAFKA_BROKERS=kafka:9092 DATABASE_URL=postgres://engine@db/lottery node engine start`,
		)
		.action(async (given: StartCommandOptions) => {
			const context = openContext(command, EVERYTHING);
			const { runStart } = await import("./commands/start.ts");
			const { migrate = false, untilEnd = false, partitions, tui } = given;
			finish(await runStart({ ...context, migrate, partitions, untilEnd, tui }));
		});
	addConfigFlags(command, EVERYTHING);
}

/** As commander gives them. */
interface StartCommandOptions {
	readonly migrate?: boolean;
	readonly partitions: number;
	readonly untilEnd?: boolean;
	readonly tui: boolean;
}

function addDemo(program: Command, finish: Finish): void {
	const groups: readonly VariableGroup[] = ["engine", "http", "log"];
	const command = program
		.command("demo")
		.description(
			"send the sample events through embedded Kafka and Postgres and show the result; without Java as a file",
		)
		.option("--exit", "end when the result is shown, instead of running on until Ctrl-C")
		.addHelpText(
			"after",
			"\nExamples:\n  node engine demo\n  node engine demo --exit\n  node engine demo --source events.jsonl --exit",
		)
		.action(async (options: { exit?: boolean }) => {
			const context = openContext(command, groups);
			const { runDemo } = await import("./commands/demo.ts");
			finish(await runDemo({ ...context, exits: options.exit ?? false }));
		});
	addConfigFlags(command, groups);
}

function addMigrate(program: Command, finish: Finish): void {
	const command = program
		.command("migrate")
		.description("bring the schema of the database up to date")
		.option("--status", "only say what is applied and what is missing; exit 3 when it is not current")
		.option("--json", "print JSON")
		.addHelpText("after", "\nExamples:\n  node engine migrate\n  node engine migrate --status")
		.action(async (options: { status?: boolean; json?: boolean }) => {
			const { config } = openContext(command, DATABASE);
			const { postgresOf } = await import("./commands/running-parts.ts");
			const { runMigrate } = await import("./commands/migrate.ts");
			finish(
				await runMigrate({
					settings: postgresOf(config),
					...options,
					out: process.stdout,
					log: process.stderr,
				}),
			);
		});
	addConfigFlags(command, DATABASE);
}

function addReport(program: Command, finish: Finish): void {
	const command = program
		.command("report")
		.description("print a report: hourly, daily, rolling, quality, lag, payout-risk, dead-letters")
		.argument("[name]", "which one", "hourly")
		.option("--json", "one JSON object a line")
		.option("--csv", "CSV (RFC 4180)")
		.option("--zone <name>", "time zone of the hours and days shown, such as Europe/Berlin (default: UTC)")
		.option("-v, --variable <name=value>", "a variable of the report, as psql takes it", nameValue, {})
		.addHelpText(
			"after",
			"\nExamples:\n  node engine report\n  node engine report daily --csv > daily.csv\n  node engine report hourly -v hours=24 --zone Europe/Berlin",
		)
		.action(async (name: string, options: ReportCommandOptions) => {
			const { config } = openContext(command, DATABASE);
			const { postgresOf } = await import("./commands/running-parts.ts");
			const { runReport } = await import("./commands/report.ts");
			const { variable: variables, ...rest } = options;
			finish(
				await runReport(name, { settings: postgresOf(config), ...rest, variables, out: process.stdout }),
			);
		});
	addConfigFlags(command, DATABASE);
}

interface ReportCommandOptions {
	readonly json?: boolean;
	readonly csv?: boolean;
	readonly zone?: string;
	readonly variable: Readonly<Record<string, string>>;
}

function addCheck(program: Command, finish: Finish): void {
	const command = program
		.command("check")
		.description("examine configuration, Kafka, topic, Postgres and schema; exit 3 when something is wrong")
		.option("--json", "print JSON")
		.addHelpText("after", "\nExamples:\n  node engine check\n  node engine check --json | jq .problems")
		.action(async (options: { json?: boolean }) => {
			const { runCheck } = await import("./commands/check.ts");
			finish(await runCheck({ open: () => openContext(command, EVERYTHING), json: options.json ?? false }));
		});
	addConfigFlags(command, EVERYTHING);
}

function addConfig(program: Command, finish: Finish): void {
	const command = program
		.command("config")
		.description("print every variable, its effective value and where it comes from; secrets are masked")
		.option("--json", "print JSON, with descriptions and rules")
		.option("--validate", "print nothing but whether it is valid; exit 78 with all problems when it is not")
		.addHelpText(
			"after",
			"\nExamples:\n  node engine config\n  node engine config --validate\n  node engine config --json",
		)
		.action(async (options: { json?: boolean; validate?: boolean }) => {
			const { entries } = openContext(command, EVERYTHING);
			const { runConfig } = await import("./commands/config.ts");
			finish(runConfig({ entries, json: options.json ?? false, validate: options.validate ?? false }));
		});
	addConfigFlags(command, EVERYTHING);
}

function addSchema(program: Command, finish: Finish): void {
	program
		.command("schema")
		.description("print the JSON Schema of an event")
		.addHelpText("after", "\nExample:\n  node engine schema > event.schema.json")
		.action(async () => {
			const { runSchema } = await import("./commands/schema.ts");
			finish(runSchema());
		});
}

function addLocal(program: Command, finish: Finish): void {
	const groups: readonly VariableGroup[] = ["kafka", "log", "home"];
	const command = program
		.command("local")
		.description("start or stop the embedded Kafka and Postgres without an engine")
		.addArgument(
			new Argument(
				"<action>",
				"up prints where they are as JSON and leaves them running, until an engine that uses them ends",
			).choices(["up", "down"]),
		)
		.option("--json", "accepted for scripts; the output is JSON anyway")
		.option(
			"--partitions <n>",
			"partitions of the topic, when it is created",
			wholeNumber(1, PARTITIONS_MAX),
			PARTITIONS_DEFAULT,
		)
		.addHelpText("after", "\nExamples:\n  node engine local up\n  node engine local down")
		.action(async (action: "up" | "down", { partitions }: { partitions: number }) => {
			const context = openContext(command, groups);
			const { runLocal } = await import("./commands/local.ts");
			finish(await runLocal({ ...context, action, partitions }));
		});
	addConfigFlags(command, groups);
}
