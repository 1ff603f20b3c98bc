/**
 * What the dashboards say of a real engine: every query of every panel runs, against a real Prometheus with our rules and
 * the real schema as the role `reporter`, and has rows; and the colours are those of what is wrong.
 */
import pg from "pg";
import t from "tap";
import {
	colorOf,
	type Dashboard,
	initialVariables,
	panelsOf,
	panelTitled,
	readDashboard,
	type Target,
} from "../monitoring/grafana-files.ts";
import type { Prometheus } from "../monitoring/prometheus/prometheus-server.ts";
import { untilCounted } from "../support/expect-tables.ts";
import { checkColumns } from "../support/grafana-columns.ts";
import { expandPromql, expandSql, type QueryScope, type VariableValue } from "../support/grafana-query.ts";
import { waitUntil } from "../support/wait-until.ts";
import { ODD, startWatchedEngine } from "../support/watched-engine.ts";

const ENGINE = readDashboard("engine");
const BUSINESS = readDashboard("business");
/** An operator's patience. */
const SEEN_WITHIN_MS = 30_000;
/** More than a calm engine is ever without a commit while something waits; the panel is red at 15 s. */
const UNSTORED_SECONDS = 3;
/** Longer than this file runs, so that what happened once stays on the charts. */
const CHART_SECONDS = 300;
/** Prometheus of the tests looks every second. */
const SCRAPE_MS = 1_000;
const HOUR_MS = 3_600_000;

function scopeOf(
	dashboard: Dashboard,
	{
		hours,
		variables = {},
		nowMs = Date.now(),
	}: { hours: number; variables?: Readonly<Record<string, VariableValue>>; nowMs?: number },
): QueryScope {
	return {
		fromMs: nowMs - hours * HOUR_MS,
		toMs: nowMs,
		intervalMs: SCRAPE_MS,
		// As if scraped half as often: a loaded machine misses some.
		scrapeIntervalMs: 2 * SCRAPE_MS,
		variables: { ...initialVariables(dashboard), ...variables },
	};
}

type Series = Awaited<ReturnType<Prometheus["query"]>>;

/** Asks as Grafana does: charts for a range, numbers and tables for this moment. */
function ask(prometheus: Prometheus, { expr = "", instant }: Target): Promise<Series> {
	const query = expandPromql(expr, scopeOf(ENGINE, { hours: 1 }));
	return instant === true ? prometheus.query(query) : prometheus.queryRange(query, CHART_SECONDS);
}

/** The newest value of a panel of the engine's dashboard that has one; null without. */
async function newestOf(prometheus: Prometheus, title: string): Promise<number | null> {
	const [target] = panelTitled(ENGINE, title).targets ?? [];
	const query = expandPromql(target?.expr ?? "", scopeOf(ENGINE, { hours: 1 }));
	const [series] = await prometheus.query(query);
	return series?.value ?? null;
}

async function colorNow(prometheus: Prometheus, title: string): Promise<string> {
	const value = await newestOf(prometheus, title);
	return value === null ? "no data" : colorOf(panelTitled(ENGINE, title), value);
}

/** A scrape that a busy machine has missed, or a heartbeat, is red for a moment. */
async function untilGreen(prometheus: Prometheus, title: string): Promise<void> {
	await waitUntil(
		async () => {
			const color = await colorNow(prometheus, title);
			if (color !== "green") throw new Error(color);
			return true;
		},
		{ what: `${title} to be green` },
	);
}

t.test("the dashboards of a running engine", async (t) => {
	const { postgres, engine, producer, prometheus, reporter } = await startWatchedEngine(t);

	await t.test("every query of the engine's dashboard has rows, with the labels that it shows", async (t) => {
		for (const panel of panelsOf(ENGINE)) {
			for (const target of panel.targets ?? []) {
				const what = `${panel.title}, ${target.refId}`;
				const series = await waitUntil(
					async () => {
						const rows = await ask(prometheus, target);
						return rows.length > 0 && rows;
					},
					{ what: `rows of ${what}: ${target.expr}` },
				);
				t.ok(series.length > 0, what);
				for (const [, label] of target.legendFormat?.matchAll(/\{\{(\w+)\}\}/g) ?? []) {
					t.ok(
						series.every(({ labels }) => label! in labels),
						`${what} has the label ${label}`,
					);
				}
			}
		}
	});

	await t.test("tables are put together by labels and values that there are", async (t) => {
		for (const title of ["Engines", "Partitions"]) {
			const { targets = [], transformations = [] } = panelTitled(ENGINE, title);
			const answers = await waitUntil(
				async () => {
					const all = await Promise.all(targets.map((target) => ask(prometheus, target)));
					return all.every((rows) => rows.length > 0) && all;
				},
				{ what: `rows of ${title}` },
			);
			const joinBy = transformations.find(({ id }) => id === "joinByField")?.options["byField"] as string;
			for (const rows of answers)
				for (const { labels } of rows) t.ok(joinBy in labels, `${title} by ${joinBy}`);
			const have = new Set([
				...targets.map(({ refId }) => `Value #${refId}`),
				...answers.flatMap((rows) => rows.flatMap(({ labels }) => Object.keys(labels))),
			]);
			const shown = transformations.find(({ id }) => id === "filterFieldsByName")?.options["include"];
			for (const name of (shown as { names: string[] }).names) t.ok(have.has(name), `${title} has ${name}`);
		}
	});

	await t.test("every choice at the top has values, and narrows what is shown", async (t) => {
		for (const { name, type, query } of ENGINE.templating.list.filter(({ type }) => type === "query")) {
			const text = typeof query === "string" ? query : query.query;
			const [, series = "", label] = /^label_values\((.+), (\w+)\)$/.exec(text) ?? [];
			const expr = expandPromql(series, scopeOf(ENGINE, { hours: 1 }));
			t.ok((await prometheus.query(`count by (${label}) (${expr})`)).length > 0, `${type} ${name}`);
		}
		const { expr = "" } = panelTitled(ENGINE, "Ready").targets![0]!;
		const of = (instance: readonly string[]) =>
			prometheus.query(expandPromql(expr, scopeOf(ENGINE, { hours: 1, variables: { instance } })));
		t.equal((await of([new URL(engine.url).host, "other:1"])).length, 1);
		t.equal((await of(["other:1"])).length, 0);
	});

	await t.test("what went wrong is in the panel for it, and what did not is green", async (t) => {
		const labelsOf = async (title: string, label: string) => {
			const rows = await ask(prometheus, panelTitled(ENGINE, title).targets![0]!);
			return rows.map(({ labels }) => labels[label]).sort();
		};
		const refused = async () =>
			(await labelsOf("Refused, by reason", "reason")).filter((reason) => reason !== "none");
		await waitUntil(async () => (await refused()).length >= 2, { what: "what was refused" });
		t.same(await refused(), ["json", "schema"]);
		await waitUntil(async () => (await labelsOf("Late, by age", "age")).some((age) => age !== "none"), {
			what: "what was late",
		});
		for (const title of [
			"Engines that answer",
			"Ready",
			"Freshness",
			"Halted partitions",
			"Partitions that stand still",
			"Failed commits in a row",
			"Unstored for",
			"Read per second, 5 min",
			"Oldest snapshot in Postgres",
			"Actors lost, in 15 min",
			"Partitions shared out, in 10 min",
		]) {
			await untilGreen(prometheus, title);
		}
	});

	await t.test("the business's queries run as the role reporter, and have rows", async (t) => {
		const client = new pg.Client(reporter);
		await client.connect();
		t.teardown(() => client.end());
		for (const panel of panelsOf(BUSINESS)) {
			for (const { rawSql = "", format } of panel.targets ?? []) {
				const sql = expandSql(rawSql, scopeOf(BUSINESS, { hours: 7 * 24 }));
				const { rows, fields } = await client.query<Record<string, unknown>>(sql);
				t.ok(rows.length > 0, `${panel.title} has rows`);
				checkColumns(t, panel, format, fields);
				if (format !== "time_series") continue;
				const times = rows.map(({ time }) => (time as Date).getTime());
				t.same(
					times,
					times.toSorted((a, b) => a - b),
					`${panel.title} is in the order of time`,
				);
			}
		}
	});

	await t.test("Postgres is taken away: the right panels turn red, and green again", async (t) => {
		const awayAtMs = performance.now();
		await postgres.stop("crash");
		const soon = () => ({ deadlineMs: Math.max(0, SEEN_WITHIN_MS - (performance.now() - awayAtMs)) });
		const isRed = async (title: string) => (await colorNow(prometheus, title)) === "red";
		await waitUntil(() => isRed("Ready"), { what: "Ready to be red", ...soon() });
		t.comment(`red ${Math.round((performance.now() - awayAtMs) / 1000)} s after Postgres was gone`);
		// A commit that was under way has failed; otherwise the time without one is counted, and is red in its turn.
		await waitUntil(
			async () =>
				(await isRed("Failed commits in a row")) ||
				((await newestOf(prometheus, "Unstored for")) ?? 0) > UNSTORED_SECONDS,
			{ what: "nothing stored to be seen", ...soon() },
		);
		// The engine itself is there.
		await untilGreen(prometheus, "Engines that answer");
		await untilGreen(prometheus, "Halted partitions");
		await postgres.startAgain();
		for (const title of ["Ready", "Failed commits in a row", "Unstored for"]) {
			await untilGreen(prometheus, title);
		}
	});

	await t.test(
		"then the business's figures are still those of the events, whatever the zone of the days",
		async (t) => {
			const client = new pg.Client(reporter);
			await client.connect();
			t.teardown(() => client.end());
			await untilCounted(client, (await producer.stop()) + ODD.length);
			const nowMs = Date.now();
			const figures = async (title: string, zone = "UTC") => {
				const [{ rawSql = "" } = {}] = panelTitled(BUSINESS, title).targets ?? [];
				const scope = scopeOf(BUSINESS, { hours: 7 * 24, variables: { zone }, nowMs });
				return (await client.query<Record<string, string>>(expandSql(rawSql, scope))).rows;
			};
			const ask = async (sql: string, ...values: unknown[]) =>
				(await client.query<Record<string, string>>(sql, values)).rows;
			const rows = await ask(
				`WITH newest AS (
					SELECT max(date_trunc('hour', event_time, 'UTC')) AS hour FROM events
					WHERE date_trunc('hour', event_time, 'UTC') <= to_timestamp($1 / 1000.0)
				)
				SELECT sum(amount) FILTER (WHERE event_type = 'ticket_purchased') AS revenue,
					sum(amount) FILTER (WHERE event_type = 'claim_reward') AS payouts,
					count(*) FILTER (WHERE event_type = 'ticket_purchased') AS tickets,
					count(DISTINCT user_id) AS users
				FROM events, newest
				WHERE event_time >= newest.hour - interval '23 hours' AND event_time < newest.hour + interval '1 hour'`,
				nowMs,
			);
			const [day] = rows;
			t.same(await figures("Revenue, 24 h"), [{ Revenue: day!["revenue"] }]);
			t.same(await figures("Payouts, 24 h"), [{ Payouts: day!["payouts"] }]);
			t.same(await figures("Tickets, 24 h"), [{ Tickets: day!["tickets"] }]);
			t.same(await figures("Users, 24 h"), [{ Users: day!["users"] }]);
			// By chance, an hour of the generated traffic may have lost more.
			const hours = await figures("Hours with too much paid out");
			const planted = hours.find(({ Revenue, Payouts }) => Revenue === "100.00" && Payouts === "500.00");
			t.equal(planted?.["Paid out"], "5.0000");
			// Of these two, one has another date than UTC at any time of the day.
			for (const zone of ["UTC", "Pacific/Tongatapu", "Pacific/Pago_Pago"]) {
				const days = await ask(
					`SELECT (event_time AT TIME ZONE $2)::date::text AS day,
						count(*) FILTER (WHERE event_type = 'ticket_purchased') AS tickets, count(DISTINCT user_id) AS users
					FROM events WHERE date_trunc('hour', event_time, 'UTC') <= to_timestamp($1 / 1000.0)
					GROUP BY 1 ORDER BY 1 DESC`,
					nowMs,
					zone,
				);
				t.same(
					(await figures("Days", zone)).map(({ Day, Tickets, Users }) => [Day, Tickets, Users]),
					days.map(({ day, tickets, users }) => [day, tickets, users]),
					`days of ${zone}`,
				);
			}
		},
	);

	await t.test(
		"the engine is killed: its number is 0, and nothing else claims that all is well",
		async (t) => {
			engine.kill("SIGKILL");
			await waitUntil(async () => (await newestOf(prometheus, "Engines that answer")) === 0, {
				what: "no engine",
			});
			t.equal(await colorNow(prometheus, "Engines that answer"), "red");
			for (const title of [
				"Ready",
				"Freshness",
				"Halted partitions",
				"Partitions that stand still",
				"Oldest snapshot in Postgres",
			]) {
				await waitUntil(async () => (await colorNow(prometheus, title)) === "no data", {
					what: `no data in ${title}`,
				});
			}
		},
	);
});
