import fc from "fast-check";
import t from "tap";
import {
	boolean,
	brokerList,
	DURATION_MS_MAX,
	duration,
	integer,
	oneOf,
	pem,
	postgresUrl,
	ratio,
	text,
	topicName,
} from "../../../engine/config/parsers.ts";

t.test("durations take a unit, and a plain number is seconds", async (t) => {
	const cases: readonly (readonly [string, number | undefined])[] = [
		["24h", 86_400_000],
		["90m", 5_400_000],
		["3600s", 3_600_000],
		["500ms", 500],
		["1.5h", 5_400_000],
		["2d", 172_800_000],
		["30", 30_000],
		["0", 0],
		["24H", 86_400_000],
		["3650d", DURATION_MS_MAX],
		["3651d", undefined],
		["", undefined],
		["h", undefined],
		["-1s", undefined],
		["1 h", undefined],
		["1w", undefined],
		["1e3", undefined],
		["99999999999999s", undefined],
	];
	for (const [input, expected] of cases) t.equal(duration.parse(input), expected, JSON.stringify(input));
});

t.test("brokers are host:port pairs, with Kafka's port when there is none", async (t) => {
	t.strictSame(brokerList.parse("a:1, b ,[::1]:9093,"), ["a:1", "b:9092", "[::1]:9093"]);
	for (const bad of ["", ",", "a:0", "a:65536", "a:b", "http://a:1", "a b", "a:1:2"]) {
		t.equal(brokerList.parse(bad), undefined, JSON.stringify(bad));
	}
});

t.test("a topic name is what Kafka takes", async (t) => {
	for (const good of ["user_events", "a.b-c_D9", "...", "x".repeat(249)])
		t.equal(topicName.parse(good), good);
	for (const bad of ["", ".", "..", "a b", "ä", "x".repeat(250), "a/b"])
		t.equal(topicName.parse(bad), undefined, bad);
});

t.test("a whole number is decimal digits within its limits, whatever they are", async (t) => {
	fc.assert(
		fc.property(
			fc.integer({ min: -1_000_000, max: 1_000_000 }),
			fc.integer(),
			fc.nat(),
			(value, min, span) => {
				const expected = value >= min && value <= min + span ? value : undefined;
				return integer(min, min + span).parse(String(value)) === expected;
			},
		),
		{ verbose: true },
	);
	for (const bad of ["", " 1", "1 ", "0x10", "1_000", "1.0", "٣", "Infinity"])
		t.equal(integer(0, 9).parse(bad), undefined, bad);
});

t.test("yes and no have several spellings and nothing else has", async (t) => {
	for (const good of ["true", "TRUE", "1", "yes", "on"]) t.equal(boolean.parse(good), true);
	for (const good of ["false", "0", "no", "Off"]) t.equal(boolean.parse(good), false);
	for (const bad of ["", "ja", "2", "truee"]) t.equal(boolean.parse(bad), undefined);
});

t.test("the other parsers refuse what they do not know", async (t) => {
	t.equal(oneOf(["a", "b"]).parse("B"), "b");
	t.equal(oneOf(["a", "b"]).parse("c"), undefined);
	t.equal(ratio.parse(".5"), 0.5);
	t.equal(ratio.parse("1.1"), undefined);
	t.equal(text(3).parse("abc"), "abc");
	t.equal(text(3).parse("abcd"), undefined);
	t.equal(text(9).parse("a\nb"), undefined);
	t.equal(pem.parse("MIIB"), undefined);
	t.equal(postgresUrl.parse("mysql://h/d"), undefined);
	t.equal(postgresUrl.parse("postgres://u:p@h:x/d"), undefined);
});
