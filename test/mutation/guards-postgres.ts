/** The guards of the transaction and of the claim. */
import { edit, type Guard } from "./guard.ts";

const MOVE = "engine/sink/move-offsets.ts";
const MEMBERS = "engine/sink/insert-members.ts";
const NUMBERS = "engine/sink/number-users.ts";
const CLAIM = "engine/sink/claim.ts";
const WRITER = "engine/sink/writer.ts";

const epoch = edit(MOVE, "AND s.epoch = v.epoch AND s.next_offset", "AND s.next_offset");
const nextOffset = edit(
	MOVE,
	"AND s.epoch = v.epoch AND s.next_offset = v.from_offset",
	"AND s.epoch = v.epoch",
);
const bothComparisons = edit(MOVE, "AND s.epoch = v.epoch AND s.next_offset = v.from_offset", "");
/** By place and by key. */
const LOCKS = [
	"ctid = ANY ($1::tid[])\n\t\t\tORDER BY (topic, kafka_partition) FOR UPDATE",
	"kafka_partition = ANY ($2::int[])\n\t\t\t\tORDER BY topic, kafka_partition FOR UPDATE",
];
const raise = edit(CLAIM, "SET epoch = epoch + 1, owner = $3", "SET owner = $3");

export const POSTGRES_GUARDS: readonly Guard[] = [
	{
		name: "epoch compared",
		edits: [epoch],
		simulation: "green",
		because: "`next_offset` compared: either would do (the next row shows both gone)",
	},
	{
		name: "`next_offset` compared",
		edits: [nextOffset],
		simulation: "green",
		because: "epoch compared",
	},
	{ name: "epoch and `next_offset` compared", edits: [bothComparisons], simulation: "red" },
	{
		name: "epoch raised by a claim",
		edits: [raise],
		simulation: "green",
		because: "`next_offset` compared",
	},
	{
		name: "epoch raised by a claim, and `next_offset` compared",
		edits: [raise, nextOffset],
		simulation: "red",
		chaos: "red",
		chaosFaults: "engine-freeze-past-session,engine-freeze-in-a-step,engine-freeze-until-replaced",
	},
	{
		name: "row count of the move",
		edits: [edit(MOVE, "if (moved.rowCount !== ranges.length) {", "if (moved.rowCount === -1) {")],
		simulation: "red",
		chaos: "red",
	},
	{
		name: "generation compared by a flush",
		edits: [edit(MOVE, "\n\t\t\t\tAND (SELECT generation FROM ledger) = $1::bigint", "")],
		simulation: "red",
	},
	{
		name: "generation compared by a claim",
		edits: [
			edit(WRITER, "this.#generation !== null && this.#generation !== generation", 'this.#generation === ""'),
		],
		simulation: "red",
	},
	{
		name: "offset rows locked in order by a flush",
		edits: LOCKS.map((lock) => edit(MOVE, lock, lock.replace(/ORDER BY .* FOR/, "FOR"))),
		simulation: "red",
	},
	{
		name: "offset rows locked before they are moved",
		edits: LOCKS.map((lock) => edit(MOVE, lock, lock.replace("FOR UPDATE", "-- FOR UPDATE"))),
		simulation: "seldom",
		because: "two engines must move the same two rows within milliseconds of each other, in two orders",
	},
	{
		name: "partition compared where a row's place is used",
		edits: [
			edit(
				MOVE,
				"WHERE s.ctid = v.place AND s.kafka_partition + 0 = v.kafka_partition",
				"WHERE s.ctid = v.place",
			),
		],
		simulation: "green",
		because: "epoch and `next_offset` compared, and a row that is elsewhere is not locked",
	},
	{
		name: "places of rows forgotten when one is wrong",
		edits: [edit(MOVE, "if (ours.length === partitions.length) return true;", "return true;")],
		simulation: "green",
		because: "the move finds no row there either, and the fence forgets everything",
	},
	{
		name: "offset rows locked in order by a claim",
		edits: [
			edit(
				CLAIM,
				"kafka_partition = ANY ($2::int[])\n\t\t ORDER BY topic, kafka_partition FOR UPDATE",
				"kafka_partition = ANY ($2::int[])\n\t\t FOR UPDATE",
			),
		],
		simulation: "red",
	},
	{
		name: "tag of COMMIT",
		edits: [edit("engine/sink/commit.ts", 'if (command !== "COMMIT")', 'if (command === "")')],
		simulation: "red",
	},
	{
		name: "users whom somebody else has numbered asked for",
		edits: [edit(NUMBERS, "if (users.expectNew) return;", "return;")],
		simulation: "red",
		chaos: "red",
	},
	{
		name: "numbers of users and places of rows forgotten by a recovery",
		edits: [
			edit(WRITER, "\t\tthis.#memory = new FlushMemory();\n\t\tfor (const lane", "\t\tfor (const lane"),
		],
		simulation: "red",
	},
	{
		name: "hours of a set in order",
		edits: [edit("engine/sink/hourly-deltas.ts", ".sort((a, b) => a.hour - b.hour)", "")],
		simulation: "seldom",
		because: "two engines must meet the same two hours in another order; the unit test is red",
	},
	{
		name: "users inserted in order",
		edits: [edit(MEMBERS, "::bit(1024) AS bits) AS c\n\t\tORDER BY 1, 2", "::bit(1024) AS bits) AS c")],
		simulation: "red",
	},
	{
		name: "sessions inserted in order",
		edits: [
			edit(
				MEMBERS,
				"unnest($3::bigint[]) AS bits) AS c\n\t\tORDER BY 1, 2",
				"unnest($3::bigint[]) AS bits) AS c",
			),
		],
		simulation: "green",
		because: "users come first and keep two engines apart; test/integration/members.test.ts is red",
	},
	{
		name: "only new users counted",
		edits: [edit(MEMBERS, "added = bit_count(excluded.bits & ~t.bits)", "added = excluded.added")],
		simulation: "red",
	},
	{
		name: "only new sessions counted",
		edits: [edit(MEMBERS, "added = bit_count((excluded.bits & ~t.bits)::bit(64))", "added = excluded.added")],
		simulation: "red",
	},
	{
		name: "sessions added to those of the row",
		edits: [
			edit(
				MEMBERS,
				"bits = t.bits | excluded.bits,\n\t\t\tadded = bit_count((excluded",
				"bits = excluded.bits,\n\t\t\tadded = bit_count((excluded",
			),
		],
		simulation: "red",
	},
	{
		name: "locks of frozen engines freed by a flush",
		edits: [edit(WRITER, "await freeingLocks(client, this.#free, work);", "await work;")],
		simulation: "red",
	},
	{
		name: "locks of frozen engines freed by a claim",
		edits: [
			edit(
				WRITER,
				"const work = freeingLocks(client, this.#free, claim(client, this.#identity, lowWatermarks));",
				"const work = claim(client, this.#identity, lowWatermarks);",
			),
		],
		simulation: "red",
		chaos: "red",
		chaosFaults: "engine-freeze-until-replaced",
	},
	{
		name: "deadline of a step",
		edits: [
			edit(
				"engine/sink/deadline.ts",
				"\t\t\tdestroy(client);\n\t\t}, deadlineMs);",
				"\t\t}, deadlineMs * 1_000);",
			),
		],
		simulation: "red",
	},
	{
		name: "a connection lost while idle",
		edits: [
			edit(
				"engine/supervisor.ts",
				'store.onLost = (error) => this.#recover("connection_lost", error);',
				"store.onLost = () => {};",
			),
		],
		simulation: "red",
	},
	{
		name: "connections thrown away by a recovery",
		edits: [
			edit("engine/supervisor.ts", "\t\tstore.reset();\n\t\ttally.recoveries++;", "\t\ttally.recoveries++;"),
		],
		simulation: "red",
	},
];
