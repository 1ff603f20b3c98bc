import t from "tap";
import { CURRENT_RECORD_BYTES } from "../../workers/messages.ts";
import { Suspects } from "../../workers/suspects.ts";
import { pack, record } from "../support/slices.ts";

const slice = pack([
	record({ partition: 1, offset: 10 }),
	record({ partition: 1, offset: 11 }),
	record({ partition: 2, offset: 10 }),
]);

function suspectsOf(shared = new SharedArrayBuffer(CURRENT_RECORD_BYTES)) {
	return { suspects: new Suspects(shared), current: new Float64Array(shared) };
}

t.test("nobody needs care in normal life", async (t) => {
	t.equal(suspectsOf().suspects.inside(slice), null);
});

t.test("only a slice that holds a condemned record is taken record by record", async (t) => {
	const { suspects } = suspectsOf();
	suspects.careFor([{ partition: 2, offset: 11, reason: "pg_value", detail: "22003" }], []);
	t.equal(suspects.inside(slice), null, "the offset is in another partition");
	suspects.careFor([{ partition: 2, offset: 10, reason: "pg_value", detail: "22003" }], []);
	const enter = suspects.inside(slice);
	t.equal(enter?.(1, 10), null);
	t.same(enter?.(2, 10), { reason: "pg_value", pointer: null, detail: "22003" });
	suspects.careFor([], []);
	t.equal(suspects.inside(slice), null, "a new list replaces the old one");
});

t.test("of a suspect in hand another thread can read who it is", async (t) => {
	const { suspects, current } = suspectsOf();
	t.same([...current], [-1, -1]);
	suspects.careFor([], [{ partition: 1, from: 11, to: 12 }]);
	const enter = suspects.inside(slice);
	t.equal(enter?.(7, 2 ** 52), null);
	t.same([...current], [7, 2 ** 52]);
	suspects.leave();
	t.same([...current], [-1, -1]);
});

t.test("a slice without a suspect is folded as ever", async (t) => {
	const { suspects } = suspectsOf();
	suspects.careFor(
		[],
		[
			{ partition: 1, from: 12, to: 20 },
			{ partition: 2, from: 0, to: 10 },
		],
	);
	t.equal(suspects.inside(slice), null);
});
