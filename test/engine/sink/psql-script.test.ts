import fc from "fast-check";
import pg from "pg";
import t from "tap";
import { renderScript } from "../../../engine/sink/psql-script.ts";

const render = (text: string, variables: Record<string, string> = {}) =>
	renderScript(text, variables, pg.escapeLiteral);

t.test("a default holds when the variable is not given, and only then", async (t) => {
	const text = "\\if :{?hours}\n\\else\n\\set hours 48\n\\endif\nSELECT :'hours'::int;";
	t.equal(render(text).sql, "SELECT '48'::int;");
	t.equal(render(text, { hours: "7" }).sql, "SELECT '7'::int;");
	t.same(render(text, { hours: "7", more: "x" }).variables, { hours: "7", more: "x" });
});

t.test("conditions nest, and lines of a branch that is not taken are left out", async (t) => {
	const text = "\\if :{?a}\n\\if :{?b}\nab\n\\else\na\n\\endif\n\\else\n\\if :{?b}\nb\n\\endif\n\\endif";
	t.equal(render(text, { a: "", b: "" }).sql, "ab");
	t.equal(render(text, { a: "" }).sql, "a");
	t.equal(render(text, { b: "" }).sql, "b");
	t.equal(render(text).sql, "");
});

t.test("the title is read, other settings of psql are left out", async (t) => {
	const script = render("\\set QUIET on\n\\pset title 'It''s a title'\n\\pset footer off\nSELECT 1;");
	t.equal(script.title, "It's a title");
	t.equal(script.sql, "SELECT 1;");
});

t.test("comments are left out and casts stay", async (t) => {
	t.equal(render("-- says :this\n\t-- and :that\nSELECT 1::text AS a;").sql, "SELECT 1::text AS a;");
});

t.test("no value of a variable can leave its quotes", async (t) => {
	fc.assert(
		fc.property(
			fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom("'", "\\", ":", "x", ";", "\n") })),
			(value) => {
				const { sql } = render("SELECT :'v', 2", { v: value });
				t.equal(sql, `SELECT ${pg.escapeLiteral(value)}, 2`);
				// An independent reading of the literal: doubled quotes, and doubled backslashes after E.
				const literal = /^SELECT ( E)?'((?:[^']|'')*)', 2$/.exec(sql);
				const inner = literal![2]!.replaceAll("''", "'");
				t.equal(literal![1] ? inner.replaceAll("\\\\", "\\") : inner, value);
			},
		),
		{ seed: 20_250_601 },
	);
});

t.test("what is not understood is refused, never passed on", async (t) => {
	t.throws(() => render("SELECT :v;", { v: "1; DROP TABLE events" }), /only :'name'/);
	t.throws(() => render('SELECT :"v";', { v: "x" }), /only :'name'/);
	t.throws(() => render("SELECT :'v';"), /the variable v has no value/);
	t.throws(() => render("\\! rm -rf /"), /not understood/);
	t.throws(() => render("\\copy a from b"), /\\copy is not understood/);
	t.throws(() => render("\\if :a\n\\endif", { a: "1" }), /only \\if/);
	t.throws(() => render("\\if :{?a}\nSELECT 1;"), /no \\endif/);
});
