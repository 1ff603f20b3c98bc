import t from "tap";
import { LoadPace } from "../../../../perf/support/load/pace.ts";

/** Due times of the frames that fall due until then, each of so many events. */
function dueUntil(pace: LoadPace, untilMs: number, events: number): number[] {
	const due: number[] = [];
	for (; pace.nextDueMs <= untilMs; pace.advance(events)) due.push(pace.nextDueMs);
	return due;
}

t.test("nothing is due before a rate is set", (t) => {
	t.equal(new LoadPace().nextDueMs, Number.POSITIVE_INFINITY);
	t.end();
});

t.test("frames are due at even distances, from the moment on at which the rate was set", (t) => {
	const pace = new LoadPace();
	pace.setRate(1000, 50);
	t.strictSame(dueUntil(pace, 80, 10), [50, 60, 70, 80]);
	t.end();
});

t.test("what could not be sent in time stays due at its own time", (t) => {
	const pace = new LoadPace();
	pace.setRate(1000, 0);
	t.strictSame(dueUntil(pace, 4, 5), [0]);
	// A second without looking: 200 frames are due, none of them later than it should have been.
	const late = dueUntil(pace, 1000, 5);
	t.equal(late.length, 200);
	t.strictSame([late[0], late.at(-1)], [5, 1000]);
	t.end();
});

t.test("over a long time exactly the rate is due", (t) => {
	const pace = new LoadPace();
	pace.setRate(33_333, 0);
	const due = dueUntil(pace, 3_600_000, 167);
	t.ok(Math.abs(due.length * 167 - 33_333 * 3600) <= 167, String(due.length));
	t.end();
});

t.test("a higher rate takes effect within the wait for the next frame, and a lower one too", (t) => {
	const pace = new LoadPace();
	pace.setRate(10, 0);
	pace.advance(10);
	t.equal(pace.nextDueMs, 1000);
	pace.setRate(100, 500);
	t.equal(pace.nextDueMs, 550, "half a frame was left: five events");
	pace.setRate(10, 500);
	t.equal(pace.nextDueMs, 1000);
	t.end();
});

t.test("a change of the rate leaves alone what is due already", (t) => {
	const pace = new LoadPace();
	pace.setRate(100, 0);
	pace.advance(10);
	pace.setRate(1000, 250);
	t.strictSame(dueUntil(pace, 120, 10), [100, 110, 120]);
	t.end();
});

t.test("rate 0 pauses, and what follows is due from then on only", (t) => {
	const pace = new LoadPace();
	pace.setRate(100, 0);
	pace.advance(1);
	pace.setRate(0, 5);
	t.strictSame(dueUntil(pace, 10_000, 1), []);
	pace.setRate(100, 10_000);
	t.strictSame(dueUntil(pace, 10_020, 1), [10_000, 10_010, 10_020]);
	t.end();
});
