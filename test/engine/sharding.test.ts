import fc from "fast-check";
import t from "tap";
import { hashOf, shardOf } from "../../engine/sharding.ts";
import { seedProperties } from "../support/property-seed.ts";
import { ArrayCursor, type CursorRecord } from "../support/record-cursor.ts";

seedProperties(t, 1000);

function shard(record: Omit<CursorRecord, "offset">, shards: number): number {
	const cursor = new ArrayCursor([{ offset: 0, ...record }]);
	cursor.next();
	return shardOf(cursor, shards);
}

const eventOf = (userId: string): string =>
	JSON.stringify({ event_type: "login", payload: { session_id: 1, user_id: userId } });

/** Many enough that two ids on one shard by chance say nothing. */
const SHARDS = 1_000_003;

t.test("the key decides, whatever the value says", async (t) => {
	t.equal(
		shard({ key: "user_1", value: eventOf("user_2") }, SHARDS),
		hashOf(Buffer.from("user_1"), 0, 6) % SHARDS,
	);
	t.equal(shard({ key: "user_1", value: null }, SHARDS), shard({ key: "user_1", value: "x" }, SHARDS));
	t.not(shard({ key: "user_1" }, SHARDS), shard({ key: "user_2" }, SHARDS));
});

t.test("without a key, or with an empty one, the user id decides as the key would have", async (t) => {
	const byKey = shard({ key: "user_13" }, SHARDS);
	t.equal(shard({ key: null, value: eventOf("user_13") }, SHARDS), byKey);
	t.equal(shard({ key: "", value: eventOf("user_13") }, SHARDS), byKey);
	t.equal(
		shard({ key: null, value: '{"payload":{"user_id" :\n "user_13"}}' }, SHARDS),
		byKey,
		"with white space",
	);
});

t.test("where no user id is found by its bytes, the first actor takes the record", async (t) => {
	for (const value of [null, "", "{}", '{"user_id":7}', '{"user_id"', '{"user_id":', "\u0000\u00ff"]) {
		t.equal(shard({ key: null, value }, SHARDS), 0, String(value));
	}
});

t.test("the id is not looked for far into a large value", async (t) => {
	const far = `{"note":"${"x".repeat(2000)}","user_id":"user_1"}`;
	t.equal(shard({ key: null, value: far }, SHARDS), 0);
});

t.test("the shard depends on the record's own bytes alone, wherever they lie", async (t) => {
	const bytes = fc.oneof(
		fc.uint8Array({ maxLength: 60 }),
		fc.string().map((id) => Buffer.from(eventOf(id))),
		// Cut off anywhere, so that the scan ends in the middle of the id or of its name.
		fc.tuple(fc.string(), fc.nat(80)).map(([id, end]) => Buffer.from(eventOf(id)).subarray(0, end)),
	);
	const key = fc.oneof(fc.constant(null), fc.uint8Array({ maxLength: 12 }));
	fc.assert(
		fc.property(key, bytes, fc.integer({ min: 1, max: 64 }), (key, value, shards) => {
			const found = shard({ key, value }, shards);
			const alone = new ArrayCursor([]);
			alone.key = key;
			alone.keyEnd = key?.length ?? 0;
			alone.value = value;
			alone.valueEnd = value.length;
			return Number.isInteger(found) && found >= 0 && found < shards && shardOf(alone, shards) === found;
		}),
	);
	t.pass("all records held");
});

const SPELLINGS: Record<string, (i: number) => string> = {
	"numbered users": (i) => `user_${i}`,
	// Every byte comes twice, which leaves a plain FNV-1a with one and the same low bit.
	"ids that repeat themselves": (i) => `${i}${i}`,
	"ids in steps": (i) => String(i * 4096).padStart(12, "0"),
};

for (const [name, spelling] of Object.entries(SPELLINGS)) {
	t.test(`${name} spread evenly over any number of shards`, async (t) => {
		const users = 20_000;
		for (const shards of [2, 3, 4, 7, 8, 16]) {
			const counts = Array.from({ length: shards }, () => 0);
			for (let i = 0; i < users; i++) counts[shard({ key: spelling(i) }, shards)]!++;
			const mean = users / shards;
			// 6 standard deviations of a fair throw.
			const room = 6 * Math.sqrt(mean * (1 - 1 / shards));
			for (const count of counts)
				t.ok(Math.abs(count - mean) < room, `${shards} shards: ${count} of ${mean}`);
		}
	});
}
