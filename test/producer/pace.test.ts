import t from "tap";
import { createPace, type PaceClock } from "../../producer/pace.ts";

const NEVER = new AbortController().signal;

/** A clock that stands still but for sleeping. */
function fakeClock(): PaceClock & { now: number; slept: number[] } {
	const clock = {
		now: 0,
		slept: [] as number[],
		nowMs: () => clock.now,
		sleep: async (delayMs: number) => {
			clock.slept.push(delayMs);
			clock.now += delayMs;
		},
	};
	return clock;
}

t.test("a rate is held: n events take n / rate", async (t) => {
	const clock = fakeClock();
	const pace = createPace(100, clock);
	for (let i = 0; i < 50; i++) await pace.take(10, NEVER);
	t.equal(clock.now, 4900, "the first ten go at once, 490 more at 100 a second");
});

t.test("time spent elsewhere is taken off the wait", async (t) => {
	const clock = fakeClock();
	const pace = createPace(10, clock);
	await pace.take(1, NEVER);
	clock.now += 60;
	await pace.take(1, NEVER);
	t.strictSame(clock.slept, [40]);
});

t.test("after a long pause at most a second is made up for", async (t) => {
	const clock = fakeClock();
	const pace = createPace(10, clock);
	await pace.take(1, NEVER);
	clock.now += 3_600_000;
	let atOnce = 0;
	while (clock.slept.length === 0) {
		await pace.take(1, NEVER);
		atOnce++;
	}
	t.equal(atOnce, 12, "ten for the second, one that is due, one that waits");
});

t.test("without a rate nothing waits", async (t) => {
	const clock = fakeClock();
	await createPace(null, clock).take(1_000_000, NEVER);
	t.strictSame(clock.slept, []);
});
