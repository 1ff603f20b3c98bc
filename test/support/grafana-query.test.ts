// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Grafana's variables look like this.
/** The stand-in for what Grafana does to a query before it is sent. */
import t from "tap";
import { expandPromql, expandSql, type QueryScope, variablesIn } from "./grafana-query.ts";

const SCOPE: QueryScope = {
	fromMs: Date.UTC(2025, 5, 1, 10),
	toMs: Date.UTC(2025, 5, 1, 12),
	intervalMs: 15_000,
	scrapeIntervalMs: 5_000,
	variables: { job: { raw: ".+" }, instance: ["a.b:1", "c:2"], topic: "t+1", zone: "O'Hare" },
};

t.test("variables of PromQL are regular expressions, unless they stand for all", async (t) => {
	t.equal(expandPromql('up{job=~"$job"}', SCOPE), 'up{job=~".+"}');
	t.equal(expandPromql('up{instance=~"$instance"}', SCOPE), 'up{instance=~"(a\\\\.b:1|c:2)"}');
	t.equal(expandPromql('up{topic=~"${topic}"}', SCOPE), 'up{topic=~"t\\\\+1"}');
	t.equal(expandPromql('up{topic=~"${instance:regex}"}', SCOPE), 'up{topic=~"a\\\\.b:1|c:2"}');
});

t.test("durations: a rate looks back over four scrapes at least", async (t) => {
	t.equal(expandPromql("rate(x[$__rate_interval])", SCOPE), "rate(x[20000ms])");
	t.equal(expandPromql("x[$__rate_interval]", { ...SCOPE, intervalMs: 60_000 }), "x[65000ms]");
	t.equal(expandPromql("x[$__interval] offset $__range", SCOPE), "x[15000ms] offset 7200000ms");
});

t.test("macros of SQL become the time range", async (t) => {
	const [from, to] = ["'2025-06-01T10:00:00.000Z'", "'2025-06-01T12:00:00.000Z'"];
	t.equal(
		expandSql("WHERE $__timeFilter(h.hour) AND x", SCOPE),
		`WHERE h.hour BETWEEN ${from} AND ${to} AND x`,
	);
	t.equal(expandSql("$__timeFrom()::timestamptz, $__timeTo()", SCOPE), `${from}::timestamptz, ${to}`);
	t.equal(expandSql("AT TIME ZONE ${zone:sqlstring}", SCOPE), "AT TIME ZONE 'O''Hare'");
	t.equal(expandSql("${instance:sqlstring}", SCOPE), "'a.b:1','c:2'");
	t.equal(expandSql("at ${topic:raw} and $topic", SCOPE), "at t+1 and t+1");
});

t.test("what it does not know it refuses", async (t) => {
	t.throws(() => expandPromql("$nobody", SCOPE), /unknown variable \$nobody/);
	t.throws(() => expandPromql("${topic:csv}", SCOPE), /unknown format/);
	t.throws(() => expandSql("$__timeGroup(hour, 1h)", SCOPE), /unknown macro/);
	t.throws(() => expandSql("$__timeFilter()", SCOPE), /needs a column/);
	t.throws(() => expandSql("$instance", SCOPE), /need a format/);
});

t.test("the variables of a text are found, built-in ones and macros left out", async (t) => {
	t.same(variablesIn('x{job=~"$job", a="${zone:raw}"}[$__rate_interval] $__timeFilter(x) $job'), [
		"job",
		"zone",
	]);
});
