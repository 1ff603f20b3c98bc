import t from "tap";
import { type FrameOptions, frame } from "../../../engine/terminal/frame.ts";
import { type History, observe } from "../../../engine/terminal/history.ts";
import { styleFor } from "../../../engine/terminal/style.ts";
import { widthOf } from "../../../engine/terminal/text.ts";
import type { EngineStatus } from "../../../monitoring/status.ts";
import { actorStatus, engineStatus, NOW_MS, partitionStatus } from "../../support/engine-status.ts";

const PLAIN = styleFor({ NO_COLOR: "1" });
const LARGE = { columns: 120, rows: 40 };
const USUAL = { columns: 80, rows: 24 };
const SMALL = { columns: 60, rows: 12 };
const ESCAPE = "\u001b";

/** Ten seconds of a steady stream that speeds up, ending with `change`. */
function busy(change: Partial<EngineStatus> = {}): { status: EngineStatus; history: History } {
	const at = (second: number): EngineStatus => {
		const base = engineStatus();
		const done = second * second * 100;
		return engineStatus({
			actors: [0, 1].map((shard) =>
				actorStatus(shard, {
					busyMs: second * 300 * (shard + 1),
					recordsPosted: done / 2,
					mailboxBytes: shard * 3_000,
				}),
			),
			totals: { ...base.totals, consumed: done, stored: done, deadLetters: 40, committingMs: second * 250 },
			invalid: { records: 10_000, deadLetters: 40, ratioMax: 0.9 },
			...change,
		});
	};
	return { status: at(10), history: historyOf(Array.from({ length: 11 }, (_, second) => at(second))) };
}

function historyOf(statuses: readonly EngineStatus[]): History {
	return statuses.reduce<History>((history, status, second) => observe(history, status, second * 1_000), []);
}

function drawn(options: Partial<FrameOptions>): string[] {
	const { status, history } = busy();
	return frame({
		status,
		history,
		nowMs: NOW_MS,
		url: "http://127.0.0.1:9464",
		size: LARGE,
		style: PLAIN,
		...options,
	});
}

t.test("on a large terminal everything is there", async (t) => {
	t.same(drawn({}), [
		"lottery-engine 1.2.3 · user_events → Postgres · group lottery-engine · pid 4711 · up 1 min",
		"● running · 10,000 events stored",
		"",
		"read              1,500/s  ▂▃▃▄▅▆▆▇██",
		"stored            1,500/s  ▂▃▃▄▅▆▆▇██",
		"lag           100 events, oldest 2.5 s  ███████████",
		"latency       half within 100 ms, 99 % within 400 ms from Kafka to commit",
		"flush         345 rows in 12 ms, 0 s ago · 1 set waiting · writer busy 25 % · 3 open hours",
		"dead letters  40 (<1 % of the newest 10,000) · json 2 · 3 late events stored",
		"",
		"partition  offset stored  lag  oldest  newest event (UTC)  state",
		"        0            100   50   2.5 s            11:59:56  running",
		"        1            100   50   2.5 s            11:59:56  running",
		"",
		"actor  mailbox            waiting  events  busy  restarts",
		"    0  ░░░░░░░░░░  2 slices, 0 KB   750/s  30 %         0",
		"    1  ██████░░░░  2 slices, 3 KB   750/s  60 %         0",
		"",
		"http://127.0.0.1:9464 · Ctrl-C ends it after a last commit",
	]);
});

t.test("on a small terminal each section is a line, and the log keeps room", async (t) => {
	t.same(drawn({ size: SMALL }), [
		"lottery-engine 1.2.3 · user_events → Postgres · group lott…",
		"● running · 10,000 events stored",
		"read          1,500/s  stored 1,500/s  lag 100, 2.5 s",
		"flush         345 rows in 12 ms, 0 s ago · 1 set waiting ·…",
		"dead letters  40 (<1 % of the newest 10,000) · json 2 · 3 …",
		"partitions    2 running",
		"actors        2 · busy 30 % 60 % · mailboxes 3 KB",
		"http://127.0.0.1:9464 · Ctrl-C ends it after a last commit",
	]);
});

t.test("sections leave by priority: last of all the health", async (t) => {
	const rows = (count: number) =>
		drawn({ size: { columns: 60, rows: count } }).map((line) => line.split(/\s/)[0]);
	t.same(rows(9), ["lottery-engine", "●", "read", "flush", "dead", "partitions"]);
	t.same(rows(7), ["lottery-engine", "●", "read", "flush"]);
	t.same(rows(5), ["●", "read"]);
	t.same(rows(1), ["●"]);
});

t.test(
	"of many partitions and actors the worst and the first are shown, the others are counted",
	async (t) => {
		const { status, history } = busy({
			partitions: Array.from({ length: 64 }, (_, partition) =>
				partitionStatus(partition, {
					lag: partition === 40 ? 9_000_000 : 10,
					lagSeconds: partition === 40 ? 400 : 1,
				}),
			).map((one) => {
				if (one.partition === 7)
					return { ...one, state: "halted", haltReason: "the topic was created again" };
				return one.partition === 9 ? { ...one, pausedReasons: ["actors"] } : one;
			}),
			actors: Array.from({ length: 16 }, (_, shard) => actorStatus(shard)),
		});
		const lines = drawn({ status, history, size: USUAL });
		t.same(lines.slice(8), [
			"partition  offset stored        lag      oldest  state",
			"        7            100         10       1.0 s  halted: the topic was created…",
			"        9            100         10       1.0 s  paused: the actors have enoug…",
			"       40            100  9,000,000  6 min 40 s  running",
			"and 61 more: 61 running",
			"actor  mailbox            waiting  events  busy  restarts",
			"    0  ██████████  2 slices, 2 KB     0/s   0 %         0",
			"    1  ██████████  2 slices, 2 KB     0/s   0 %         0",
			"    2  ██████████  2 slices, 2 KB     0/s   0 %         0",
			"and 13 more; all: 16 · busy 0 %, the busiest 0 % · mailboxes 32 KB",
			"http://127.0.0.1:9464 · Ctrl-C ends it after a last commit",
		]);
	},
);

t.test("before anything has happened nothing is invented", async (t) => {
	const status = engineStatus({
		state: "starting",
		notReady: ["has not joined the consumer group yet"],
		partitions: [],
		actors: [],
		openHours: 0,
		latency: null,
		flush: {
			queueDepth: 0,
			lastCommitAtMs: null,
			lastDurationMs: null,
			lastRows: null,
			commits: 0,
			failures: 0,
			lastError: null,
		},
		invalid: { records: 0, deadLetters: 0, ratioMax: 0.9 },
		totals: {
			consumed: 0,
			stored: 0,
			deadLetters: 0,
			deadLettersByReason: {},
			late: 0,
			committingMs: 0,
			recoveries: 0,
			rebalances: 0,
		},
	});
	t.same(drawn({ status, history: historyOf([status]), size: USUAL }), [
		"lottery-engine 1.2.3 · user_events → Postgres · group lottery-engine · pid 471…",
		"● not ready: has not joined the consumer group yet",
		"",
		"read                  0/s",
		"stored                0/s",
		"lag           not known yet",
		"latency       nothing stored lately",
		"flush         nothing committed yet · none waiting · writer busy 0 % · 0 open …",
		"dead letters  none",
		"",
		"partitions    none yet",
		"",
		"actors        none",
		"",
		"http://127.0.0.1:9464 · Ctrl-C ends it after a last commit",
	]);
	const idle = engineStatus({ partitions: [] });
	t.match(
		drawn({ status: idle, history: historyOf([idle]) }).join("\n"),
		/^partitions {4}none: other engines of the group have them$/m,
	);
});

t.test(
	"why it is not ready is told whole when there is room, and its beginning when there is none",
	async (t) => {
		const { status, history } = busy({
			state: "recovering",
			notReady: [
				"recovering: claiming its partitions again",
				"Postgres does not take writes: connect ECONNREFUSED 127.0.0.1:5432 and a long tail that needs another line",
			],
			partitions: [
				partitionStatus(0, {
					state: "claiming",
					pausedReasons: ["recovery", "claim"],
					lag: null,
					lagSeconds: null,
				}),
			],
			flush: { ...engineStatus().flush, failures: 3, lastError: "connect ECONNREFUSED" },
		});
		const lines = drawn({ status, history, size: USUAL });
		t.same(lines.slice(1, 4), [
			"● not ready: recovering: claiming its partitions again",
			"  Postgres does not take writes: connect ECONNREFUSED 127.0.0.1:5432 and a",
			"  long tail that needs another line",
		]);
		t.match(lines.join("\n"), /^flush {9}failed 3 times: connect ECONNREFUSED · 345 rows in 12 ms/m);
		t.match(lines.join("\n"), /^ +0 +100 +– +– +11:59:56 {2}being claimed$/m);
		t.same(drawn({ status, history, size: { columns: 60, rows: 10 } }).slice(1, 2), [
			"● not ready: recovering: claiming its partitions again …",
		]);
	},
);

t.test(
	"a halted partition tells why, in red, and what is beyond an alert's threshold is coloured",
	async (t) => {
		const { status, history } = busy({
			notReady: ["partition 1 is halted: offset 7 is gone"],
			partitions: [
				partitionStatus(0, { lag: 20_000, lagSeconds: 301 }),
				partitionStatus(1, { state: "halted", haltReason: "offset 7 is gone", pausedReasons: ["halted"] }),
			],
			invalid: { records: 1_000, deadLetters: 11, ratioMax: 0.9 },
			postgres: { trouble: null, oldestSnapshotSeconds: 901 },
		});
		const style = styleFor({});
		const lines = drawn({ status, history, style });
		const red = `${ESCAPE}[1m${ESCAPE}[31m`;
		const yellow = `${ESCAPE}[33m`;
		const all = lines.join("\n");
		t.ok(all.includes(`${red}● not ready: partition 1 is halted: offset 7 is gone`));
		t.ok(all.includes(`${red}halted: offset 7 is gone`));
		t.ok(all.includes(`${red}20,050 events, oldest 5 min 1 s`), "freshness pages");
		t.ok(all.includes(`${yellow}40 (1 % of the newest 1,000)`), "more than 1 % is a ticket");
		t.ok(all.includes(`${yellow}a transaction has been open for 15 min 1 s`));
		const { status: fine, history: ofFine } = busy({
			partitions: [partitionStatus(0, { lag: 10_001, lagSeconds: 300 })],
			invalid: { records: 1_000, deadLetters: 10, ratioMax: 0.9 },
			postgres: { trouble: null, oldestSnapshotSeconds: 900 },
		});
		const quiet = drawn({ status: fine, history: ofFine, style }).join("\n");
		t.ok(
			quiet.includes(`${yellow}10,001 events, oldest 5 min 0 s`),
			"a lag that large is a ticket, if it grows",
		);
		t.notOk(quiet.includes(red));
		t.notMatch(quiet, /transaction has been open/);
		t.notOk(quiet.includes(`${yellow}40`));
	},
);

t.test("dead letters that come now stand first", async (t) => {
	const base = engineStatus();
	const at = (schema: number) =>
		engineStatus({
			totals: { ...base.totals, deadLetters: 100 + schema, deadLettersByReason: { json: 100, schema } },
		});
	const status = at(3);
	const lines = drawn({ status, history: historyOf([at(1), at(2), status]) }).join("\n");
	t.match(
		lines,
		/^dead letters {2}103 \(5 % of the newest 400\) · schema 3 \+2 · json 100 · 3 late events stored$/m,
	);
});

t.test(
	"no line is wider than the terminal, at any size, and nothing in a name or a reason acts on it",
	async (t) => {
		const evil = `${ESCAPE}]0;owned\u0007${ESCAPE}[2J\u009b31m\u202Eevil\r\n\u0000\ud800 日本語 `.repeat(8);
		const { status, history } = busy({
			topic: `${"long-topic.".repeat(20)}${evil}`,
			groupId: evil,
			version: evil,
			notReady: [evil, evil],
			partitions: [
				partitionStatus(0, { state: "halted", haltReason: evil }),
				partitionStatus(1, { pausedReasons: [evil] }),
				partitionStatus(2),
				partitionStatus(3),
				partitionStatus(4),
			],
			flush: { ...engineStatus().flush, failures: 1, lastError: evil },
			totals: { ...engineStatus().totals, deadLettersByReason: { [evil]: 7 } },
		});
		for (let columns = 1; columns <= 200; columns += 11) {
			for (let rows = 1; rows <= 50; rows += 6) {
				const lines = drawn({ status, history, url: evil, size: { columns, rows } });
				const tooWide = lines.filter((line) => widthOf(line) > Math.max(1, columns - 1));
				const size = `${columns}x${rows}`;
				if (tooWide.length > 0) t.fail(`${size}: ${JSON.stringify(tooWide)}`);
				if (lines.length > Math.max(1, rows - 3)) t.fail(`${size}: ${lines.length} lines`);
				const active = lines.filter((line) => /[\p{Cc}\p{Cf}\p{Cs}]/u.test(line));
				if (active.length > 0) t.fail(`${size}: ${JSON.stringify(active)}`);
			}
		}
		const whole = drawn({ status, history, size: { columns: 10_000, rows: 200 } }).join("\n");
		t.match(whole, /\\u\{1b\}\]0;owned\\u\{7\}/, "it is shown, so that somebody sees what was tried");
		t.notMatch(whole, /[^\P{C}\n]/u);
	},
);

t.test("the same in gives the same out, so that an idle engine draws nothing", async (t) => {
	const status = engineStatus({ actors: [actorStatus(0)] });
	const history = historyOf(Array.from({ length: 100 }, () => status));
	const later = observe(history, status, 100_000);
	t.same(drawn({ status, history }), drawn({ status, history: later }));
});

t.test("a Linux console gets characters that it has", async (t) => {
	const lines = drawn({ style: styleFor({ NO_COLOR: "1", TERM: "linux" }), size: SMALL }).join("");
	t.notMatch(lines, /[^ -~]/);
	t.match(lines, /\.\.\./);
});
