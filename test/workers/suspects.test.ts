import t from "tap";
import { Suspects } from "../../workers/suspects.ts";
import { pack, record } from "../support/slices.ts";

const slice = pack([
	record({ partition: 1, offset: 10 }),
	record({ partition: 1, offset: 11 }),
	record({ partition: 2, offset: 10 }),
]);

t.test("nobody needs care in normal life", async (t) => {
	t.equal(new Suspects().careFor(slice), null);
});

t.test("only a slice that holds a condemned record is taken record by record", async (t) => {
	const suspects = new Suspects();
	suspects.condemn([{ partition: 2, offset: 11, reason: "pg_value", detail: "22003" }]);
	t.equal(suspects.careFor(slice), null, "the offset is in another partition");
	suspects.condemn([{ partition: 2, offset: 10, reason: "pg_value", detail: "22003" }]);
	const enter = suspects.careFor(slice);
	t.equal(enter?.(1, 10), null);
	t.same(enter?.(2, 10), { reason: "pg_value", pointer: null, detail: "22003" });
	suspects.condemn([]);
	t.equal(suspects.careFor(slice), null, "a new list replaces the old one");
});

t.test("in suspect mode the record in hand can be read by another thread", async (t) => {
	const shared = new SharedArrayBuffer(16);
	const seen = new Float64Array(shared);
	const suspects = new Suspects(shared);
	t.same([...seen], [-1, -1]);
	const enter = suspects.careFor(slice);
	t.equal(enter?.(7, 2 ** 52), null);
	t.same([...seen], [7, 2 ** 52]);
	suspects.leave();
	t.same([...seen], [-1, -1]);
});
