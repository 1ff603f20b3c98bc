import t from "tap";
import { DRAIN_HELP, OptionError, parseDrainOptions } from "../../../perf/support/drain-options.ts";

t.test("without options the defaults of the help hold", async (t) => {
	const options = parseDrainOptions([]);
	t.match(options, { events: 1_000_000, partitions: 8, users: 10_000, runs: 3, badRatio: 0, json: false });
	t.match(DRAIN_HELP, "(1000000)");
});

t.test("options are read, and help comes first", async (t) => {
	t.match(parseDrainOptions(["--events", "200000", "--bad-ratio=0.05", "--json"]), {
		events: 200_000,
		badRatio: 0.05,
		json: true,
	});
	t.equal(parseDrainOptions(["--help"]), "help");
});

t.test("a wrong option is named with what is allowed", async (t) => {
	t.throws(() => parseDrainOptions(["--events", "1e6"]), OptionError);
	t.throws(() => parseDrainOptions(["--events", "10"]), /--events must be .* from 100000/);
	t.throws(() => parseDrainOptions(["--bad-ratio", "2"]), /--bad-ratio must be from 0 to 1/);
	t.throws(() => parseDrainOptions(["--evnets", "1"]), OptionError);
	t.throws(() => parseDrainOptions(["extra"]), OptionError);
});
