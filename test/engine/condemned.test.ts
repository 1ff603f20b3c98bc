import t from "tap";
import { Condemned } from "../../engine/condemned.ts";
import { RefusedRowError } from "../../engine/core-errors.ts";

const PLACE = { partition: 3, offset: 41 };
const refusal = (place = PLACE, message = "value out of range") =>
	new RefusedRowError(message, "22003", place);

t.test(
	"a record that Postgres refuses once is not condemned: a day may have been attached in mid-COPY",
	async (t) => {
		const condemned = new Condemned();
		t.equal(condemned.refused(refusal()), null);
		t.same(condemned.records, []);
	},
);

t.test("a record that Postgres refuses again is condemned, with its SQLSTATE and message", async (t) => {
	const condemned = new Condemned();
	condemned.refused(refusal());
	t.same(condemned.refused(refusal()), { ...PLACE, reason: "pg_value", detail: "22003: value out of range" });
	t.same(condemned.records, [{ ...PLACE, reason: "pg_value", detail: "22003: value out of range" }]);
});

t.test(
	"several refused records are condemned one after the other, in whatever order they are named",
	async (t) => {
		const condemned = new Condemned();
		const other = { partition: 3, offset: 50 };
		t.equal(condemned.refused(refusal()), null);
		t.equal(condemned.refused(refusal(other)), null);
		t.ok(condemned.refused(refusal()));
		t.ok(condemned.refused(refusal(other)));
		t.same(
			condemned.records.map(({ offset }) => offset),
			[41, 50],
		);
	},
);

t.test("a refusal without a record condemns nobody", async (t) => {
	const condemned = new Condemned();
	const nowhere = new RefusedRowError("a trigger", "23000", null);
	t.equal(condemned.refused(nowhere), null);
	t.equal(condemned.refused(nowhere), null);
});

t.test("a record is forgotten when its offset is durable, and not before", async (t) => {
	const condemned = new Condemned();
	condemned.condemn({ ...PLACE, reason: "actor_crash", detail: "x" });
	t.equal(condemned.passed(3, 41), false, "next_offset 41: it is the next one to store");
	t.equal(condemned.passed(4, 99), false, "another partition");
	t.equal(condemned.passed(3, 42), true);
	t.same(condemned.records, []);
});

t.test("the detail is something Postgres can store, and not endless", async (t) => {
	const condemned = new Condemned();
	const message = `a\u0000b\ud800 ${"x".repeat(9_000)}`;
	condemned.refused(refusal(PLACE, message));
	const { detail } = condemned.refused(refusal(PLACE, message))!;
	t.match(detail, /^22003: ab\ufffd x/);
	t.ok(detail.length <= 500);
});
