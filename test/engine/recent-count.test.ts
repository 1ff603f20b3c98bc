import t from "tap";
import { RecentCount } from "../../engine/recent-count.ts";
import { ManualClock } from "../support/manual-clock.ts";

t.test("what happened longer ago than the window does not count", async (t) => {
	const clock = new ManualClock();
	const count = new RecentCount(1_000, clock);
	t.equal(count.add(), 1);
	clock.advance(999);
	t.equal(count.add(), 2);
	clock.advance(1);
	t.equal(count.add(), 2, "the first one has left");
	count.clear();
	t.equal(count.add(), 1);
});
