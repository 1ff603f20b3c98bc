import t from "tap";
import {
	choice,
	commandLineOf,
	decimal,
	flag,
	integer,
	OptionError,
	parseOptions,
} from "../../../perf/support/options.ts";

const scenario = {
	name: "waves",
	about: "sends waves",
	options: {
		events: integer(1000, [10, 1_000_000], "events in the topic"),
		badRatio: decimal(0.5, [0, 1], "share of bad events"),
		dry: flag("sends nothing"),
		shape: choice("sine", ["sine", "square"], "of the waves"),
	},
	quick: { events: 100 },
} as const;

function valuesOf(...args: string[]) {
	const parsed = parseOptions(scenario, args);
	return "help" in parsed ? parsed.help : parsed.values;
}

t.test("without options the declared defaults hold", async (t) => {
	t.strictSame(valuesOf(), { events: 1000, badRatio: 0.5, dry: false, shape: "sine" });
});

t.test("options are read in both spellings", async (t) => {
	const wanted = { events: 20_000, badRatio: 0.05, dry: true, shape: "square" };
	t.strictSame(valuesOf("--events", "20_000", "--bad-ratio=0.05", "--dry", "--shape", "square"), wanted);
});

t.test("the short form replaces defaults, but not what was given", async (t) => {
	t.match(valuesOf("--quick"), { events: 100, badRatio: 0.5 });
	t.match(valuesOf("--quick", "--events", "200"), { events: 200 });
});

t.test("a wrong option is named with what is allowed", async (t) => {
	const wrong: Record<string, [string[], RegExp]> = {
		"no whole number": [["--events", "1e3"], /--events.*whole number from 10 to 1000000/],
		"too small": [["--events", "9"], /--events.*from 10 to 1000000/],
		"too great": [["--bad-ratio", "1.5"], /--bad-ratio.*from 0 to 1/],
		"no number": [["--bad-ratio", "many"], /--bad-ratio.*a number from 0 to 1/],
		"no choice": [["--shape", "round"], /--shape.*sine, square/],
		"a typing error": [["--evnets", "10"], /unknown option '--evnets'/],
		"something extra": [["extra"], /too many arguments/],
		"a setting without a value": [["--set", "FLUSH_ROWS_MAX"], /--set.*FLUSH_ROWS_MAX=40000/],
	};
	for (const [what, [args, message]] of Object.entries(wrong)) {
		t.throws(() => parseOptions(scenario, args), OptionError, what);
		t.throws(() => parseOptions(scenario, args), message, what);
	}
});

t.test("settings for the engine are gathered, also when their value holds an equals sign", async (t) => {
	const parsed = parseOptions(scenario, ["--set", "ACTORS=1", "--json", "--set", "LOG_LEVEL=a=b"]);
	if ("help" in parsed) throw new Error("no help was asked for");
	t.strictSame(parsed.common, { json: true, quick: false, settings: { ACTORS: "1", LOG_LEVEL: "a=b" } });
});

t.test("the help says of every option what it is, its range and its default", async (t) => {
	const help = String(valuesOf("--help"));
	t.match(help, /sends waves/);
	t.match(help.replaceAll(/\s+/g, " "), "--events <n> events in the topic, 10 to 1000000 (default: 1000)");
	t.match(help.replaceAll(/\s+/g, " "), "--quick short: --events 100");
	for (const name of ["--bad-ratio", "--dry", "--shape", "--json", "--set"]) t.match(help, name);
});

t.test("what was measured can be typed again", async (t) => {
	const args = ["--bad-ratio", "0.25", "--dry", "--quick", "--set", "ACTORS=1"];
	const parsed = parseOptions(scenario, args);
	if ("help" in parsed) throw new Error("no help was asked for");
	const line = commandLineOf(scenario.options, parsed.values, parsed.common);
	t.equal(line, "--events 100 --bad-ratio 0.25 --dry --set ACTORS=1");
	const again = parseOptions(scenario, line.split(" "));
	t.match(again, { values: parsed.values });
});
