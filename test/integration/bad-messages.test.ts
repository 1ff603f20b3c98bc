/**
 * Every kind of bad message, between good ones, in one partition: one dead letter each, byte for byte, and the
 * partition goes on. `pg_value` and `actor_crash` are left out: no message is known that leads there.
 */
import t from "tap";
import { REASONS } from "../../schema/reasons.ts";
import { createDatabase } from "../support/database.ts";
import { startEngine } from "../support/engine-process.ts";
import { expectTables, untilCounted } from "../support/expect-tables.ts";
import { lotteryEvent, ticket } from "../support/lottery-event.ts";
import { oracle } from "../support/oracle.ts";
import { createTopic, type OutgoingMessage, type SentMessage, send } from "../support/topic.ts";

/** A case: what is sent, and `reason pointer` of the dead letter, or `stored`. */
type Case = readonly [value: Buffer | string | null, verdict: string];

/** Milliseconds too: they must not get lost. */
const RECORD_MS = Date.UTC(2025, 5, 1, 12, 30, 0, 789);
/** Kafka's default limit of a message is 1,048,588 bytes, the rest of the record included. */
const LARGE_BYTES = 1_000_000;
const DEEP = 100_000;

/** The bytes of an event with `bytes` where the user's name stands. */
function withUserBytes(...bytes: number[]): Buffer {
	const [before, after] = lotteryEvent({ user: "?" }).split('"?"') as [string, string];
	return Buffer.concat([Buffer.from(`${before}"`), Buffer.from(bytes), Buffer.from(`"${after}`)]);
}

function nested(depth: number): string {
	return "[".repeat(depth) + "]".repeat(depth);
}

/** An event whose user is written as this JSON. */
function withUser(json: string): string {
	return lotteryEvent({ user: "?" }).replace('"?"', json);
}

const DECODE: readonly Case[] = [
	[null, "null_value"],
	["", "empty_value"],
	[withUserBytes(0xff), "utf8"],
	[withUserBytes(0xfe), "utf8"],
	[withUserBytes(0xc0, 0x80), "utf8"],
	[withUserBytes(0xed, 0xa0, 0x80), "utf8"],
	[withUserBytes(0xf4, 0x90, 0x80, 0x80), "utf8"],
	[withUserBytes(0xe2, 0x82), "utf8"],
	[Buffer.from([0x80]), "utf8"],
	[`\ufeff${lotteryEvent()}`, "json"],
	[Buffer.from(lotteryEvent(), "utf16le"), "json"],
	[Buffer.from([0x00]), "json"],
	[" ", "json"],
	[lotteryEvent().slice(0, -1), "json"],
	[`${lotteryEvent()},${lotteryEvent()}`, "json"],
	[`${lotteryEvent()}\n${lotteryEvent()}`, "json"],
	["1],[1", "json"],
	[`${lotteryEvent()},1234567890,${lotteryEvent()}`, "json"],
	[lotteryEvent().replaceAll('"', "'"), "json"],
	[`${lotteryEvent().slice(0, -1)},}`, "json"],
	[withUser('"\u0001"'), "json"],
	[lotteryEvent({ session: Number.NaN }), "json"],
	["[".repeat(DEEP), "json"],
	["x".repeat(LARGE_BYTES), "json"],
	[`"${"x".repeat(LARGE_BYTES)}`, "json"],
	// Neighbours that are JSON only when they are glued; in this order and directly one behind the other.
	['{"a":[{"x":1}', "json"],
	['{"y":2}]}', "json"],
	['{"b":1},{"c":2}', "json"],
	[`[${lotteryEvent()}`, "json"],
	[lotteryEvent(), "stored"],
	[`${lotteryEvent()}]`, "json"],
	['{"event_type":"login","note":"', "json"],
	[`","payload":1}`, "json"],
];

const SHAPE: readonly Case[] = [
	...["null", "1", '"login"', "true", "[]", `[${lotteryEvent()}]`, nested(DEEP)].map(
		(value): Case => [value, "schema "],
	),
	["{}", "schema /event_type"],
	[lotteryEvent({ type: "jackpot" }), "schema /event_type"],
	[lotteryEvent({ type: "toString" }), "schema /event_type"],
	[lotteryEvent().replace('"login"', "null"), "schema /event_type"],
	['{"event_type":"login","payload":{"user_id":"u","session_id":1}}', "schema /event_time"],
	[lotteryEvent().replace('"2025-06-01T12:00:00"', "1748779200"), "schema /event_time"],
	['{"event_type":"login","event_time":"2025-06-01T12:00:00"}', "schema /payload"],
	['{"event_type":"login","event_time":"2025-06-01T12:00:00","payload":[]}', "schema /payload"],
	[
		'{"event_type":"login","event_time":"2025-06-01T12:00:00","payload":{"session_id":1}}',
		"schema /payload/user_id",
	],
	[
		'{"event_type":"login","event_time":"2025-06-01T12:00:00","payload":{"user_id":"u"}}',
		"schema /payload/session_id",
	],
	[withUser('""'), "schema /payload/user_id"],
	[withUser("13"), "schema /payload/user_id"],
	[withUser('"a\\u0000b"'), "schema /payload/user_id"],
	[withUser('"\\ud800"'), "schema /payload/user_id"],
	[withUser('"\\udc00\\ud800"'), "schema /payload/user_id"],
	[withUser(nested(DEEP)), "schema /payload/user_id"],
	[withUser(`"${"u".repeat(257)}"`), "schema /payload/user_id"],
	[withUser(`"${"u".repeat(LARGE_BYTES)}"`), "schema /payload/user_id"],
	[lotteryEvent({ session: -1 }), "schema /payload/session_id"],
	[lotteryEvent({ session: 1.5 }), "schema /payload/session_id"],
	[lotteryEvent({ session: 2 ** 53 }), "schema /payload/session_id"],
	[lotteryEvent().replace('"session_id":1', '"session_id":"1"'), "schema /payload/session_id"],
	[lotteryEvent({ type: "ticket_purchased" }), "schema /payload/amount"],
	[ticket({ amount: '"2.50"' }), "schema /payload/amount"],
	[ticket({ amount: "null" }), "schema /payload/amount"],
];

const VALUES: readonly Case[] = [
	...["2025-02-29T00:00:00", "1900-02-29T00:00:00", "2025-06-01 12:00:00", "2025-06-01t12:00:00z"],
	...["2025-06-01T12:00", "2025-06-01T24:00:00", "2025-06-01T12:00:60", "2025-06-01T12:00:00+14:01"],
	...[
		"2025-06-01T12:00:00.1234567890",
		"1969-12-31T23:59:59",
		"2025-06-01T12:00:00Z ",
		"+12025-06-01T12:00:00",
	],
	...["2025-06-01T12:00:00.", "2025-06-31T12:00:00", "2025-00-01T12:00:00", "", "٢٠٢٥-06-01T12:00:00"],
].map((entry): Case => [lotteryEvent({ time: entry }), "event_time /event_time"]);

const MONEY: readonly Case[] = [
	...["-0.01", "-1e-400", "0.001", "0.30000000000000004", "1000000000000", "1e12", "1e400", "12.345", "1e-3"],
].map((amount): Case => [ticket({ amount }), amount === "-1e-400" ? "stored" : "amount /payload/amount"]);

const TIMES: readonly Case[] = [
	[lotteryEvent({ time: "2025-06-02T12:30:00.789001" }), "future_event /event_time"],
	[lotteryEvent({ time: "9999-12-31T23:59:59.999999999" }), "future_event /event_time"],
	[lotteryEvent({ time: "2025-05-31T12:30:00.788999" }), "late_event /event_time"],
	[lotteryEvent({ time: "1970-01-01T00:00:00+14:00" }), "late_event /event_time"],
];

/** What looks bad and is not. */
const GOOD: readonly Case[] = [
	lotteryEvent({ extra: { deep: "?" } }).replace('"?"', nested(DEEP)),
	lotteryEvent({ extra: { large: "x".repeat(LARGE_BYTES) } }),
	lotteryEvent({ extra: { nul: "\u0000", lone: "\ud800", __proto__: null } }),
	withUser('"\\ud83c\\udfb2"'),
	withUser(`"${"🎲".repeat(256)}"`),
	withUser('"\\\\N\\t\\n\\""'),
	` \r\n\t${lotteryEvent()} \r\n`,
].map((value): Case => [value, "stored"]);

const CASES: readonly Case[] = [...DECODE, ...SHAPE, ...VALUES, ...MONEY, ...TIMES, ...GOOD];

/** Keys and headers of every kind, dealt out in turn. */
const KEYS = [null, "user_1", "", Buffer.from([0xff, 0xfe, 0x00, 0x80]), Buffer.alloc(3_000, 0xc3)];
const HEADERS: readonly OutgoingMessage["headers"][] = [
	{},
	{ source: "web" },
	{ twice: ["one", "two", Buffer.from([0xff, 0x00])], once: "x" },
	{ "nul\u0000name": Buffer.from([0x00]), "": "empty name", "ключ 🎲": "" },
	{ "a'\"\\b": "quote" },
];

t.test(
	"every kind of bad message becomes one dead letter, byte for byte, and its neighbours are stored",
	async (t) => {
		const database = await createDatabase(t);
		const topic = await createTopic(t, { partitions: 1 });
		const env = { LATE_POLICY: "dead-letter", LATE_AFTER: "24h" };
		const engine = await startEngine(t, { topic, database, env });
		const good: Case = [lotteryEvent({ user: "neighbour" }), "stored"];
		// Glued neighbours side by side first, then every one between two good ones, then all again the other way round.
		const cases = [...CASES, good, ...CASES.flatMap((one) => [one, good]), ...CASES.toReversed()];
		const messages = await send(
			topic,
			cases.map(([value], i) => ({
				value,
				key: KEYS[i % KEYS.length]!,
				headers: HEADERS[i % HEADERS.length]!,
				timestampMs: RECORD_MS,
			})),
		);
		await untilCounted(database.client, messages.length);

		const { rows } = await database.client.query<{ offset: string; verdict: string; stage: string }>(
			`SELECT kafka_offset AS offset, reason || coalesce(' ' || pointer, '') AS verdict, stage FROM dead_letters`,
		);
		const verdicts = new Map(rows.map(({ offset, verdict }) => [Number(offset), verdict]));
		const wrong = messages.flatMap(({ offset, value }, i) => {
			const found = verdicts.get(offset) ?? "stored";
			const wanted = cases[i]![1];
			return found === wanted ? [] : [{ sent: value?.toString("latin1", 0, 100), wanted, found }];
		});
		t.same(wrong, [], "each has the reason and the place it was refused for");
		await expectTables(t, database.client, oracle(messages, { latePolicy: "dead-letter" }));

		const reached = new Set(rows.map(({ verdict }) => verdict.split(" ")[0]));
		const unreachable = ["pg_value", "actor_crash"];
		t.same([...reached, ...unreachable].sort(), Object.keys(REASONS).sort(), "every reason code was there");
		t.equal((await engine.status()).totals.recoveries, 0, "nothing of it needed a recovery");

		const more = await send(topic, [{ value: good[0], timestampMs: RECORD_MS }]);
		await untilCounted(database.client, messages.length + more.length);
		t.pass("the partition goes on");
	},
);

t.test(
	"what is JSON only when glued to its neighbours is refused, and its neighbours keep their offsets",
	async (t) => {
		const database = await createDatabase(t);
		const topic = await createTopic(t, { partitions: 1 });
		// One actor, and nothing else that is bad: a slice of these alone has the right number of elements when glued.
		await startEngine(t, { topic, database, env: { ACTORS: "1" } });
		const good = (session: number) => lotteryEvent({ user: "neighbour", session });
		const glued = ["[1", "2]", `${good(101)},1,${good(102)}`];
		const quoted = ['{"a":"', '"}', `${good(103)},null,${good(104)}`];
		const nests = ['{"a":[{"x":1}', '{"y":2}]}', '{"b":1},1,{"c":2}', "[[1", "[2", "3]]]", "1,2,3,4,5"];
		const bad = [...glued, ...quoted, ...nests];
		const values = [glued, quoted, nests].flatMap((group, i) => [good(i), ...group, good(10 + i)]);
		const messages = await send(
			topic,
			values.map((value) => ({ value })),
		);
		await untilCounted(database.client, messages.length);
		const expected = oracle(messages);
		t.same(
			expected.deadLetters.map(({ reason, message }) => `${reason} ${message.value}`),
			bad.map((value) => `json ${value}`),
			"the oracle knows which",
		);
		await expectTables(t, database.client, expected);
	},
);

t.test("headers named like what every object of JavaScript has stop nothing and are kept", async (t) => {
	const database = await createDatabase(t);
	const topic = await createTopic(t, { partitions: 1 });
	await startEngine(t, { topic, database });
	const names = ["constructor", "toString", "valueOf", "hasOwnProperty", "__proto__", "__defineGetter__"];
	const headers = [...names.map((name) => [[name, "once"]]), names.map((name) => [name, ["one", "two"]])];
	const messages = await send(
		topic,
		headers.flatMap((pairs) => [
			{ value: lotteryEvent(), headers: Object.fromEntries(pairs) },
			{ value: "{", headers: Object.fromEntries(pairs) },
		]),
	);
	await untilCounted(database.client, messages.length);
	await expectTables(t, database.client, oracle(messages));
});

t.test("header names that are one without their U+0000 keep the values of all", async (t) => {
	const database = await createDatabase(t);
	const topic = await createTopic(t, { partitions: 1 });
	await startEngine(t, { topic, database });
	const headers = { "a\u0000": "first", "a\ufffd": ["second", "third"] };
	const [message] = await send(topic, [{ value: "{", headers }]);
	await untilCounted(database.client, 1);
	const merged = { ...message!, headers: { "a\ufffd": ["first", "second", "third"] } };
	await expectTables(t, database.client, oracle([merged]));
});

/** Any int64 may stand there; -1 is Kafka's word for none. */
const TIMESTAMPS = [
	...["-9223372036854775808", "-62135596800001", "-62135596800000", "-2", "-1", "0", "1748781000789"],
	...["253402300799999", "253402300800000", "8640000000000001", "9007199254740993", "9223372036854775807"],
];

t.test(
	"whatever the timestamp of a record says, its partition goes on, and it is shown if a calendar holds it",
	async (t) => {
		const database = await createDatabase(t);
		const topic = await createTopic(t, { partitions: 1 });
		await startEngine(t, { topic, database });
		const [event, broken] = [Buffer.from(lotteryEvent({ time: "1970-01-01T00:00:00" })), Buffer.from("{")];
		const sent: SentMessage[] = [];
		for (const timestamp of TIMESTAMPS) {
			const values = [event, broken];
			await topic.withProducer((producer) =>
				producer.send({ topic: topic.name, messages: values.map((value) => ({ value, timestamp })) }),
			);
			for (const value of values) {
				const place = { topic: topic.name, partition: 0, offset: sent.length, key: null, headers: {} };
				sent.push({ ...place, value, timestampMs: Number(timestamp) });
			}
			// Each is the last of its set once, whose timestamp is kept beside the offset.
			await untilCounted(database.client, sent.length);
		}
		await expectTables(t, database.client, oracle(sent));
		const { rows } = await database.client.query<{ shown: boolean }>(
			"SELECT kafka_timestamp IS NOT NULL AS shown FROM dead_letters ORDER BY kafka_offset",
		);
		t.same(
			rows.map(({ shown }) => shown),
			[false, false, true, true, false, true, true, true, false, false, false, false],
		);
	},
);
