import t from "tap";
import { slowPostgresOutcome } from "../../../../perf/support/cases/slow-postgres-figures.ts";
import { sampleAt } from "../../report/sample-result.ts";

const MEBIBYTE = 2 ** 20;

/** 100 events a second: calm to 10 s, commits late to 20 s, frozen to 40 s, caught up at 50 s. */
const samples = Array.from({ length: 61 }, (_, at) => {
	const sent = at * 100;
	const committed = at < 20 ? sent : at < 41 ? 2000 : at < 50 ? 4000 : sent;
	const isFrozen = at >= 20 && at < 41;
	return sampleAt(at, {
		sent,
		// A frozen server does not answer whoever asks.
		committed: at === 30 ? null : committed,
		engineLag: sent - committed,
		memoryBytes: at === 40 ? null : (at < 10 ? 150 : isFrozen ? 260 : 200) * MEBIBYTE,
		paused: at > 25 && isFrozen ? 8 : 0,
	});
});
const moments = { slowFrom: 10, frozenFrom: 20, thawedAt: 40, firstCommitAt: 41, caughtUpAt: 50 };
const run = { samples, moments, rate: 100, delayMs: 200, recoveries: 2, peakBytes: 270 * MEBIBYTE };
const valuesOf = ({ figures, ratios }: ReturnType<typeof slowPostgresOutcome>) =>
	Object.fromEntries([...figures, ...ratios].map(({ name, value }) => [name, value]));

t.test("the figures tell how soon it recovered, and what it took meanwhile", async (t) => {
	t.match(valuesOf(slowPostgresOutcome(run)), {
		"recovery-time": 10,
		"first-commit-after-thaw": 1,
		"memory-peak": 270 * MEBIBYTE,
		"memory-calm": 200 * MEBIBYTE,
		"memory-frozen": 260 * MEBIBYTE,
		"peak-lag": 2000,
		"paused-frozen": 8,
		"throughput-slow": 100,
		"sent-slow": 100,
		"throughput-slow/sent-slow": 1,
		"lag-slow": 0,
		recoveries: 2,
	});
	t.equal(slowPostgresOutcome(run).figures[0]!.name, "recovery-time");
});

t.test(
	"what nobody could see is left out, and a peak the kernel does not tell is that of the samples",
	async (t) => {
		const blind = samples.map((sample) => ({ ...sample, committed: null, engineLag: null, paused: null }));
		const values = valuesOf(
			slowPostgresOutcome({ ...run, samples: blind, recoveries: null, peakBytes: null }),
		);
		t.equal(values["memory-peak"], 260 * MEBIBYTE);
		for (const name of [
			"peak-lag",
			"paused-frozen",
			"throughput-slow",
			"throughput-slow/sent-slow",
			"lag-slow",
			"recoveries",
		])
			t.notOk(name in values, name);
	},
);
