import t from "tap";
import { LatencyTracker } from "../../../perf/support/latency.ts";

t.test("an event takes from when it was due until the first look that finds its offset passed", (t) => {
	const tracker = new LatencyTracker();
	tracker.sent(0, 10, 10, 1000, "w");
	tracker.seen(0, 0, 1020);
	t.equal(tracker.invisible, 10);
	tracker.seen(0, 10, 1042);
	t.equal(tracker.invisible, 0);
	t.match(tracker.distributions(), [{ name: "w", count: 10, p50: 42, max: 42 }]);
	tracker.seen(0, 10, 9999);
	t.match(tracker.distributions(), [{ count: 10, max: 42 }], "a later look changes nothing");
	t.end();
});

t.test("a look that comes late makes events slow, never fast", (t) => {
	const tracker = new LatencyTracker();
	for (let i = 0; i < 5; i++) tracker.sent(0, (i + 1) * 10, 10, i * 100, "w");
	tracker.seen(0, 50, 2000);
	const [w] = tracker.distributions();
	t.match(w, { count: 50, max: 2000 });
	t.ok(w!.buckets[0]!.atMost >= 1600 && w!.p50 >= 1800);
	t.end();
});

t.test("a commit in the middle of a batch makes its beginning visible only", (t) => {
	const tracker = new LatencyTracker();
	tracker.sent(0, 110, 10, 0, "w");
	tracker.sent(0, 120, 10, 50, "w");
	tracker.seen(0, 104, 60);
	t.equal(tracker.invisible, 16);
	tracker.seen(0, 113, 80);
	t.equal(tracker.invisible, 7);
	tracker.seen(0, 120, 100);
	const [w] = tracker.distributions();
	// 4 took 60, 6 took 80, 3 took 30, 7 took 50 ms.
	t.match(w, { count: 20, p50: 50, p95: 80, max: 80 });
	t.strictSame(
		w?.buckets.filter(({ count }) => count > 0).map(({ count }) => count),
		[3, 7, 4, 6],
	);
	t.end();
});

t.test("offsets without a record between two batches do not count", (t) => {
	const tracker = new LatencyTracker();
	tracker.sent(0, 10, 10, 0, "w");
	tracker.sent(0, 25, 10, 0, "w");
	tracker.seen(0, 14, 10);
	t.equal(tracker.invisible, 10);
	tracker.seen(0, 25, 20);
	t.match(tracker.distributions(), [{ count: 20 }]);
	t.equal(tracker.invisible, 0);
	t.end();
});

t.test("partitions are told apart, and unknown ones are nobody's", (t) => {
	const tracker = new LatencyTracker();
	tracker.sent(0, 5, 5, 0, "w");
	tracker.sent(3, 5, 5, 0, "w");
	tracker.seen(3, 5, 10);
	tracker.seen(7, 5, 10);
	t.equal(tracker.invisible, 5);
	tracker.seen(0, 5, 300);
	t.match(tracker.distributions(), [{ count: 10, p50: 10, p99: 300 }]);
	t.end();
});

t.test("an event is counted under the window that it was sent with, or nowhere", (t) => {
	const tracker = new LatencyTracker();
	tracker.sent(0, 10, 10, 0, null);
	tracker.sent(0, 20, 10, 100, "first");
	tracker.sent(0, 30, 10, 200, null);
	tracker.sent(0, 40, 10, 300, "first");
	tracker.sent(0, 50, 10, 350, "second");
	tracker.seen(0, 40, 400);
	t.match(tracker.distributions(), [{ name: "first", count: 20, p50: 100, max: 300 }]);
	t.equal(tracker.distributions().length, 1, "nothing of the second is visible");
	t.equal(tracker.invisible, 10);
	t.end();
});

t.test("a row that has gone back makes nothing count twice", (t) => {
	const tracker = new LatencyTracker();
	tracker.sent(0, 10, 10, 0, "w");
	tracker.seen(0, 6, 10);
	tracker.seen(0, 2, 20);
	tracker.seen(0, 7, 30);
	tracker.seen(0, 10, 40);
	t.equal(tracker.invisible, 0);
	t.match(tracker.distributions(), [{ count: 10, p50: 10, max: 40 }]);
	t.end();
});

t.test("long runs are forgotten as they become visible, and still add up", (t) => {
	const tracker = new LatencyTracker();
	for (let i = 1; i <= 30_000; i++) {
		tracker.sent(0, i * 2, 2, i, "w");
		tracker.seen(0, i * 2 - 3, i);
	}
	t.equal(tracker.invisible, 3);
	tracker.seen(0, 60_000, 30_000);
	t.match(tracker.distributions(), [{ count: 60_000, max: 2 }]);
	t.end();
});
