import t from "tap";
import { LiveView, REPAINT_MS } from "../../../engine/terminal/live-view.ts";
import { Output } from "../../../engine/terminal/output.ts";
import { styleFor } from "../../../engine/terminal/style.ts";
import type { EngineStatus } from "../../../monitoring/status.ts";
import { engineStatus } from "../../support/engine-status.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ScreenReader } from "../../support/screen-reader.ts";

/** A view on a terminal of 80 by 24 that can be made narrower, stopped, closed, put into the background. */
function open() {
	const clock = new ManualClock();
	const reader = new ScreenReader(80, 24);
	const terminal = {
		size: { columns: 80, rows: 24 },
		isForeground: true,
		/** Bytes that are taken before it says EAGAIN. */
		takes: Number.POSITIVE_INFINITY,
		writes: [] as string[],
		/** How long the engine stood still for it at its end, and after how long it takes everything. */
		waitedMs: 0,
		awakeAfterMs: Number.POSITIVE_INFINITY,
		errors: [] as unknown[],
		status: (): EngineStatus => engineStatus({ startedAtMs: clock.nowMs() - 5_000 - clock.monotonicMs() }),
	};
	const write = (bytes: Uint8Array): number => {
		const taken = Math.min(bytes.length, terminal.takes);
		if (taken === 0) throw Object.assign(new Error("EAGAIN"), { code: "EAGAIN" });
		terminal.takes -= taken;
		const text = Buffer.from(bytes.subarray(0, taken)).toString("latin1");
		terminal.writes.push(text);
		reader.write(text);
		return taken;
	};
	const view = new LiveView({
		clock,
		out: new Output(write, (ms) => {
			terminal.waitedMs += ms;
			if (terminal.waitedMs >= terminal.awakeAfterMs) terminal.takes = Number.POSITIVE_INFINITY;
		}),

		style: styleFor({ NO_COLOR: "1", TERM: "linux" }),
		size: () => terminal.size,
		isForeground: () => terminal.isForeground,
		onError: (error) => terminal.errors.push(error),
	});
	const shown = { url: "http://127.0.0.1:9464", status: () => terminal.status() };
	return { clock, reader, terminal, view, shown };
}

const FIRST = /^lottery-engine/;
const LAST = /^http:.*Ctrl-C/;

function frameOf(lines: readonly string[]): readonly string[] {
	const first = lines.findLastIndex((line) => FIRST.test(line));
	const last = lines.findLastIndex((line) => LAST.test(line));
	return first < 0 ? [] : lines.slice(first, last + 1);
}

t.test("the log stands above the view, which is drawn over itself", async (t) => {
	const { clock, reader, view, shown } = open();
	view.print("before\u001b[2J\u001b[31m\n");
	view.show(shown);
	const { length } = frameOf(reader.lines);
	t.ok(length > 10);
	for (let second = 0; second < 30; second++) {
		view.print(`line ${second}\n`);
		clock.advance(REPAINT_MS);
	}
	t.same(reader.lines.slice(0, 31), [
		"before\\u{1b}[2J",
		...Array.from({ length: 30 }, (_, i) => `line ${i}`),
	]);
	t.equal(frameOf(reader.lines).length, length);
	t.equal(reader.lines.length, 31 + length + 1, "nothing is left of the frames before");
	t.same(reader.cursor, { line: 31 + length, column: 0 }, "the cursor stands below");
	t.ok(reader.wraps, "and lines of others go on in the next row");
	view.close();
	t.same(
		reader.lines.slice(29),
		["line 28", "line 29", ""],
		"the end takes the view away and leaves the log",
	);
	view.print("after\n");
	t.equal(reader.lines.at(-2), "after");
	t.same(clock.timers, [], "nothing is drawn any more");
});

t.test("only what has changed is written", async (t) => {
	const { clock, terminal, view, shown } = open();
	terminal.status = () => engineStatus({ startedAtMs: 0 });
	view.show(shown);
	clock.advance(2 * 60_000);
	terminal.writes.length = 0;
	terminal.status = () => engineStatus({ startedAtMs: 0, state: "stopping" });
	clock.advance(REPAINT_MS);
	const [written = ""] = terminal.writes;
	t.match(written, /stopping: last commit/);
	t.notMatch(written, /lottery-engine|partition/);
});

t.test("in a flood of log lines the frame waits", async (t) => {
	const { clock, reader, terminal, view, shown } = open();
	view.show(shown);
	clock.advance(REPAINT_MS / 2);
	terminal.writes.length = 0;
	for (let line = 0; line < 1_000; line++) view.print("a line\n");
	const frames = () => terminal.writes.filter((text) => text.includes("Ctrl-C ends it"));
	t.equal(frames().length, 1, "behind the first line only");
	clock.advance(REPAINT_MS / 2);
	t.ok(frameOf(reader.lines).length > 10, "and back when it is over");
});

t.test(
	"a terminal of another size gets a frame of its size, without leftovers of the one before",
	async (t) => {
		const { reader, terminal, view, shown } = open();
		view.print("the log\n");
		view.show(shown);
		for (const [columns, rows] of [
			[70, 24],
			[70, 30],
			[120, 40],
			[100, 40],
		] as const) {
			reader.resize(columns, rows);
			terminal.size = { columns, rows };
			view.resized();
			t.same(reader.lines, ["the log", ...frameOf(reader.lines), ""], `${columns}x${rows}`);
		}
		reader.resize(40, 12);
		terminal.size = { columns: 40, rows: 12 };
		view.resized();
		const frame = frameOf(reader.lines);
		t.equal(frame.length, 8);
		t.same(reader.lines.slice(-9), [...frame, ""], "what had left the screen stays in the history, above");
	},
);

t.test("a terminal that takes nothing stops nobody, and gets what it missed", async (t) => {
	const { clock, reader, terminal, view, shown } = open();
	view.show(shown);
	const before = reader.lines.length;
	terminal.takes = 7;
	clock.advance(REPAINT_MS);
	view.print("first\n");
	view.print("second\n");
	clock.advance(60 * REPAINT_MS);
	clock.advance(REPAINT_MS / 2);
	terminal.takes = Number.POSITIVE_INFINITY;
	clock.advance(REPAINT_MS / 4);
	t.same(reader.lines.slice(0, 2), ["first", "second"]);
	t.equal(reader.lines.length, before + 2, "a whole frame, and nothing of a half one");

	terminal.takes = 0;
	for (let line = 0; line < 10_000; line++) view.print(`${"x".repeat(70)} ${line}\n`);
	terminal.takes = Number.POSITIVE_INFINITY;
	clock.advance(REPAINT_MS);
	const kept = reader.lines.filter((line) => line.startsWith("xxx")).length;
	const [, left] = /^([\d,]+) lines of the log left out/m.exec(reader.lines.join("\n")) ?? [];
	t.equal(kept + Number(left?.replace(",", "")), 10_000);
	t.ok(kept > 1_000);
});

t.test("at the end it waits for the terminal, but not for long", async (t) => {
	for (const awakeAfterMs of [50, Number.POSITIVE_INFINITY]) {
		const { terminal, reader, view, shown } = open();
		view.show(shown);
		terminal.takes = 0;
		terminal.awakeAfterMs = awakeAfterMs;
		view.print("the last words\n");
		view.close();
		t.equal(terminal.waitedMs, Math.min(awakeAfterMs, 500));
		t.equal(reader.lines[0] === "the last words", awakeAfterMs === 50);
	}
});

t.test("in the background it draws nothing, and starts anew when it is back", async (t) => {
	const { clock, reader, terminal, view, shown } = open();
	view.show(shown);
	terminal.isForeground = false;
	terminal.writes.length = 0;
	clock.advance(10 * REPAINT_MS);
	t.same(terminal.writes, []);
	view.print("still told\n");
	t.same(terminal.writes, ["still told\r\n"]);
	reader.write("$ what the shell says\r\n");
	terminal.isForeground = true;
	view.continued();
	clock.advance(REPAINT_MS);
	const { lines } = reader;
	t.equal(lines.filter((line) => FIRST.test(line)).length, 2, "the old one stays as history");
	t.equal(lines[lines.indexOf("$ what the shell says") + 1], frameOf(lines)[0]);
	terminal.isForeground = false;
	view.close();
	t.same(reader.lines, lines, "nobody's lines are taken away");
});

t.test("what goes wrong while drawing ends the view and nothing else", async (t) => {
	const { clock, reader, terminal, view, shown } = open();
	view.show(shown);
	terminal.status = () => {
		throw new Error("no status");
	};
	clock.advance(REPAINT_MS);
	t.match(terminal.errors, [{ message: "no status" }]);
	t.same(reader.lines, [""]);
	view.print("the log goes on\n");
	clock.advance(10 * REPAINT_MS);
	t.equal(terminal.errors.length, 1);
	t.same(reader.lines, ["the log goes on", ""]);
});

t.test("a terminal that is gone is written to no more", async (t) => {
	let tries = 0;
	const out = new Output(() => {
		tries++;
		throw Object.assign(new Error("EIO"), { code: "EIO" });
	});
	out.send("a");
	out.send("b");
	t.equal(tries, 1);
	t.ok(out.isGone);
	t.notOk(out.isBlocked);
});
