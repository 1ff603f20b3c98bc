/** The live page of a real engine, watched in a real browser while its Kafka and its Postgres come and go. */
import { createServer } from "node:net";
import { Kafka, logLevel } from "kafkajs";
import t from "tap";
import { createTopicAndWait } from "../../engine/kafka/new-topic.ts";
import { openBrowser, openPage } from "../support/browser.ts";
import { createDatabase } from "../support/database.ts";
import { startEngine } from "../support/engine-process.ts";
import { untilCounted } from "../support/expect-tables.ts";
import { ticket } from "../support/lottery-event.ts";
import { ownKafka, ownPostgres } from "../support/own-parts.ts";
import { chooseSeed, startProducer, stream } from "../support/stream.ts";
import { createTopic, send } from "../support/topic.ts";
import { waitUntil } from "../support/wait-until.ts";

/** What is promised: whoever watches nothing but the page knows the truth by then. */
const TRUTH_WITHIN_MS = 30_000;
/** Starting Kafka or Postgres again, and recovering, on a busy machine. */
const BACK_WITHIN_MS = 90_000;
const HOUR_MS = 3_600_000;

/** A port that was free a moment ago, for an engine that comes back on it. */
async function freePort(): Promise<number> {
	const server = createServer().listen(0, "127.0.0.1");
	await new Promise((resolve) => server.once("listening", resolve));
	const { port } = server.address() as { port: number };
	await new Promise((resolve) => server.close(resolve));
	return port;
}

/** A ticket in the hour `hoursAgo` before this one. */
function ticketOf(hoursAgo: number, amount: number, user = "user_1"): string {
	const hourMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - hoursAgo * HOUR_MS;
	return ticket({ time: new Date(hourMs + 60_000).toISOString(), amount, user });
}

const numberIn = (text: string): number => Number(text.replace(/[^\d.]/g, ""));

t.test("figures move with the traffic, a late event is marked, a restart is survived", async (t) => {
	const browser = await openBrowser(t);
	const database = await createDatabase(t);
	const topic = await createTopic(t, { partitions: 3 });
	const env = { HTTP_PORT: String(await freePort()) };
	const engine = await startEngine(t, { topic, database, env });
	const { page, text, complaints } = await openPage(browser, engine.url, { isCutOff: true });
	await waitUntil(() => text("#verdict-title").then((title) => title.includes("no event has come")), {
		what: "an engine without events",
	});

	const first = [...Array.from({ length: 200 }, (_, i) => ticketOf(i % 5, 2.5, `user_${i}`)), "{", "null"];
	await send(
		topic,
		// One batch: in two commits, the hours of the first would be corrected by the second.
		first.map((value, i) => ({ value, key: `user_${i}`, partition: 0 })),
	);
	await untilCounted(database.client, first.length);
	const revenue = () => text("#business-sums [data-key=Revenue] dd");
	await waitUntil(async () => (await revenue()) === "500.00", { what: "the revenue" });
	await waitUntil(async () => (await page.locator("#hours tbody tr").count()) === 5, {
		what: "an hour a row",
	});
	await waitUntil(async () => /^2 in Postgres/.test(await text("#dead-when")), { what: "the dead letters" });
	t.match(await text("#dead"), /json.*partition \d, offset \d+/);
	await waitUntil(
		async () =>
			/99 of 100 events of the last minute were in Postgres within/.test(await text("#verdict-text")),
		{ what: "the latency" },
	);
	await waitUntil(async () => numberIn(await text("#partitions tbody tr")) >= 0);

	// Four hours old: everything of that hour was there for long, as far as anybody knew.
	t.equal(await page.locator("tr[data-corrected]").count(), 0);
	await send(topic, [{ value: ticketOf(4, 7.25, "somebody new"), key: "late" }]);
	await page.locator("tr[data-corrected]").waitFor();
	t.match(await text("tr[data-corrected] th"), /corrected: revenue \+7\.25$/);
	await waitUntil(async () => (await revenue()) === "507.25");

	const sessions = () =>
		database.client.query<{ readonly: string }>(
			"SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'lottery-engine page %' AND datname = current_database()",
		);
	// One that took too long is replaced.
	await waitUntil(async () => (await sessions()).rowCount === 1, {
		what: "one connection, however many queries",
	});

	t.same(await engine.stop(), { code: 0, signal: null }, "a viewer keeps nobody from stopping");
	await page.locator("body[data-connection=disconnected]").waitFor();
	const again = await startEngine(t, { topic, database, env });
	await page.locator("body[data-connection=live]").waitFor();
	t.match(await text("#identity"), `pid ${again.pid}`);
	await waitUntil(async () => (await revenue()) === "507.25", { what: "the figures of before" });
	t.strictSame(complaints, []);

	await page.context().close();
	await waitUntil(async () => (await sessions()).rowCount === 0, {
		what: "the connection of the page closed once nobody looks",
	});
});

t.test("with Postgres away, then Kafka, the page says so, what it means, and that it is over", async (t) => {
	const seed = chooseSeed(t);
	const [browser, kafka, postgres] = await Promise.all([openBrowser(t), ownKafka(t), ownPostgres(t)]);
	const topic = { name: "page", brokers: kafka.at.brokers };
	await createTopicOn(topic);
	const { host, port, user, password, database: name } = postgres.at;
	const database = { settings: { host, port, user, password, database: name, ssl: false as const } };
	const messages = stream(seed, 200_000);
	const producer = startProducer(t, topic, messages, 500);
	producer.done.catch(() => {});
	const engine = await startEngine(t, { topic, database });
	const { page, text, complaints } = await openPage(browser, engine.url);
	const says = (selector: string, what: RegExp, deadlineMs = TRUTH_WITHIN_MS) =>
		waitUntil(async () => what.test(await text(selector)), { deadlineMs, what: `${what} in ${selector}` });
	await waitUntil(async () => numberIn(await text("[data-key=flush-edge] .amount")) > 0, {
		what: "rows per second",
	});
	await says("#verdict-title", /^Running/);
	await waitUntil(async () => (await page.locator("#hours tbody tr").count()) > 0, { what: "the hours" });

	let began = performance.now();
	await postgres.stop("crash");
	await says("#verdict-title", /^Not ready: Postgres does not store/);
	t.comment(`Postgres away: said after ${((performance.now() - began) / 1000).toFixed(1)} s`);
	await says("#verdict-text", /Kafka keeps what comes/);
	await says("#business-stale", /may be out of date: .*ECONNREFUSED/);
	t.ok((await page.locator("#hours tbody tr").count()) > 0, "the figures of before stay");
	await says("#flow [data-key=postgres]", /away/);
	await says("#flow [data-key=kafka]", /back-pressured|away/);
	await says("#partitions", /paused/);
	await waitUntil(async () => numberIn(await text("[data-key=EngineLagGrowing] .value")) > 0, {
		what: "a growing lag",
	});
	await postgres.startAgain();
	await says("#verdict-title", /^(Running|Catching up)/, BACK_WITHIN_MS);
	await waitUntil(() => page.locator("#business-stale").isHidden(), { what: "fresh figures" });
	await says("#flow [data-key=postgres]", /busy/);

	began = performance.now();
	await kafka.stop("crash");
	await says("#verdict-title", /^Not ready: Kafka does not answer/);
	t.comment(`Kafka away: said after ${((performance.now() - began) / 1000).toFixed(1)} s`);
	await says("#verdict-text", /The lag below is of \d\d:\d\d:\d\d; what has come since is not known/);
	await says("#flow [data-key=kafka]", /away/);
	await says("[data-key=EngineFreshnessHigh]", /as of \d+ s ago/);
	await waitUntil(() => page.locator("#business-stale").isHidden(), {
		what: "business figures as fresh as ever",
	});
	await kafka.startAgain();
	await says("#verdict-title", /^(Running|Catching up)/, BACK_WITHIN_MS);
	await page.locator("body[data-connection=live]").waitFor();
	t.strictSame(complaints, []);
	await producer.stop().catch(() => {});
});

async function createTopicOn({
	name,
	brokers,
}: {
	readonly name: string;
	readonly brokers: readonly string[];
}) {
	const admin = new Kafka({ clientId: "test", brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
	await admin.connect();
	await createTopicAndWait(admin, { topic: name, numPartitions: 3 });
	await admin.disconnect();
}
