import t from "tap";
import { LineIndex } from "../../../engine/file-source/line-index.ts";

const MEGABYTE = 1024 * 1024;

t.test(
	"the mark before a line is the last one at or before it, and marks are a megabyte apart",
	async (t) => {
		const index = new LineIndex();
		t.same(index.before(7), { line: 0, byte: 0 });
		for (let at = 1; at <= 100; at++) index.note({ line: at * 10, byte: (at * MEGABYTE) / 4 });
		t.same(index.before(0), { line: 0, byte: 0 });
		t.same(index.before(39), { line: 0, byte: 0 });
		t.same(index.before(40), { line: 40, byte: MEGABYTE });
		t.same(index.before(79), { line: 40, byte: MEGABYTE });
		t.same(index.before(1_000), { line: 1_000, byte: 25 * MEGABYTE });
		t.same(index.before(5_000), { line: 1_000, byte: 25 * MEGABYTE });
	},
);
