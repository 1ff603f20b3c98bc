import t from "tap";
import { ActorWatch } from "../../engine/actor-watch.ts";
import { limitsOf } from "../../engine/limits.ts";
import { ManualClock } from "../support/manual-clock.ts";

const LIMITS = {
	...limitsOf({ flushIntervalMs: 250, flushRowsMax: 1, inFlightBytesMax: 1024 * 1024 }),
	actorBytesMax: 100,
	actorSilenceMsMax: 1000,
	actorLossesMax: 2,
	actorLossWindowMs: 60_000,
};

function watchOf(actors: number) {
	const clock = new ManualClock();
	return { clock, watch: new ActorWatch(actors, LIMITS, clock) };
}

t.test("what is in a mailbox is charged until it is folded", async (t) => {
	const { clock, watch } = watchOf(2);
	watch.posted(0, 60, 3);
	watch.posted(1, 50, 1);
	t.ok(watch.credit.full);
	watch.folded(0, 60, 7);
	watch.posted(1, 5, 1);
	t.match(watch.status(), [
		{
			shard: 0,
			mailboxSlices: 0,
			mailboxBytes: 0,
			busyMs: 7,
			slicesFolded: 1,
			recordsPosted: 3,
			restarts: 0,
			startedAtMs: clock.nowMs(),
		},
		{ shard: 1, mailboxSlices: 2, mailboxBytes: 55, busyMs: 0, slicesFolded: 0, recordsPosted: 2 },
	]);
	t.equal(watch.credit.bytes, 55);
});

t.test("an actor with work and no answer is silent; an idle one never is", async (t) => {
	const { clock, watch } = watchOf(2);
	clock.advance(5000);
	t.same(watch.silent(LIMITS.actorSilenceMsMax), []);
	watch.posted(1, 1, 1);
	clock.advance(1000);
	t.same(watch.silent(LIMITS.actorSilenceMsMax), [], "exactly the deadline is in time");
	clock.advance(1);
	t.same(watch.silent(LIMITS.actorSilenceMsMax), [1]);
});

t.test("the deadline counts from the last finished slice, not from the oldest in the mailbox", async (t) => {
	const { clock, watch } = watchOf(1);
	watch.posted(0, 1, 1);
	watch.posted(0, 1, 1);
	clock.advance(900);
	watch.folded(0, 1, 900);
	clock.advance(900);
	t.same(watch.silent(LIMITS.actorSilenceMsMax), []);
	clock.advance(101);
	t.same(watch.silent(LIMITS.actorSilenceMsMax), [0]);
});

t.test("more work for a silent actor does not make it seem alive", async (t) => {
	const { clock, watch } = watchOf(1);
	watch.posted(0, 1, 1);
	clock.advance(900);
	watch.posted(0, 1, 1);
	clock.advance(101);
	t.same(watch.silent(LIMITS.actorSilenceMsMax), [0]);
});

t.test(
	"with a lost actor its mailbox is gone: the credit comes back, and it is no longer silent",
	async (t) => {
		const { clock, watch } = watchOf(2);
		watch.posted(0, 60, 1);
		watch.posted(1, 50, 1);
		clock.advance(2000);
		t.ok(watch.lost(0, true));
		t.equal(watch.credit.bytes, 50);
		t.same(watch.silent(LIMITS.actorSilenceMsMax), [1]);
		t.match(watch.status()[0], {
			mailboxSlices: 0,
			mailboxBytes: 0,
			restarts: 1,
			startedAtMs: clock.nowMs(),
		});
	},
);

t.test("too many losses within the window end it; old ones are forgiven", async (t) => {
	const { clock, watch } = watchOf(2);
	t.ok(watch.lost(0, true));
	clock.advance(59_999);
	t.ok(watch.lost(1, true));
	clock.advance(1);
	t.ok(watch.lost(0, true), "the first one is out of the window");
	t.notOk(watch.lost(0, true), "of all actors together, since the cause may be common");
});
