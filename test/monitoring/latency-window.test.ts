import t from "tap";
import { LATENCY_WINDOW_MS, LatencyWindow } from "../../monitoring/latency-window.ts";

const NOW_MS = 1_748_779_200_000;

t.test("quantiles are at most a tenth above what they should be, and never below", async (t) => {
	const window = new LatencyWindow();
	for (let i = 1; i <= 1000; i++) window.add([[i / 1000, 10]], NOW_MS);
	const { records, windowSeconds, ...read } = window.read(NOW_MS)!;
	t.equal(records, 10_000);
	t.equal(windowSeconds, 60);
	const pairs = [
		[read.p50Seconds, 0.5],
		[read.p95Seconds, 0.95],
		[read.p99Seconds, 0.99],
	] as const;
	for (const [is, should] of pairs) t.ok(is >= should && is <= should * 1.1, `${is} for ${should}`);
});

t.test(
	"what is older than a minute counts no more, and without anything there are no quantiles",
	async (t) => {
		const window = new LatencyWindow();
		t.equal(window.read(NOW_MS), null);
		window.add([[100, 5]], NOW_MS);
		window.add([[1, 5]], NOW_MS + 30_000);
		t.ok(window.read(NOW_MS + 30_000)!.p99Seconds >= 100);
		const later = window.read(NOW_MS + LATENCY_WINDOW_MS)!;
		t.equal(later.records, 5);
		t.ok(later.p99Seconds < 1.2, "the slow ones have left");
		t.equal(window.read(NOW_MS + 3 * LATENCY_WINDOW_MS), null);
		window.add([[2, 7]], NOW_MS + 10 * LATENCY_WINDOW_MS);
		t.equal(window.read(NOW_MS + 10 * LATENCY_WINDOW_MS)!.records, 7, "a slot used again begins empty");
	},
);

t.test("latencies of none and of years have a place; what is no number has none", async (t) => {
	const window = new LatencyWindow();
	window.add(
		[
			[0, 1],
			[-5, 1],
			[Number.NaN, 1],
			[1, 0],
			[1, -1],
			[10 * 365 * 86_400, 1],
		],
		NOW_MS,
	);
	const read = window.read(NOW_MS)!;
	t.equal(read.records, 3);
	t.equal(read.p50Seconds, 0.001);
	t.ok(read.p99Seconds > 86_400 * 365);
});
