import t from "tap";
import { Corrections } from "../../../engine/sink/recent-corrections.ts";
import { NOW_MS } from "../../support/engine-status.ts";
import { hourMetrics } from "../../support/live-page.ts";

const MINUTE_MS = 60_000;

/** Hours 0 (the present one), 1 and 2 ago; `change` is about the last of them. */
function read(change: Parameters<typeof hourMetrics>[1] = {}) {
	return [0, 1]
		.map((ago) => hourMetrics(ago, { updatedAtMs: NOW_MS }))
		.concat(hourMetrics(2, { updatedAtMs: NOW_MS - 90 * MINUTE_MS, ...change }));
}

const CHANGED = {
	revenue: "1300.00",
	payouts: "310.20",
	tickets: 410,
	activeUsers: 249,
	updatedAtMs: NOW_MS + 20 * MINUTE_MS,
};

t.test("an hour that changes long after its end is marked with the differences, to the cent", async (t) => {
	const corrections = new Corrections();
	const before = read();
	t.ok(corrections.mark(before, NOW_MS, false).every(({ correction }) => correction === null));
	const after = corrections.mark(read(CHANGED), NOW_MS + 1000, false);
	t.strictSame(after[2]!.correction, {
		atMs: NOW_MS + 1000,
		revenue: "+79.50",
		payouts: "-0.05",
		tickets: 8,
		activeUsers: -1,
	});
	t.equal(after[0]!.correction, null);
	t.equal(after[1]!.correction, null, "not touched");
});

t.test("changes add up while they are shown, and are forgotten after ten minutes", async (t) => {
	const corrections = new Corrections();
	corrections.mark(read(), NOW_MS, false);
	corrections.mark(read(CHANGED), NOW_MS + 1000, false);
	const more = { ...CHANGED, revenue: "99999999999999999999.99", updatedAtMs: CHANGED.updatedAtMs + 1 };
	const twice = corrections.mark(read(more), NOW_MS + 2000, false)[2]!.correction!;
	t.equal(twice.revenue, "+99999999999999998779.49", "exact however large");
	t.equal(twice.tickets, 8);
	t.ok(corrections.mark(read(more), NOW_MS + 10 * MINUTE_MS, false)[2]!.correction);
	t.equal(corrections.mark(read(more), NOW_MS + 10 * MINUTE_MS + 2001, false)[2]!.correction, null);
});

t.test("the newest hour, and one that has just ended, are no corrections", async (t) => {
	const corrections = new Corrections();
	const rows = (updatedAtMs: number) => [0, 1].map((ago) => hourMetrics(ago, { updatedAtMs }));
	corrections.mark(rows(NOW_MS), NOW_MS, false);
	// Hour 1 ended at NOW_MS.
	const stragglers = corrections.mark(rows(NOW_MS + 14 * MINUTE_MS), NOW_MS + 14 * MINUTE_MS, false);
	t.same(
		stragglers.map(({ correction }) => correction),
		[null, null],
	);
	const late = corrections.mark(rows(NOW_MS + 16 * MINUTE_MS), NOW_MS + 16 * MINUTE_MS, false);
	t.equal(late[0]!.correction, null);
	t.ok(late[1]!.correction);
});

t.test(
	"while a backlog is read every hour changes, and nothing is marked; an hour that appears late is",
	async (t) => {
		const corrections = new Corrections();
		corrections.mark(read(), NOW_MS, false);
		t.equal(corrections.mark(read(CHANGED), NOW_MS, true)[2]!.correction, null);
		t.equal(corrections.mark(read(CHANGED), NOW_MS, false)[2]!.correction, null, "nor afterwards");
		const appeared = hourMetrics(5, { revenue: "2.50", updatedAtMs: NOW_MS });
		const [, , , correction] = corrections.mark([...read(CHANGED), appeared], NOW_MS, false);
		t.match(correction?.correction, { revenue: "+2.50" });
		const empty = new Corrections();
		empty.mark([], NOW_MS, false);
		t.ok(
			empty.mark(read(CHANGED), NOW_MS, false).every((row) => row.correction === null),
			"the first figures of all",
		);
	},
);
