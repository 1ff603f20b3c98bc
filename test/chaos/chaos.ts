/**
 * Process chaos from the command line: `npm run chaos -- --minutes 60 --seed N`. Progress goes to stderr, the table to
 * stdout. Exit 0: nothing lost, repeated or wrong, and everything healed; 1: something was; 2: not understood.
 */
import { randomInt } from "node:crypto";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { packageRoot } from "../../schema/package-root.ts";
import { campaign, keepResult } from "./campaign.ts";
import { chooseFaults } from "./faults.ts";
import type { CampaignOptions } from "./options.ts";
import { summaryOf, tableOf } from "./table.ts";

const USAGE = `npm run chaos -- [options]
  --minutes N        how long faults strike; default 10
  --seconds N        the same, finer
  --seed N           repeats the plan of another run; default random
  --engines 1..3     default 2
  --brokers 1|3      default 1
  --faults a,b       only these, by name or by victim (engine, postgres, broker, postgres-wire, kafka-wire, messages)
  --rate N           messages a second; default 600
  --chapter N        seconds until topic and database are judged and replaced; default 300
  --together N       faults of one round while each is struck for the first time; default 1
  --bail             ends with the first chapter that has a problem
  --patience N       seconds to be well again in after a fault; default 60, more on a busy machine
  --no-calm          without the calm run at the end of each chapter
  --dist DIR         another build whose engine is to be run
  --json             the result as JSON instead of the table`;

const MINUTES = 10;
const PER_SECOND = 600;
const CHAPTER_SECONDS = 300;
const PATIENCE_SECONDS = 60;
/** Of another build: the engine, and what makes it mortal. */
const BUILD_FILES = ["engine/main.js", "test/support/deadly-actor.js"];

process.exitCode = await main();

async function main(): Promise<number> {
	let options: Omit<CampaignOptions, "signal">;
	let json: boolean;
	try {
		({ options, json } = readOptions(process.argv.slice(2)));
	} catch (error) {
		console.error(`${(error as Error).message}\n${USAGE}`);
		return 2;
	}
	const interruption = new AbortController();
	for (const signal of ["SIGINT", "SIGTERM"])
		process.once(signal, () => {
			options.say("ending after this round");
			interruption.abort();
		});
	options.say(`seed ${options.seed}`);
	const result = await campaign({ ...options, signal: interruption.signal });
	process.stdout.write(json ? `${JSON.stringify({ ...summaryOf(result), ...result })}\n` : tableOf(result));
	if (result.isFine) return 0;
	keepResult(result, options.logs);
	for (const problem of result.problems) console.error(problem);
	console.error(`failed; repeat it with --seed ${options.seed}; logs are in ${options.logs}`);
	return 1;
}

function readOptions(args: readonly string[]): { options: CampaignOptions; json: boolean } {
	const { values } = parseArgs({
		args: [...args],
		options: {
			minutes: { type: "string" },
			seconds: { type: "string" },
			seed: { type: "string" },
			engines: { type: "string", default: "2" },
			brokers: { type: "string", default: "1" },
			faults: { type: "string", default: "" },
			rate: { type: "string", default: String(PER_SECOND) },
			chapter: { type: "string", default: String(CHAPTER_SECONDS) },
			together: { type: "string", default: "1" },
			patience: { type: "string", default: String(PATIENCE_SECONDS) },
			bail: { type: "boolean", default: false },
			"no-calm": { type: "boolean", default: false },
			dist: { type: "string" },
			json: { type: "boolean", default: false },
		},
	});
	const number = (name: string, text: string, allowed?: readonly number[]): number => {
		const value = Number(text);
		if (!Number.isFinite(value) || value < 0) throw new RangeError(`--${name} is not a number: ${text}`);
		if (allowed !== undefined && !allowed.includes(value))
			throw new RangeError(`--${name} must be one of ${allowed.join(", ")}`);
		return value;
	};
	const seed = number("seed", values.seed ?? String(randomInt(2 ** 31)));
	const build = values.dist === undefined ? null : resolve(values.dist);
	for (const file of build === null ? [] : BUILD_FILES) {
		if (!existsSync(join(build!, file)))
			throw new RangeError(`--dist ${values.dist}: there is no ${file} in it`);
	}
	const startedMs = performance.now();
	return {
		json: values.json,
		options: {
			seed,
			seconds: number(
				"seconds",
				values.seconds ?? String(number("minutes", values.minutes ?? String(MINUTES)) * 60),
			),
			engines: number("engines", values.engines, [1, 2, 3]) as 1 | 2 | 3,
			brokers: number("brokers", values.brokers, [1, 3]) as 1 | 3,
			faults: chooseFaults(values.faults.split(",").filter((name) => name !== "")),
			together: number("together", values.together, [1, 2, 3, 4]),
			chapterSeconds: number("chapter", values.chapter),
			perSecond: number("rate", values.rate),
			patienceMs: number("patience", values.patience) * 1_000,
			bail: values.bail,
			calm: !values["no-calm"],
			build,
			logs: join(packageRoot(), ".engine-chaos", `seed-${seed}-${Date.now()}`),
			say: (line) =>
				console.error(`${((performance.now() - startedMs) / 1_000).toFixed(1).padStart(7)} s  ${line}`),
		},
	};
}
