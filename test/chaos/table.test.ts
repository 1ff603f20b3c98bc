import t from "tap";
import type { CampaignResult } from "./campaign.ts";
import type { ChapterResult } from "./chapter.ts";
import { summaryOf, tableOf } from "./table.ts";

const struck = (fault: string) => ({ fault, missed: null, broken: null });
const rounds = [
	{ strikes: [struck("a")], liftedAtMs: 0, firstMs: 100, allMs: 2_000 },
	{ strikes: [struck("a"), struck("b")], liftedAtMs: 0, firstMs: 1_500, allMs: null },
	{ strikes: [{ fault: "b", missed: "nobody there", broken: null }], liftedAtMs: 0, firstMs: 10, allMs: 10 },
];
const chapter = (change: Partial<ChapterResult>): ChapterResult => ({
	messages: 100,
	doubtful: 0,
	lost: 0,
	behind: 0,
	repeated: 0,
	wrongHours: 0,
	problems: [],
	rounds,
	healedMs: 3_000,
	unavailableMs: 4_000,
	peakMb: 170,
	snapshots: 5,
	...change,
});
const result: CampaignResult = {
	seed: 7,
	chapters: [chapter({}), chapter({ lost: 2, repeated: 1, wrongHours: 3, healedMs: null, peakMb: 200 })],
	rounds,
	isFine: false,
	problems: ["lost"],
};

t.test("the table counts rounds by fault, alone and combined, and shows the slowest recovery", async (t) => {
	const table = tableOf(result);
	t.match(table, /│ a +│ +1 │ +1 │ +0 │ +1\.5 s │ +1 never │/);
	t.match(table, /│ b +│ +0 │ +1 │ +1 │ +1\.5 s │ +1 never │/);
	t.match(table, /│ lost +│ +2 │/);
});

t.test("the summary adds up the chapters and takes the worst of what is a maximum", async (t) => {
	t.same(summaryOf(result), {
		seed: 7,
		isFine: false,
		chapters: 2,
		rounds: 3,
		strikes: 3,
		messages: 200,
		snapshots: 10,
		lost: 2,
		behind: 0,
		repeated: 1,
		wrongHours: 3,
		slowestFirstCommitMs: 1_500,
		slowestRecoveryMs: 2_000,
		slowestHealingMs: 3_000,
		unavailableMs: 8_000,
		memoryPeakMb: 200,
	});
});
