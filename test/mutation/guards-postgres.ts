/** The guards of the transaction and of the claim. */
import { edit, type Guard } from "./guard.ts";

const MOVE = "engine/sink/move-offsets.ts";
const MEMBERS = "engine/sink/insert-members.ts";
const MERGE = "engine/sink/merge-hours.ts";
const CLAIM = "engine/sink/claim.ts";
const WRITER = "engine/sink/writer.ts";

const epoch = edit(MOVE, "AND s.epoch = v.epoch AND s.next_offset", "AND s.next_offset");
const nextOffset = edit(
	MOVE,
	"AND s.epoch = v.epoch AND s.next_offset = v.from_offset",
	"AND s.epoch = v.epoch",
);
const bothComparisons = edit(MOVE, "AND s.epoch = v.epoch AND s.next_offset = v.from_offset", "");
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
		edits: [edit(MOVE, "if (rowCount !== ranges.length) {", "if (rowCount === -1) {")],
		simulation: "red",
		chaos: "red",
	},
	{
		name: "generation compared by a flush",
		edits: [edit(MOVE, "\n\t\t\t\tAND (SELECT generation FROM ledger) = $2::bigint", "")],
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
		edits: [
			edit(
				MOVE,
				"kafka_partition = ANY ($2::int[])\n\t\t\tORDER BY topic, kafka_partition FOR UPDATE",
				"kafka_partition = ANY ($2::int[])\n\t\t\tFOR UPDATE",
			),
		],
		simulation: "red",
	},
	{
		name: "offset rows locked before they are moved",
		edits: [
			edit(
				MOVE,
				"kafka_partition = ANY ($2::int[])\n\t\t\tORDER BY topic, kafka_partition FOR UPDATE",
				"kafka_partition = ANY ($2::int[])\n\t\t\tORDER BY topic, kafka_partition -- FOR UPDATE",
			),
		],
		simulation: "seldom",
		because: "two engines must move the same two rows within milliseconds of each other, in two orders",
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
		name: "conflict of members ignored",
		edits: [
			edit(MEMBERS, "\n\t\t\t\tON CONFLICT DO NOTHING\n\t\t\t\tRETURNING hour", "\n\t\t\t\tRETURNING hour"),
		],
		simulation: "red",
		chaos: "red",
	},
	{
		name: "users inserted in order",
		edits: [
			edit(
				MEMBERS,
				"\n\t\t\t\tORDER BY 1, 2\n\t\t\t\tON CONFLICT DO NOTHING",
				"\n\t\t\t\tON CONFLICT DO NOTHING",
			),
		],
		simulation: "red",
	},
	{
		name: "sessions inserted in order",
		edits: [
			edit(MEMBERS, "\n\t\t\t\tORDER BY 1, 2\n\t\t\t\tON CONFLICT (hour", "\n\t\t\t\tON CONFLICT (hour"),
		],
		simulation: "green",
		because: "users come first and keep two engines apart; test/integration/members.test.ts is red",
	},
	{
		name: "only new sessions counted",
		edits: [edit(MEMBERS, "added = bit_count((excluded.bits & ~t.bits)::bit(64))", "added = excluded.added")],
		simulation: "red",
	},
	{
		name: "sessions added to those of the row",
		edits: [edit(MEMBERS, "bits = t.bits | excluded.bits", "bits = excluded.bits")],
		simulation: "red",
	},
	{
		name: "hours merged in order",
		edits: [edit(MERGE, "\n\t\t\tORDER BY v.hour", "")],
		simulation: "red",
	},
	{
		name: "hours added up, not replaced",
		edits: [edit(MERGE, "revenue = t.revenue + excluded.revenue", "revenue = excluded.revenue")],
		simulation: "red",
		chaos: "red",
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
