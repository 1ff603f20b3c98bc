import t from "tap";
import { lagOf, lagSecondsOf } from "../../engine/lag.ts";

t.test("lag is what is in Kafka and not in Postgres", async (t) => {
	t.equal(lagOf(5, { low: 0, high: 20 }), 15);
	t.equal(lagOf(20, { low: 0, high: 20 }), 0);
});

t.test("what retention has removed is not waiting any more", async (t) => {
	t.equal(lagOf(5, { low: 12, high: 20 }), 8);
});

t.test("lag is never negative: the watermarks may be older than the commit", async (t) => {
	t.equal(lagOf(25, { low: 0, high: 20 }), 0);
});

t.test("without lag there is no age, whatever else is known", async (t) => {
	t.equal(lagSecondsOf(0, 1_000, 1_000, 9_000), 0);
});

t.test("the age is that of the oldest record held", async (t) => {
	t.equal(lagSecondsOf(3, 1_000, 8_000, 9_000), 8);
	t.equal(lagSecondsOf(3, 0, 8_000, 9_000), 9, "1970 is a time too");
});

t.test(
	"of a record that was not read, or has no timestamp, the age is the time since the lag was seen",
	async (t) => {
		t.equal(lagSecondsOf(3, null, 7_500, 9_000), 1.5);
		t.equal(lagSecondsOf(3, -1, 7_500, 9_000), 1.5);
		t.equal(lagSecondsOf(3, null, null, 9_000), 0, "seen now for the first time");
	},
);

t.test("a producer whose clock is ahead makes no negative age", async (t) => {
	t.equal(lagSecondsOf(3, 10_000, null, 9_000), 0);
});
