/** A real Prometheus with our rules, a real engine, and a Postgres that is taken away: what an operator would see. */
import t from "tap";
import { ALERTS, type AlertName } from "../../monitoring/thresholds.ts";
import {
	engineAlerts,
	type Prometheus,
	startPrometheus,
} from "../monitoring/prometheus/prometheus-server.ts";
import { alerts, readRules, secondsOf } from "../monitoring/prometheus/rule-files.ts";
import { runbookPages } from "../monitoring/prometheus/runbook-pages.ts";
import { startEngine } from "../support/engine-process.ts";
import { ownPostgres } from "../support/own-parts.ts";
import { untilCaughtUp } from "../support/partitions.ts";
import { chooseSeed, startProducer, stream } from "../support/stream.ts";
import { createTopic } from "../support/topic.ts";
import { waitUntil } from "../support/wait-until.ts";

/** What every alert's `for` is shortened to: long enough to be seen pending. */
const FOR_SECONDS = 4;
const PER_SECOND = 200;
/** An operator's patience. Without a commit under way nothing fails, and it takes 15 s more until that is noticed. */
const SEEN_WITHIN_MS = { EngineNotReady: 30_000, EngineFlushFailing: 60_000 };

/** Which of our alerts it must be. */
const EXPECTED = ["EngineNotReady", "EngineFlushFailing"] satisfies AlertName[];

/** Rules whose value is the share or the quantile of something that a calm minute does not have. */
const NEED_TROUBLE =
	/^(job:engine_postgres_oldest_snapshot_seconds:max|job:engine_payout:ratio24h|topic:engine_consumer_lag:deriv15m)$/;

t.test("Prometheus reads the rules as the tests do", async (t) => {
	const prometheus = await startPrometheus(t, { targets: ["127.0.0.1:9"], forSeconds: null });
	const loaded = await prometheus.rules();
	const ours = [...readRules("recording.rules.yml"), ...alerts()];
	t.same(loaded.map(({ name }) => name).sort(), ours.map(({ name }) => name).sort());
	for (const { name, fields } of alerts()) {
		const rule = loaded.find((one) => one.name === name);
		t.equal(rule?.duration, secondsOf(fields["for"]!), name);
		t.same(rule?.labels, { severity: fields["severity"] }, name);
		const { summary, description, runbook_url } = fields;
		t.same(rule?.annotations, { summary, description, runbook_url }, name);
	}
});

t.test("Postgres is taken away: the alert is pending, firing, and resolves when it is back", async (t) => {
	const seed = chooseSeed(t);
	const postgres = await ownPostgres(t);
	const { host, port, user, password, database } = postgres.at;
	const settings = { host, port, user, password, database, ssl: false as const };
	const topic = await createTopic(t, { partitions: 2 });
	// Events of now, none of them bad or late: nothing else may be wrong.
	const startSeconds = Math.floor(Date.now() / 1000) - 1_800;
	const messages = stream(seed, 100_000, { startSeconds, hours: 1, badRatio: 0, lateRatio: 0 });
	startProducer(t, topic, messages, PER_SECOND);
	const engine = await startEngine(t, { topic, database: { settings } });
	await waitUntil(async () => (await engine.status()).totals.stored > PER_SECOND, {
		what: "the first events",
	});
	const prometheus = await startPrometheus(t, {
		targets: [new URL(engine.url).host],
		forSeconds: FOR_SECONDS,
	});

	await t.test(
		"while all is well no alert is active, and every rule and every runbook's query works",
		async (t) => {
			await waitUntil(
				async () => (await prometheus.query("job:engine_flush_duration_seconds:p99_5m > 0")).length,
				{
					what: "two scrapes",
				},
			);
			await waitUntil(async () => (await prometheus.rules()).every(({ health }) => health === "ok"), {
				what: "every rule's health",
			});
			// Prometheus finds its targets 5 s after its start: until then no engine is up, for longer than our `for`.
			await waitUntil(() => noneActive(prometheus), { what: "no alert" });
			const names = readRules("recording.rules.yml").map(({ name }) => name);
			for (const name of names.filter((one) => !NEED_TROUBLE.test(one))) {
				// A rule over two scrapes has none at the evaluation between them.
				await waitUntil(async () => (await prometheus.query(name)).length > 0, {
					what: `a value of ${name}`,
				});
			}
			for (const { name, blocks } of runbookPages()) {
				for (const query of blocks("promql")) {
					await t.resolves(prometheus.query(query), `${name}: ${query.slice(0, 60)}`);
				}
			}
			await waitUntil(() => noneActive(prometheus), { what: "no alert still" });
		},
	);

	const awayAtMs = performance.now();
	const sinceAway = () => `${Math.round((performance.now() - awayAtMs) / 1000)} s after Postgres was gone`;
	await postgres.stop("crash");
	for (const name of EXPECTED) {
		await waitUntil(async () => (await engineAlerts(prometheus)).includes(name), {
			what: `${name} to be pending`,
			deadlineMs: Math.max(0, SEEN_WITHIN_MS[name] - (performance.now() - awayAtMs)),
		});
		t.comment(`${name} is seen ${sinceAway()}`);
	}
	for (const name of EXPECTED) {
		const firing = await waitUntil(
			async () =>
				(await prometheus.alerts()).find(
					({ labels, state }) => labels["alertname"] === name && state === "firing",
				),
			{ what: `${name} to fire` },
		);
		const pending = await prometheus.query(
			`count_over_time(ALERTS{alertname="${name}", alertstate="pending"}[5m])`,
		);
		// A busy machine skips evaluations.
		t.ok((pending[0]?.value ?? 0) >= 1, `${name} was pending before`);
		t.equal(firing.labels["severity"], ALERTS[name].severity);
		t.match(firing.annotations["summary"], new URL(engine.url).host, "says which engine");
	}
	t.comment(`both fire ${sinceAway()}`);
	for (const [query, what] of [
		[`up{job="lottery-engine"} == 1`, "the engine itself to answer"],
		[`instance:engine_flush_age_seconds:max > ${FOR_SECONDS}`, "what the runbook looks at to say so as well"],
	] as const) {
		await waitUntil(async () => (await prometheus.query(query)).length, { what });
	}

	await postgres.startAgain();
	await waitUntil(() => noneActive(prometheus), { what: "no alert any more" });
	await untilCaughtUp(engine);
	t.same(await engine.stop(), { code: 0, signal: null });
});

/** Whether no alert about the engine is pending or firing. Throws their names, for whoever waits in vain. */
async function noneActive(prometheus: Prometheus): Promise<boolean> {
	const active = await engineAlerts(prometheus);
	if (active.length > 0) throw new Error(`still active: ${active.join(", ")}`);
	return true;
}
