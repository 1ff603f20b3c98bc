/** The options of `node perf drain`. */
import { parseArgs } from "node:util";

export interface DrainOptions {
	readonly events: number;
	readonly partitions: number;
	readonly users: number;
	readonly hours: number;
	/** Share of events that are bad, 0 to 1. */
	readonly badRatio: number;
	readonly seed: number;
	/** The same topic is drained this often, each time into an empty database. */
	readonly runs: number;
	readonly json: boolean;
}

/** Below this the engine is done before its second commit is seen. */
const EVENTS_MIN = 100_000;
/** The generated topic takes about 150 bytes per event on disk. */
const EVENTS_MAX = 100_000_000;

export const DRAIN_HELP = `Usage: node perf drain [options]

Fills a topic, then measures how fast the engine empties it into an empty database.
Uses KAFKA_BROKERS and DATABASE_URL when both are set, else embedded ones of its own.

Options:
  --events N      events in the topic, at least ${EVENTS_MIN} (1000000)
  --partitions N  partitions of the topic (8)
  --users N       distinct users (10000)
  --hours N       hours of event time (24)
  --bad-ratio X   share of bad events, 0 to 1 (0)
  --seed N        seed of the stream (1)
  --runs N        runs over the same topic (3)
  --json          the result as JSON on stdout`;

/** The command line is wrong; the message says where. */
export class OptionError extends Error {
	override readonly name = "OptionError";
}

/** @throws OptionError */
export function parseDrainOptions(args: readonly string[]): DrainOptions | "help" {
	const text = { type: "string" } as const;
	const flag = { type: "boolean", default: false } as const;
	const options = {
		events: { ...text, default: "1000000" },
		partitions: { ...text, default: "8" },
		users: { ...text, default: "10000" },
		hours: { ...text, default: "24" },
		"bad-ratio": { ...text, default: "0" },
		seed: { ...text, default: "1" },
		runs: { ...text, default: "3" },
		json: flag,
		help: { ...flag, short: "h" },
	} as const;
	const values = parse(args, options);
	if (values.help) return "help";
	return {
		events: integer("events", values.events, EVENTS_MIN, EVENTS_MAX),
		partitions: integer("partitions", values.partitions, 1, 1000),
		users: integer("users", values.users, 1, 100_000_000),
		hours: integer("hours", values.hours, 1, 100_000),
		badRatio: ratio("bad-ratio", values["bad-ratio"]),
		seed: integer("seed", values.seed, 0, 2 ** 32 - 1),
		runs: integer("runs", values.runs, 1, 100),
		json: values.json,
	};
}

function parse<T extends NonNullable<Parameters<typeof parseArgs>[0]>["options"]>(
	args: readonly string[],
	options: T,
) {
	try {
		return parseArgs({ args: [...args], options }).values;
	} catch (error) {
		throw new OptionError((error as Error).message);
	}
}

function integer(name: string, text: string, min: number, max: number): number {
	const value = Number(text);
	if (/^\d+$/.test(text) && value >= min && value <= max) return value;
	throw new OptionError(`--${name} must be a whole number from ${min} to ${max}, not "${text}"`);
}

function ratio(name: string, text: string): number {
	const value = Number(text);
	if (/^[\d.]+$/.test(text) && value >= 0 && value <= 1) return value;
	throw new OptionError(`--${name} must be from 0 to 1, not "${text}"`);
}
