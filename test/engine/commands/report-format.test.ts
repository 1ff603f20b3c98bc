import fc from "fast-check";
import t from "tap";
import { asCsv, asJsonLines, asTable } from "../../../engine/commands/report-format.ts";

const columns = [
	{ title: "Hour", key: "hour", isNumber: false },
	{ title: "Payout ratio", key: "payout_ratio", isNumber: true },
];

const of = (...rows: (string | null)[][]) => ({ title: "A report", columns, rows });

t.test("the table has the title, its columns, numbers to the right, and the count", async (t) => {
	t.equal(
		asTable(of(["2025-06-01", "1.2"], ["b", null])),
		[
			"A report",
			"┌────────────┬──────────────┐",
			"│ Hour       │ Payout ratio │",
			"├────────────┼──────────────┤",
			"│ 2025-06-01 │          1.2 │",
			"│ b          │              │",
			"└────────────┴──────────────┘",
			"2 rows",
			"",
		].join("\n"),
	);
	t.match(asTable(of(["x", "1"])), /\n1 row\n$/);
	t.match(asTable(of()), /Payout ratio(.*\n)*0 rows\n$/);
});

t.test("control characters are shown by their code, so that no terminal obeys them", async (t) => {
	const text = asTable(of(["a\u001b[2Jb\nc\u202ed\u0085", "1"]));
	t.match(text, "a\\x1b[2Jb\\x0ac\\u202ed\\x85");
	t.notMatch(text.replaceAll("\n", ""), /\p{Cc}|\p{Cf}/u);
});

t.test("CSV quotes what needs it, ends lines with CR LF, and tells null from the empty text", async (t) => {
	t.equal(
		asCsv(of(['say "a,b"', "1"], [null, "2"], ["", "3"], ["x\ny", "4"])),
		'Hour,Payout ratio\r\n"say ""a,b""",1\r\n,2\r\n"",3\r\n"x\ny",4\r\n',
	);
});

t.test("CSV read back by RFC 4180 is what went in", async (t) => {
	const cell = fc.string({ unit: fc.constantFrom('"', ",", "\r", "\n", "a", "é", " ") });
	fc.assert(
		fc.property(fc.array(fc.tuple(cell, cell), { maxLength: 5 }), (rows) => {
			t.same(readCsv(asCsv(of(...rows))), [["Hour", "Payout ratio"], ...rows]);
		}),
		{ seed: 20_250_601 },
	);
});

t.test("JSON lines keep every digit of a number and quote what JSON has no number for", async (t) => {
	t.equal(
		asJsonLines(of(["a", "12345678901234567890.10"], [null, null], ["b", "NaN"], ["c", "-0.50"])),
		'{"hour":"a","payout_ratio":12345678901234567890.10}\n{"hour":null,"payout_ratio":null}\n{"hour":"b","payout_ratio":"NaN"}\n{"hour":"c","payout_ratio":-0.50}\n',
	);
	t.equal(asJsonLines(of()), "");
});

/** Character by character, as RFC 4180 says; nothing of it is shared with what it tests. */
function readCsv(text: string): string[][] {
	const rows: string[][] = [];
	let row: string[] = [];
	let field = "";
	let quoted = false;
	for (let i = 0; i < text.length; i++) {
		const c = text[i]!;
		if (quoted && c === '"' && text[i + 1] === '"') {
			field += '"';
			i++;
		} else if (c === '"') quoted = !quoted;
		else if (quoted) field += c;
		else if (c === ",") {
			row.push(field);
			field = "";
		} else if (c === "\r" && text[i + 1] === "\n") {
			rows.push([...row, field]);
			row = [];
			field = "";
			i++;
		} else field += c;
	}
	return rows;
}
