/**
 * Process chaos, in the length that every run of the tests can afford: two engines, and every kind of fault struck at
 * least once, several at a time. `npm run chaos` has no such limit.
 */
import { join } from "node:path";
import t from "tap";
import { packageRoot } from "../../schema/package-root.ts";
import { chooseSeed } from "../support/stream.ts";
import { campaign, keepResult } from "./campaign.ts";
import { FAULTS } from "./faults.ts";
import { summaryOf, tableOf } from "./table.ts";

/** As many as have different victims. */
const TOGETHER = 4;
/** The promise is a minute, for a machine that has nothing else to do. */
const PATIENCE_MS = 90_000;
/** One every second and a half; a frozen or dead Postgres has none. */
const SNAPSHOTS_MIN = 10;

const seed = chooseSeed(t);
const logs = join(packageRoot(), ".engine-chaos", `test-${seed}`);
const result = await campaign({
	seed,
	seconds: null,
	engines: 2,
	brokers: 1,
	faults: FAULTS,
	together: TOGETHER,
	chapterSeconds: Number.POSITIVE_INFINITY,
	perSecond: 400,
	patienceMs: PATIENCE_MS,
	bail: true,
	calm: false,
	build: null,
	logs,
	say: (line) => t.comment(line),
});
const totals = summaryOf(result);
t.comment(tableOf(result));
if (!result.isFine) keepResult(result, logs);

t.test("nothing is lost under faults of every kind", async (t) => {
	t.equal(totals.lost, 0, `of ${totals.messages} messages`);
});

t.test("nothing is stored twice under faults of every kind", async (t) => {
	t.equal(totals.repeated, 0, `of ${totals.messages} messages`);
});

t.test("no hour is wrong after faults of every kind", async (t) => {
	t.equal(totals.wrongHours, 0);
});

t.test("after each round every partition goes on, and at the end all is well again", async (t) => {
	t.ok(
		result.rounds.every(({ allMs }) => allMs !== null),
		`the slowest took ${totals.slowestRecoveryMs} ms`,
	);
	t.ok(
		result.chapters.every(({ healedMs }) => healedMs !== null),
		`no lag, no pause, ready: after ${totals.slowestHealingMs} ms`,
	);
});

t.test("every snapshot taken meanwhile holds, no engine ends by itself, memory stays", async (t) => {
	t.ok(totals.snapshots > SNAPSHOTS_MIN, `${totals.snapshots} snapshots, ${totals.memoryPeakMb} MB`);
	t.same(result.problems, [], `seed ${seed}, logs in ${logs}`);
});

t.test("every kind of fault has struck", async (t) => {
	const struck = new Set(
		result.rounds.flatMap(({ strikes }) =>
			strikes.filter(({ missed }) => missed === null).map(({ fault }) => fault),
		),
	);
	for (const { name } of FAULTS) t.ok(struck.has(name), name);
});
