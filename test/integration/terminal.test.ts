import t from "tap";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { startEngine } from "../support/engine-process.ts";
import { ticket } from "../support/lottery-event.ts";
import { CTRL_C, CTRL_Q, CTRL_S, startOnTerminal, type TerminalEngine } from "../support/pseudo-terminal.ts";
import { createTopic, send, type TestTopic } from "../support/topic.ts";
import { waitUntil } from "../support/wait-until.ts";

const FIRST = /^lottery-engine \d/;
const LAST = /^http:\/\/.*Ctrl-C/;

/** The view, which must be whole and stand at the end, with the cursor below it. */
function viewOn({ screen }: TerminalEngine): string[] | null {
	const { lines, cursor } = screen;
	const first = lines.findLastIndex((line) => FIRST.test(line));
	const isWhole = first >= 0 && LAST.test(lines.at(-2) ?? "") && cursor.line === lines.length - 1;
	return isWhole ? lines.slice(first, -1) : null;
}

function countOfViews({ screen }: TerminalEngine): number {
	return screen.lines.filter((line) => FIRST.test(line)).length;
}

/** The last words; long lines have gone on in further rows. */
function endOfScreen({ screen }: TerminalEngine): string {
	return screen.lines.slice(-6).join("");
}

/** Those of the engine; it says so in its log. */
async function loseConnections({ client }: TestDatabase): Promise<void> {
	await client.query(
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
	);
}

async function sendTickets(topic: TestTopic, count: number): Promise<void> {
	await send(
		topic,
		Array.from({ length: count }, (_, index) => ({
			value: ticket({ user: `user_${index}` }),
			partition: index % 2,
		})),
	);
}

t.test("the view follows the engine below its log, whatever happens to terminal and engine", async (t) => {
	const [database, topic] = [await createDatabase(t), await createTopic(t, { partitions: 2 })];
	const engine = startOnTerminal(t, { database, topic });
	await engine.shows(/^● running · 0 events stored$/m);
	const { lines } = engine.screen;
	t.ok(
		lines.findIndex((line) => line.includes("engine is running: topic")) <
			lines.findIndex((line) => FIRST.test(line)),
		"the log stands above",
	);
	t.ok(engine.screen.colours > 0);

	await sendTickets(topic, 300);
	await send(topic, [{ value: "no JSON", partition: 0 }]);
	await engine.shows(/^● running · 300 events stored\n/m);
	await engine.shows(/^read +[1-9][\d.,]*\/s/m);
	await engine.shows(/^dead letters {2}1 .*json 1/m);
	await engine.shows(/^ +0 +151 +0 +0 s +2025-06-01 12:00 {2}running$/m);

	await loseConnections(database);
	await engine.shows(/^● running · 300 events stored · recovered/m);
	await waitUntil(() => viewOn(engine), { what: "a whole view below the new lines of the log" });
	t.equal(countOfViews(engine), 1, "log lines leave nothing of it behind");

	engine.resize(60, 30);
	await waitUntil(() => viewOn(engine)?.every((line) => line.length < 60), { what: "a view of 60 columns" });
	t.equal(countOfViews(engine), 1);

	engine.type(CTRL_S);
	// The lines that tell of it would hold the engine up, if it waited for them to be written.
	await loseConnections(database);
	await sendTickets(topic, 200);
	await waitUntil(
		async () => (await database.client.query("SELECT count(*)::int AS n FROM events")).rows[0].n === 500,
		{ what: "the engine going on while its terminal is stopped" },
	);
	const sentBefore = engine.sent().length;
	engine.type(CTRL_Q);
	await engine.shows(/500 events stored/);
	t.ok(engine.sent().length > sentBefore);
	await waitUntil(() => viewOn(engine), { what: "the view" });
	t.equal(countOfViews(engine), 1);

	engine.type(CTRL_C);
	t.equal(await engine.exited, 0);
	t.equal(countOfViews(engine), 0, "the view is gone");
	t.match(endOfScreen(engine), /stopped: 500 stored, 1 dead letters since the start$/);
	t.same(engine.screen.cursor.column, 0);
	t.ok(engine.screen.wraps);
});

t.test("a second Ctrl-C leaves the terminal as it was, and NO_COLOR leaves it without colours", async (t) => {
	const [database, topic] = [await createDatabase(t), await createTopic(t, { partitions: 2 })];
	const engine = startOnTerminal(t, { database, topic, rows: 14, columns: 60, env: { NO_COLOR: "1" } });
	await engine.shows(/^● running · 0 events stored$/m);
	await database.client.query("BEGIN; LOCK TABLE source_offsets");
	await sendTickets(topic, 20);
	await engine.shows(/^lag +20 events/m);
	engine.type(CTRL_C);
	await engine.shows(/^● not ready: stopping/m);
	// Behind a frame that was just drawn, a line of the log stands alone for a moment; here the view is to be below it.
	const sinceMs = performance.now();
	await waitUntil(() => performance.now() - sinceMs > 300 && viewOn(engine), { what: "a view that stands" });
	engine.type(CTRL_C);
	t.equal(await engine.exited, 1);
	t.match(endOfScreen(engine), /second SIGINT: ending at once; 20 records were read/);
	t.equal(countOfViews(engine), 0, "the view is gone");
	t.ok(engine.screen.wraps);
	t.equal(engine.screen.colours, 0);
	t.ok(engine.screen.sequences > 0);
});

t.test("without a view there are plain lines, and now and then one of status", async (t) => {
	const [database, topic] = [await createDatabase(t), await createTopic(t, { partitions: 2 })];
	const [other, otherTopic] = [await createDatabase(t), await createTopic(t, { partitions: 2 })];
	const terminal = startOnTerminal(t, { database, topic, args: ["--no-tui"], env: { NO_COLOR: "1" } });
	const piped = await startEngine(t, { database: other, topic: otherTopic });
	await terminal.shows(/engine is running: topic/);
	await sendTickets(topic, 20);
	await sendTickets(otherTopic, 20);
	await terminal.shows(/status: running; .*20 stored and 0 dead letters/s);
	const line = await waitUntil(
		() =>
			piped.log.find(({ component, stored, lag }) => component === "status" && stored === 20 && lag === 0),
		{ what: "a line of status in the log" },
	);
	t.match(line, { level: "info", state: "running", stored: 20, deadLetters: 0, lag: 0, partitions: 2 });
	t.same(piped.errors, [], "nothing but the log");
	terminal.type(CTRL_C);
	t.equal(await terminal.exited, 0);
	t.equal(terminal.screen.sequences, 0);
	t.match(endOfScreen(terminal), /stopped: 20 stored, 0 dead letters since the start$/);
	t.same(await piped.stop(), { code: 0, signal: null });
});
