import t from "tap";
import { STALL_MS_MAX, StallWatch } from "../../engine/stall-watch.ts";

const HOUR_MS = 3_600_000;

/** Looks at partition 0 every second with a log that ends at `high`, and tells when something was to be done. */
function actionsOf(watch: StallWatch, expected: number, high: number, fromMs: number, untilMs: number) {
	const actions: string[] = [];
	for (let nowMs = fromMs; nowMs <= untilMs; nowMs += 1_000) {
		const found = watch.look([{ partition: 0, expected }], new Map([[0, { low: 0, high }]]), nowMs);
		for (const { action } of found) actions.push(`${action} at ${nowMs}`);
	}
	return actions;
}

t.test("a partition that has nothing to bring does not stall", async (t) => {
	t.same(actionsOf(new StallWatch(), 7, 7, 0, HOUR_MS), []);
});

t.test("a stalled partition is asked again, then rebuilt, and after that seldom", async (t) => {
	t.same(actionsOf(new StallWatch(), 7, 9, 0, 15 * 60_000), [
		`seek at ${STALL_MS_MAX}`,
		`rebuild at ${2 * STALL_MS_MAX}`,
		`rebuild at ${2 * STALL_MS_MAX + 600_000}`,
	]);
});

t.test("progress begins anew, however small", async (t) => {
	const watch = new StallWatch();
	t.same(actionsOf(watch, 7, 9, 0, STALL_MS_MAX - 1_000), []);
	t.same(actionsOf(watch, 8, 9, STALL_MS_MAX, 2 * STALL_MS_MAX - 1_000), []);
	t.same(actionsOf(watch, 8, 9, 2 * STALL_MS_MAX, 2 * STALL_MS_MAX), [`seek at ${2 * STALL_MS_MAX}`]);
});

t.test("a pause in between begins anew: a paused partition brings nothing on purpose", async (t) => {
	const watch = new StallWatch();
	actionsOf(watch, 7, 9, 0, STALL_MS_MAX - 1_000);
	watch.look([], new Map(), STALL_MS_MAX - 500);
	t.same(actionsOf(watch, 7, 9, STALL_MS_MAX, STALL_MS_MAX + 5_000), []);
});

t.test("a log that ends before the position for long is a case for a claim", async (t) => {
	t.same(actionsOf(new StallWatch(), 9, 7, 0, STALL_MS_MAX + 1_000), [`recover at ${STALL_MS_MAX}`]);
});

t.test("a partition whose watermarks are not known is left alone", async (t) => {
	const watch = new StallWatch();
	for (let nowMs = 0; nowMs < HOUR_MS; nowMs += 60_000) {
		t.same(watch.look([{ partition: 3, expected: 1 }], new Map(), nowMs), []);
	}
});
