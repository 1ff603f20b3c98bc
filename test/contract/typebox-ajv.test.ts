/** typebox and ajv, behind schema/: the published document is the one that is compiled. No Kafka, no Postgres. */
import { Ajv } from "ajv";
import t from "tap";
import { Type } from "typebox";
import { eventJsonSchema } from "../../schema/event.ts";

const OPTIONS = { strict: true, allErrors: false, messages: false } as const;

t.test("what typebox makes is plain JSON Schema: nothing of its own is left in the document", async (t) => {
	const schema = Type.Object(
		{ type: Type.Literal("login"), name: Type.String({ maxLength: 3 }), n: Type.Integer({ minimum: 0 }) },
		{ description: "d" },
	);
	t.same(JSON.parse(JSON.stringify(schema)), {
		type: "object",
		required: ["type", "name", "n"],
		properties: {
			type: { type: "string", const: "login" },
			name: { type: "string", maxLength: 3 },
			n: { type: "integer", minimum: 0 },
		},
		description: "d",
	});
	t.same(JSON.parse(JSON.stringify(Type.Enum(["a", "b"]))), { enum: ["a", "b"] });
});

t.test("ajv of draft-07 compiles it in strict mode, and each definition by its pointer", async (t) => {
	const ajv = new Ajv(OPTIONS);
	ajv.addSchema(eventJsonSchema());
	t.type(ajv.getSchema("urn:lottery-engine:event#/definitions/login"), "function");
	t.equal(ajv.getSchema("urn:lottery-engine:event#/definitions/nothing"), undefined);
	t.throws(() => new Ajv(OPTIONS).compile({ type: "object", unknownKeyword: true }), /strict mode/);
	t.throws(() => new Ajv(OPTIONS).compile({ type: "string", format: "uuid" }), /unknown format/);
});

t.test("errors belong to the function and are replaced by its next call", async (t) => {
	const check = new Ajv(OPTIONS).compile(Type.Object({ n: Type.Integer() }));
	t.notOk(check({ n: "x" }));
	const kept = check.errors;
	t.match(kept, [{ instancePath: "/n", keyword: "type" }]);
	t.ok(check({ n: 1 }));
	t.equal(check.errors, null, "whoever needs them copies them first");
});

t.test(
	"without allErrors it stops at the first problem, and missing fields come before wrong ones",
	async (t) => {
		const check = new Ajv(OPTIONS).compile(Type.Object({ a: Type.Integer(), b: Type.Integer() }));
		check({ a: "wrong" });
		t.match(check.errors, [{ keyword: "required", instancePath: "", params: { missingProperty: "b" } }]);
		t.equal(check.errors?.length, 1);
	},
);

t.test("lengths count code points, and patterns have the flag u", async (t) => {
	const check = new Ajv(OPTIONS).compile(
		Type.String({ maxLength: 2, pattern: "^[^\\u0000\\ud800-\\udfff]*$" }),
	);
	t.ok(check("\u{1f600}\u{1f600}"), "two characters, four units of UTF-16, no lone surrogate");
	t.notOk(check("abc"));
	for (const bad of ["\u0000", "\ud83d", "\ude00x"]) t.notOk(check(bad), JSON.stringify(bad));
});

t.test("nothing is converted, filled in or taken away", async (t) => {
	const check = new Ajv(OPTIONS).compile(Type.Object({ n: Type.Integer({ default: 5 }) }));
	t.notOk(check({ n: "1" }));
	t.notOk(check({}));
	const value = { n: 1, extra: true };
	t.ok(check(value));
	t.same(value, { n: 1, extra: true });
});

t.test("numbers: Infinity is none, -0 is one, and multipleOf fails on binary fractions", async (t) => {
	const ajv = new Ajv(OPTIONS);
	const number = ajv.compile(Type.Number({ minimum: 0 }));
	t.notOk(number(JSON.parse("1e400")));
	t.match(number.errors, [{ keyword: "type" }]);
	t.ok(number(-0));
	t.ok(ajv.compile(Type.Integer())(2 ** 53 - 1));
	t.notOk(ajv.compile(Type.Number({ multipleOf: 0.01 }))(19.99), "the reason for counting cents ourselves");
});
