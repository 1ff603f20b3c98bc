import { Ajv } from "ajv";
import t from "tap";
import { EVENT_SCHEMAS, EVENT_TYPES, eventJsonSchema, hasAmount } from "../../schema/event.ts";

t.test("the order of the types is kept: stored counts are by position", async (t) => {
	t.strictSame([...EVENT_TYPES], ["login", "view_numbers", "ticket_purchased", "claim_reward", "logout"]);
	t.strictSame(Object.keys(EVENT_SCHEMAS).sort(), [...EVENT_TYPES].sort(), "every type has a schema");
});

t.test("only tickets and rewards carry an amount", async (t) => {
	t.strictSame(EVENT_TYPES.filter(hasAmount), ["ticket_purchased", "claim_reward"]);
});

t.test(
	"the published schema is draft-07, named, described, and a fresh plain object each time",
	async (t) => {
		const schema = eventJsonSchema();
		t.equal(schema["$schema"], "http://json-schema.org/draft-07/schema#");
		t.match(schema["$id"], /^urn:/);
		t.ok(schema["title"]);
		t.ok(schema["description"]);
		t.strictSame(JSON.parse(JSON.stringify(schema)), schema, "nothing in it is lost in JSON");
		t.ok(new Ajv().validateSchema(schema), "it obeys the meta schema");
		schema["$id"] = "changed";
		t.not(eventJsonSchema()["$id"], "changed");
	},
);

t.test("every field of every type is described for readers", async (t) => {
	for (const type of EVENT_TYPES) {
		const { description, properties } = EVENT_SCHEMAS[type] as unknown as {
			description: string;
			properties: { event_time: Described; payload: { properties: Record<string, Described> } };
		};
		t.ok(description, type);
		t.ok(properties.event_time.description, `${type} event_time`);
		for (const [name, field] of Object.entries(properties.payload.properties)) {
			t.ok(field.description, `${type} ${name}`);
		}
	}
});

interface Described {
	description?: string;
}

t.test("the union, compiled by someone else as one document, accepts and refuses whole events", async (t) => {
	const check = new Ajv({ strict: true }).compile(eventJsonSchema());
	const event = (type: string, amount?: unknown) => ({
		event_type: type,
		event_time: "2025-06-01T15:14:00",
		payload: { user_id: "user_13", session_id: 1364, ...(amount === undefined ? {} : { amount }) },
	});
	for (const type of EVENT_TYPES) t.ok(check(event(type, 12.34)), type);
	t.ok(check(event("login")), "a login needs no amount");
	t.ok(check(event("login", "anything")), "an amount in a login is not judged");
	t.notOk(check(event("claim_reward")), "a reward needs an amount");
	t.notOk(check(event("ticket_purchased", -1)), "an amount is not negative");
	t.notOk(check(event("draw")), "an unknown type");
	t.notOk(check("login"), "not an object");
});
