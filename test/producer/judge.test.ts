import t from "tap";
import { createCheckingJudge, isEmptyLine, rawJudge, userIdOf } from "../../producer/judge.ts";
import { LINE_BYTES_MAX } from "../../producer/lines.ts";

const GOOD =
	'{"event_type":"login","event_time":"2025-06-01T15:14:00","payload":{"user_id":"user_13","session_id":1364}}';

t.test("a valid line is sent as it is, under its user", async (t) => {
	const judge = createCheckingJudge();
	t.match(judge(Buffer.from(GOOD)), { value: Buffer.from(GOOD), key: "user_13", refusal: null });
});

t.test("a \\r before the \\n is taken off when lines are checked, and kept when they are raw", async (t) => {
	const line = Buffer.from(`${GOOD}\r`);
	t.strictSame(createCheckingJudge()(line).value, Buffer.from(GOOD));
	t.strictSame(rawJudge(line).value, line);
	t.equal(rawJudge(line).key, "user_13");
	t.ok(isEmptyLine(Buffer.from("\r")));
	t.ok(isEmptyLine(Buffer.from("")));
	t.notOk(isEmptyLine(Buffer.from(" ")));
});

t.test("a line that is no event is refused with the engine's own reason", async (t) => {
	const judge = createCheckingJudge();
	const cases: readonly (readonly [string | Buffer, object])[] = [
		["{", { reason: "json" }],
		[`\ufeff${GOOD}`, { reason: "json" }],
		[Buffer.from(GOOD.replace("user_13", "user\xff"), "latin1"), { reason: "utf8" }],
		["null", { reason: "schema" }],
		[GOOD.replace('"user_13"', "13"), { reason: "schema", pointer: "/payload/user_id", detail: "type" }],
		[GOOD.replace("2025-06-01", "2025-02-30"), { reason: "event_time", detail: "calendar" }],
		[Buffer.alloc(LINE_BYTES_MAX + 1, " "), { reason: "too_large" }],
	];
	for (const [line, refusal] of cases) {
		const verdict = judge(Buffer.from(line));
		t.match(verdict, { value: null, key: null, refusal });
	}
	t.equal(judge(Buffer.from(GOOD)).refusal, null, "and the next good line is good");
});

t.test("raw sends everything a broker takes, with the key where there is one", async (t) => {
	for (const line of ["{", "null", "[]", '{"payload":null}', '{"payload":{"user_id":13}}', "\xff"]) {
		t.match(rawJudge(Buffer.from(line, "latin1")), {
			value: Buffer.from(line, "latin1"),
			key: null,
			refusal: null,
		});
	}
	t.equal(rawJudge(Buffer.from('{"payload":{"user_id":"ü"},"event_type":1}')).key, "ü");
	t.equal(rawJudge(Buffer.alloc(LINE_BYTES_MAX + 1, " ")).refusal?.reason, "too_large");
	t.equal(
		userIdOf(Buffer.from('{"payload":{"user_id":"a\xff"}}', "latin1")),
		null,
		"bytes that are no text are no key",
	);
});
