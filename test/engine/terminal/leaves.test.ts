import t from "tap";
import { compose, type Section, tableSizes } from "../../../engine/terminal/compose.ts";
import { bar, curve } from "../../../engine/terminal/curves.ts";
import { isForeground } from "../../../engine/terminal/foreground.ts";
import { observe, paceOf, ratesOf, SAMPLES_MAX } from "../../../engine/terminal/history.ts";
import { printable, printableLines } from "../../../engine/terminal/printable.ts";
import { piece, render, styleFor } from "../../../engine/terminal/style.ts";
import { cut, padStart, widthOf } from "../../../engine/terminal/text.ts";
import {
	coarse,
	duration,
	pauseWords,
	percent,
	perSecond,
	plural,
	utcTime,
} from "../../../engine/terminal/words.ts";
import { actorStatus, engineStatus, NOW_MS, partitionStatus } from "../../support/engine-status.ts";

const { glyphs } = styleFor({});
const ESCAPE = "\u001b";

t.test("lines of a log keep colours and line breaks, and nothing else that acts", async (t) => {
	const red = `${ESCAPE}[31mred`;
	const title = `${ESCAPE}]0;owned\u0007`;
	t.equal(
		printableLines(`a\tb\n${red} ${title}\n`, true),
		`a\tb\n${red} \\u{1b}]0;owned\\u{7}${ESCAPE}[0m\n`,
	);
	t.equal(printableLines(`${red} ${title}`, false), "red \\u{1b}]0;owned\\u{7}");
	for (const [index, evil] of [
		`${ESCAPE}[2J`,
		`${ESCAPE}[6n`,
		`${ESCAPE}c`,
		"\u009b31m",
		"\r",
		"\u202e",
		"\b",
		"\u2028",
	].entries()) {
		t.notMatch(printableLines(evil, true), /[^\P{C}\n\t]|\p{Zl}/u, `sequence ${index}`);
	}
	t.equal(printable(`a\r\n\tb${ESCAPE}[31m`), "a b\\u{1b}[31m");
});

t.test("text is measured in columns and cut between characters", async (t) => {
	t.equal(widthOf("日本🙂e\u0301a"), 8);
	t.equal(cut("日本語", 5), "日本");
	t.equal(cut("abc", 3), "abc");
	t.equal(padStart("日", 4), "  日");
});

t.test("a line is cut where the terminal ends, with colours closed", async (t) => {
	const style = styleFor({});
	t.equal(render([piece("good", "abc"), "def"], 6, style), `${ESCAPE}[32mabc${ESCAPE}[39mdef`);
	t.equal(render([piece("good", "abc"), "def"], 5, style), `${ESCAPE}[32mabc${ESCAPE}[39md…`);
	t.equal(render([piece("good", "abc"), "def"], 3, style), `${ESCAPE}[32mab…${ESCAPE}[39m`);
	t.equal(render([piece("good", "abc"), "   "], 9, styleFor({ NO_COLOR: "1" })), "abc");
	t.ok(styleFor({ NO_COLOR: "" }).hasColors, "an empty NO_COLOR asks for nothing");
});

t.test("bars show what is not nothing, and are full only when full", async (t) => {
	t.same(
		[0, 0.001, 0.5, 0.999, 1].map((share) => bar(share, 4, glyphs)),
		["░░░░", "█░░░", "██░░", "███░", "████"],
	);
	t.equal(curve([null, 0, 1, 4, 8], 4, glyphs), "▁▂▅█");
	t.equal(curve([null, 0], 4, glyphs), " ▁");
	t.equal(curve([1, 2], 0, glyphs), "");
	t.equal(curve([1, 2], -3, glyphs), "");
});

t.test("rates are of the last five seconds, whatever the pace of the samples", async (t) => {
	const at = (consumed: number, busyMs: number) =>
		engineStatus({
			totals: { ...engineStatus().totals, consumed },
			actors: [actorStatus(0, { busyMs, recordsPosted: consumed })],
		});
	const history = [
		[0, 0],
		[900_000, 100],
		[900_100, 600],
		[900_500, 2_600],
	].reduce<ReturnType<typeof observe>>(
		(past, [consumed, busyMs], index) =>
			observe(past, at(consumed!, busyMs!), [0, 1_000, 2_000, 6_000][index]!),
		[],
	);
	t.match(paceOf(history), { consumedPerSecond: 100, actors: [{ recordsPerSecond: 100, busy: 0.5 }] });
	t.same(ratesOf(history, "consumed"), [900_000, 100, 100]);
	t.match(paceOf(history.slice(0, 1)), { consumedPerSecond: 0 }, "one sample is no rate");
	const long = Array.from({ length: 100 }).reduce<typeof history>(
		(past, _, i) => observe(past, at(i, i), i * 1_000),
		[],
	);
	t.equal(long.length, SAMPLES_MAX);
});

t.test("lag is added up, its age is the worst, and what is unknown is no zero", async (t) => {
	const unknown = partitionStatus(2, { lag: null, lagSeconds: null });
	const sampled = (partitions: ReturnType<typeof partitionStatus>[]) =>
		observe([], engineStatus({ partitions }), 0)[0];
	t.match(
		sampled([
			partitionStatus(0, { lag: 1, lagSeconds: 9 }),
			partitionStatus(1, { lag: 2, lagSeconds: 3 }),
			unknown,
		]),
		{
			lag: 3,
			lagSeconds: 9,
		},
	);
	t.match(sampled([unknown]), { lag: null, lagSeconds: null });
});

t.test("sections grow one step each by priority, and blanks come last", async (t) => {
	const section = (name: string, priority: number, sizes: number[]): Section => ({
		priority,
		sizes,
		startsGroup: true,
		draw: (lines) => Array.from({ length: lines }, () => [name]),
	});
	const composed = (lines: number) =>
		compose([section("a", 2, [1, 3]), section("b", 1, tableSizes(4)), section("c", 3, [])], lines)
			.map((line) => line[0] ?? "_")
			.join("");
	t.same([0, 1, 2, 4, 7, 8, 9, 20].map(composed), [
		"",
		"b",
		"ab",
		"aaab",
		"aaabbbb",
		"aaabbbbb",
		"aaa_bbbbb",
		"aaa_bbbbb",
	]);
	t.same([0, 1, 2, 3, 4, 5].map(tableSizes), [[1], [1, 2], [1, 3], [1, 4], [1, 4, 5], [1, 4, 5, 6]]);
});

t.test("numbers are said as people say them", async (t) => {
	t.same([0.4, 999, 2_500, 59_999, 200_000, 7_800_000, 360_000_000].map(duration), [
		"0 ms",
		"999 ms",
		"2.5 s",
		"59 s",
		"3 min 20 s",
		"2 h 10 min",
		"4 d 4 h",
	]);
	t.same([59_999, 3_599_999, 86_399_999, 86_400_000].map(coarse), ["59 s", "59 min", "23 h", "1 d"]);
	t.same([0, 0.44, 12_345.6].map(perSecond), ["0/s", "0.4/s", "12,346/s"]);
	t.same([0, 0.004, 0.5, 0.999, 1].map(percent), ["0 %", "<1 %", "50 %", "99 %", "100 %"]);
	t.same([plural(1, "set"), plural(2_000, "set")], ["1 set", "2,000 sets"]);
	t.same([utcTime(NOW_MS, NOW_MS), utcTime(NOW_MS - 86_400_000, NOW_MS)], ["12:00:00", "2025-05-31 12:00"]);
	t.same(pauseWords(["claim", "flush", "new\u001b"]), ["Postgres has enough to do", "new\\u{1b}"]);
});

t.test("a process in the background is told from one in the foreground", async (t) => {
	const stat = (group: number, terminalGroup: number) =>
		`7 (node) x) S 1 ${group} 5 34816 ${terminalGroup} 4194304 0`;
	t.equal(
		isForeground(() => stat(7, 7)),
		true,
	);
	t.equal(
		isForeground(() => stat(7, 5)),
		false,
	);
	t.equal(
		isForeground(() => stat(7, -1)),
		true,
		"no terminal of its own",
	);
	t.equal(
		isForeground(() => stat(1, 0)),
		true,
		"a terminal of another namespace",
	);
	t.equal(
		isForeground(() => {
			throw new Error("no /proc");
		}),
		true,
	);
});
