import t from "tap";
import { sumOf } from "../../../perf/support/scrape.ts";

const TEXT = `# HELP lag Records not stored
# TYPE lag gauge
lag{partition="0"} 3
lag{partition="1"} 4
lag_seconds{partition="0"} 100
other_lag 1000
plain 7
plain2 1000
stamped{a="}"} 5 1700000000000
odd{name="lag 9"} 2
rate NaN
big 1.5e+06
last 8`;

t.test("a metric is summed over its labels, and only that metric", async (t) => {
	t.equal(sumOf(TEXT, "lag"), 7);
	t.equal(sumOf(TEXT, "lag_seconds"), 100);
	t.equal(sumOf(TEXT, "plain"), 7);
	t.equal(sumOf(TEXT, "stamped"), 5, "a bracket in a label and a timestamp behind the value");
	t.equal(sumOf(TEXT, "odd"), 2);
	t.equal(sumOf(TEXT, "big"), 1_500_000);
	t.equal(sumOf(TEXT, "last"), 8, "a last line without its end");
});

t.test("what is not there is unknown, not nothing", async (t) => {
	t.equal(sumOf(TEXT, "missing"), null);
	t.equal(sumOf(TEXT, "rate"), null);
	t.equal(sumOf("", "lag"), null);
});
