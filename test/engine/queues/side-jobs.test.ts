import { mock } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import t from "tap";
import { createLog } from "../../../engine/log.ts";
import { QueuedSideJobs } from "../../../engine/queues/side-jobs.ts";

/** Turns of the event loop that better-queue may take between two of its timers. */
const TURNS = 10;

mock.timers.enable({ apis: ["setTimeout"] });
t.teardown(() => mock.timers.reset());

/** Moves the timers on in steps, and lets everything happen that they set off. */
async function pass(ms: number): Promise<void> {
	for (let left = ms; left > 0; left -= 100) {
		mock.timers.tick(Math.min(left, 100));
		for (let turn = 0; turn < TURNS; turn++) await nextTurn();
	}
}

function jobsOf() {
	const published: Record<number, number>[] = [];
	const days: number[] = [];
	const lines: string[] = [];
	/** What the next calls do: fail with this message, in order; nothing left means that they work. */
	const failures: string[] = [];
	/** While it is closed a publish that has begun does not end. */
	const gate = { open: Promise.resolve() };
	const work = async (): Promise<void> => {
		const failure = failures.shift();
		if (failure !== undefined) throw new Error(failure);
	};
	const log = createLog(
		{ level: "warn", format: "json" },
		{ write: (line) => lines.push(JSON.parse(line).msg) },
	);
	const jobs = new QueuedSideJobs(
		{
			publish: async (durable) => {
				published.push(Object.fromEntries(durable));
				await gate.open;
				await work();
			},
			days: (newestEventMs) => {
				days.push(newestEventMs);
				return work();
			},
		},
		log,
	);
	return { jobs, published, days, failures, lines, gate };
}

t.test("the first job runs at once, a thousand behind it as one, an interval later", async (t) => {
	const { jobs, published } = jobsOf();
	jobs.publish(new Map([[0, 1]]));
	await pass(10);
	t.same(published, [{ 0: 1 }]);
	for (let offset = 2; offset <= 1000; offset++) jobs.publish(new Map([[offset % 3, offset]]));
	await pass(900);
	t.equal(published.length, 1, "not before the interval is over");
	await pass(200);
	t.same(published.slice(1), [{ 0: 999, 1: 1000, 2: 998 }], "the newest offset of every partition");
	await pass(5000);
	t.equal(published.length, 2, "nothing is done twice");
	jobs.stop();
});

t.test("of days only the newest counts", async (t) => {
	const { jobs, days } = jobsOf();
	jobs.days(5);
	await pass(10);
	for (const newest of [7, 9, 8]) jobs.days(newest);
	await pass(4900);
	t.same(days, [5]);
	await pass(300);
	t.same(days, [5, 9]);
	jobs.stop();
});

t.test("the two kinds do not wait for each other", async (t) => {
	const { jobs, published, days } = jobsOf();
	jobs.days(5);
	jobs.publish(new Map([[0, 1]]));
	await pass(10);
	t.same([days, published], [[5], [{ 0: 1 }]]);
	jobs.stop();
});

t.test("a failure is tried again, and forgotten when that works", async (t) => {
	const { jobs, published, failures, lines } = jobsOf();
	failures.push("not now");
	jobs.publish(new Map([[0, 1]]));
	await pass(4000);
	t.same(published, [{ 0: 1 }, { 0: 1 }]);
	t.same(lines, []);
	jobs.stop();
});

t.test("a retry never publishes an offset that is older than one published or pushed since", async (t) => {
	const { jobs, published, failures } = jobsOf();
	failures.push("not now");
	jobs.publish(
		new Map([
			[0, 1],
			[1, 1],
		]),
	);
	await pass(10);
	jobs.publish(new Map([[0, 2]]));
	await pass(10_000);
	t.same(published, [
		{ 0: 1, 1: 1 },
		{ 0: 2, 1: 1 },
	]);
	jobs.stop();
});

t.test("what is pushed while a job runs stays the newer one when that job fails", async (t) => {
	const { jobs, published, failures, gate } = jobsOf();
	failures.push("too late");
	let open = (): void => {};
	gate.open = new Promise((resolve) => {
		open = resolve;
	});
	jobs.publish(new Map([[0, 1]]));
	await pass(10);
	jobs.publish(new Map([[0, 2]]));
	open();
	await pass(10_000);
	t.same(published, [{ 0: 1 }, { 0: 2 }]);
	jobs.stop();
});

t.test("after three tries it is given up with a line, and goes with the next job", async (t) => {
	const { jobs, published, failures, lines } = jobsOf();
	failures.push("one", "two", "three");
	jobs.publish(new Map([[0, 1]]));
	await pass(20_000);
	t.equal(published.length, 3);
	t.same(lines, ["could not publish offsets; the next attempt comes with the next flush"]);
	jobs.publish(new Map([[1, 7]]));
	await pass(1000);
	t.same(published[3], { 0: 1, 1: 7 });
	jobs.stop();
});

t.test("what was given up does not keep the next job from being retried", async (t) => {
	const { jobs, published, failures } = jobsOf();
	failures.push("one", "two", "three", "four");
	jobs.publish(new Map([[0, 1]]));
	await pass(20_000);
	jobs.publish(new Map([[0, 2]]));
	await pass(20_000);
	t.equal(published.length, 5, "three tries, then one that failed and one that worked");
	jobs.stop();
});

t.test("after stop nothing begins: no job, no retry", async (t) => {
	const { jobs, published, days, failures } = jobsOf();
	failures.push("not now");
	jobs.publish(new Map([[0, 1]]));
	await pass(10);
	jobs.stop();
	jobs.publish(new Map([[0, 2]]));
	jobs.days(5);
	await pass(20_000);
	t.equal(published.length, 1);
	t.same(days, []);
});
