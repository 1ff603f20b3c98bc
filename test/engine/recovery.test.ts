import t from "tap";
import { Recovery } from "../../engine/recovery.ts";
import { ManualClock } from "../support/manual-clock.ts";

const LIMITS = { backoffMs: 200, backoffMsMax: 10_000 };

function recovery() {
	const clock = new ManualClock();
	const opened: number[] = [];
	const made = new Recovery(LIMITS, clock, () => opened.push(clock.monotonicMs()));
	return { clock, opened, recovery: made };
}

t.test("the first claim of a run waits for nothing", async (t) => {
	const { recovery: first } = recovery();
	t.equal(first.incarnation, 1);
	t.ok(first.mayClaim);
});

t.test(
	"a recovery is a new incarnation, and claims only after its wait and a second heartbeat",
	async (t) => {
		const { clock, opened, recovery: one } = recovery();
		const delayMs = one.begin(true);
		t.equal(one.incarnation, 2);
		t.ok(one.heartbeat(), "it counts");
		clock.advance(delayMs);
		t.same(opened, [delayMs], "whoever waits is told to look again");
		t.notOk(one.mayClaim, "the first heartbeat may have been under way before");
		one.heartbeat();
		t.ok(one.mayClaim);
		t.notOk(one.heartbeat(), "in normal life heartbeats change nothing");
	},
);

t.test("a join is proof enough, but the wait stays", async (t) => {
	const { clock, recovery: one } = recovery();
	const delayMs = one.begin(true);
	one.joined();
	t.notOk(one.mayClaim);
	clock.advance(delayMs);
	t.ok(one.mayClaim);
});

t.test("a recovery within a recovery waits anew, and once", async (t) => {
	const { clock, opened, recovery: one } = recovery();
	one.begin(true);
	const delayMs = one.begin(true);
	t.equal(one.incarnation, 3);
	one.joined();
	clock.advance(60_000);
	t.same(opened, [delayMs]);
});

t.test("waits grow until a commit, and nothing fires after stop", async (t) => {
	const { clock, opened, recovery: one } = recovery();
	const delays = [one.begin(true), one.begin(true), one.begin(true)];
	t.same(
		delays.map((ms) => ms / delays[0]!),
		[1, 2, 4],
	);
	t.equal(one.tries, 3);
	one.healed();
	t.equal(one.begin(true), delays[0]);
	one.stop();
	clock.advance(60_000);
	t.same(opened, []);
});
