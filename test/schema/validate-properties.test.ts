/** The validator against generated events; validate.test.ts has the rules one by one. */
import { Ajv } from "ajv";
import fc from "fast-check";
import t from "tap";
import { EVENT_TYPES, type EventType, eventJsonSchema } from "../../schema/event.ts";
import { createEventFields, createValidator } from "../../schema/validate.ts";

const seed = Number(process.env["FC_SEED"] ?? Date.now() % 2 ** 31);
fc.configureGlobal({ seed, numRuns: 1000 });
t.comment(`fast-check seed ${seed} (FC_SEED repeats it)`);

const validate = createValidator();

/** The fields of a valid event or why it is none; `value` goes through JSON text, as from Kafka. */
function judge(value: unknown) {
	return judgeText(JSON.stringify(value));
}

function judgeText(text: string) {
	const fields = createEventFields();
	return validate(JSON.parse(text), fields) ?? fields;
}

/** A ticket with this amount, written as it is given. */
function ticketText(amount: string, user = "user_13") {
	const payload = `{"user_id":${JSON.stringify(user)},"session_id":1364,"amount":${amount}}`;
	return `{"event_type":"ticket_purchased","event_time":"2025-06-01T15:14:00","payload":${payload}}`;
}

/** Any JSON value, with the names and strings that hurt careless code. */
const nasty = fc.oneof(
	{ weight: 3, arbitrary: fc.jsonValue({ maxDepth: 4 }) },
	fc.constantFrom(
		null,
		"\u0000",
		"\ud800",
		"__proto__",
		"constructor",
		"2025-02-30T00:00:00",
		-1,
		0.001,
		[],
		{},
	),
);
const nastyName = fc.oneof(
	fc.string(),
	fc.constantFrom("__proto__", "constructor", "toString", "\u0000", "", "amount2"),
);

/** Extra fields as `[name, value]`; assigned with defineProperty, so that `__proto__` is a field like any other. */
const extras = fc.array(fc.tuple(nastyName, nasty), { maxLength: 5 });
const known = new Set(["event_type", "event_time", "payload", "user_id", "session_id", "amount"]);

function withExtras(target: object, fields: [string, unknown][]): object {
	for (const [name, value] of fields) {
		if (known.has(name)) continue;
		Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
	}
	return target;
}

const codePoint = fc
	.oneof(fc.integer({ min: 1, max: 0x7f }), fc.integer({ min: 1, max: 0x10ffff }))
	.filter((code) => code < 0xd800 || code > 0xdfff)
	.map((code) => String.fromCodePoint(code));
const user = fc
	.array(codePoint, { minLength: 1, maxLength: 256, size: "max" })
	.map((points) => points.join(""));
const cents = fc.oneof(fc.nat(10_000), fc.integer({ min: 0, max: 99_999_999_999_999 }));

t.test("any event made by the rules is accepted with its fields, whatever else it holds", async (t) => {
	const event = fc.record({
		type: fc.constantFrom<EventType>(...EVENT_TYPES),
		seconds: fc.integer({ min: 0, max: 253_402_300_799 }),
		user,
		session: fc.maxSafeNat(),
		cents,
		ignored: nasty,
		outer: extras,
		inner: extras,
	});
	fc.assert(
		fc.property(event, (made) => {
			const hasMoney = made.type === "ticket_purchased" || made.type === "claim_reward";
			const payload = {
				user_id: made.user,
				session_id: made.session,
				amount: hasMoney ? made.cents / 100 : made.ignored,
			};
			const value = {
				event_type: made.type,
				event_time: new Date(made.seconds * 1000).toISOString(),
				payload: withExtras(payload, made.inner),
			};
			const fields = judge(withExtras(value, made.outer));
			return (
				"userId" in fields &&
				fields.typeIndex === EVENT_TYPES.indexOf(made.type) &&
				fields.userId === made.user &&
				fields.sessionId === made.session &&
				fields.cents === (hasMoney ? made.cents : -1) &&
				fields.seconds === made.seconds &&
				fields.micros === 0
			);
		}),
	);
	t.pass("all were accepted");
});

t.test(
	"every number of cents is accepted as written with two decimals, and refused with a third",
	async (t) => {
		const amount = (text: string) => judgeText(ticketText(text));
		fc.assert(
			fc.property(cents, fc.integer({ min: 1, max: 9 }), (count, mill) => {
				const text = `${Math.floor(count / 100)}.${String(count % 100).padStart(2, "0")}`;
				const fields = amount(text);
				const more = amount(`${text}${mill}`);
				return "cents" in fields && fields.cents === count && "reason" in more && more.reason === "amount";
			}),
			{ numRuns: 5000 },
		);
		for (let count = 0; count <= 20_000; count++) {
			const fields = judgeText(ticketText(String(count / 100)));
			if (!("cents" in fields) || fields.cents !== count) t.fail(`${count} cents`);
		}
		t.pass("0.00 to 200.00 one by one");
	},
);

t.test("the length of a user is counted in code points, whatever the planes", async (t) => {
	fc.assert(
		fc.property(fc.array(codePoint, { minLength: 250, maxLength: 262, size: "max" }), (points) => {
			const fields = judgeText(ticketText("1", points.join("")));
			return points.length <= 256 ? "userId" in fields : "detail" in fields && fields.detail === "maxLength";
		}),
	);
	t.pass("up to 256");
});

t.test(
	"any value at all gets an answer that Postgres can store, and the published schema agrees",
	async (t) => {
		const published = new Ajv({ strict: true }).compile(eventJsonSchema());
		const maybe = <T>(good: T) => fc.oneof({ weight: 4, arbitrary: fc.constant(good as unknown) }, nasty);
		const almost = fc.record(
			{
				event_type: fc.oneof(fc.constantFrom<unknown>(...EVENT_TYPES), nasty),
				event_time: maybe("2025-06-01T15:14:00Z"),
				payload: fc.oneof(
					{
						weight: 6,
						arbitrary: fc.record(
							{
								user_id: maybe("u"),
								session_id: maybe(1),
								amount: fc.oneof(maybe(12.34), fc.constantFrom<unknown>(-1, 1e12, 0.001, 12.345)),
							},
							{ requiredKeys: [] },
						),
					},
					nasty,
				),
			},
			{ requiredKeys: [] },
		);
		const answers = new Map<string, number>();
		fc.assert(
			fc.property(fc.oneof({ weight: 9, arbitrary: almost }, nasty), (value) => {
				const answer = judge(value);
				const name = "reason" in answer ? answer.reason : "valid";
				answers.set(name, (answers.get(name) ?? 0) + 1);
				const accepts = published(JSON.parse(JSON.stringify(value)));
				if (!("reason" in answer)) return accepts;
				const beyondSchema = answer.detail === "calendar" || answer.detail === "multipleOf";
				return (
					accepts === beyondSchema &&
					/^[a-zA-Z]{4,16}$/.test(answer.detail) &&
					/^(\/[a-z_]+){0,2}$/.test(answer.pointer)
				);
			}),
			{ numRuns: 5000 },
		);
		for (const name of ["valid", "schema", "event_time", "amount"]) {
			t.ok((answers.get(name) ?? 0) > 20, `${name}: ${answers.get(name)} times`);
		}
	},
);
