import t from "tap";
import { scenario as bad } from "../../perf/bad.ts";
import { scenario as hotUser } from "../../perf/hot-user.ts";
import { scenario as lateHours } from "../../perf/late-hours.ts";
import { scenario as manyUsers } from "../../perf/many-users.ts";
import { scenario as restart } from "../../perf/restart.ts";
import { scenario as scale } from "../../perf/scale.ts";
import { scenario as slowPostgres } from "../../perf/slow-postgres.ts";
import { scenario as soak } from "../../perf/soak.ts";
import { OptionError, parseOptions } from "../../perf/support/options.ts";
import type { AnyScenario } from "../../perf/support/scenario.ts";

const ALL: readonly AnyScenario[] = [bad, hotUser, lateHours, manyUsers, restart, scale, slowPostgres, soak];

t.test("each has a name, a sentence and a short form within its own limits", async (t) => {
	for (const scenario of ALL) {
		t.match(scenario.name, /^[a-z-]+$/);
		t.ok(scenario.about.length > 20, scenario.about);
		const parsed = parseOptions(scenario, ["--quick"]);
		if ("help" in parsed) throw new Error("only asked for help");
		for (const [name, value] of Object.entries(scenario.quick ?? {})) {
			t.equal(parsed.values[name], value, `${scenario.name} --quick ${name}`);
			const spec = scenario.options[name];
			t.ok(
				spec && "min" in spec && Number(value) >= spec.min && Number(value) <= spec.max,
				`${name} ${value}`,
			);
		}
	}
});

t.test("without options they are what the issue names", async (t) => {
	const defaults = (scenario: AnyScenario) => {
		const parsed = parseOptions(scenario, []);
		if ("help" in parsed) throw new Error("only asked for help");
		return parsed.values;
	};
	t.equal(defaults(hotUser)["share"], 0.5, "half of all events from one user");
	t.equal(defaults(bad)["share"], 0.3, "30 % invalid");
	t.equal(defaults(lateHours)["days"], 30);
	t.ok(Number(defaults(manyUsers)["share"]) > 0.9, "nearly every event a new user");
	t.equal(defaults(scale)["engines"], 3);
	t.equal(defaults(slowPostgres)["frozenSeconds"], 20);
});

t.test("a soak says how long, and no share is more than all", async (t) => {
	t.match(parseOptions(soak, ["--minutes", "90.5"]), { values: { minutes: 90.5 } });
	t.throws(() => parseOptions(soak, ["--minutes", "0"]), OptionError);
	t.throws(
		() => parseOptions(bad, ["--share", "0.95"]),
		OptionError,
		"above which the engine would stop by design",
	);
	t.throws(() => parseOptions(slowPostgres, ["--freeze", "disk"]), OptionError);
});
