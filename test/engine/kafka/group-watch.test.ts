import t from "tap";
import { GroupWatch } from "../../../engine/kafka/group-watch.ts";
import { ManualClock } from "../../support/manual-clock.ts";

t.test("a group that is silent for too long is told of once, and again after as long", async (t) => {
	const clock = new ManualClock();
	let told = 0;
	const watch = new GroupWatch(60_000, clock, () => told++);
	watch.start();
	clock.advance(65_000);
	t.equal(told, 0, "one look is not enough: the process may have been paused");
	clock.advance(5_000);
	t.equal(told, 1);
	clock.advance(60_000);
	t.equal(told, 1);
	clock.advance(10_000);
	t.equal(told, 2);
	watch.stop();
	clock.advance(600_000);
	t.equal(told, 2, "nobody looks any more");
});

t.test("a group that answers is left alone, also between the two looks", async (t) => {
	const clock = new ManualClock();
	const watch = new GroupWatch(60_000, clock, () => t.fail("it has answered"));
	watch.start();
	for (let i = 0; i < 5; i++) {
		clock.advance(65_000);
		watch.heard();
	}
	t.pass("nobody was told");
});
