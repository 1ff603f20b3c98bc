/** The guards of the deciding loop: who owns what, from where, and since when. */
import { edit, type Guard } from "./guard.ts";

const SUPERVISOR = "engine/supervisor.ts";
const CLAIMER = "engine/claimer.ts";
const FLUSHER = "engine/flusher.ts";
const INTAKE = "engine/intake.ts";
const LEDGER = "engine/ledger.ts";
const POSITIONS = "engine/positions.ts";

const batchFence = edit(
	INTAKE,
	"if (batch.fetchedOffset !== owned.position) {",
	"if (batch.fetchedOffset < 0) {",
);
const keptSeek = edit(
	POSITIONS,
	"if (owned.accepts) this.#source.seek(owned.partition, owned.position);",
	"",
);
const forgetOnRevoke = edit(SUPERVISOR, "\t\t\tthis.#forget(lost);\n", "");
const forgetOnClaim = edit(SUPERVISOR, "\t\t\t\tthis.#forget([owned.partition]);\n", "");

export const ENGINE_GUARDS: readonly Guard[] = [
	{ name: "position of a batch", edits: [batchFence], simulation: "red" },
	{
		name: "position of a fetch without records",
		edits: [edit(INTAKE, "\t\tif (fetchedOffset !== owned.position) {", "\t\tif (fetchedOffset < 0) {")],
		simulation: "red",
	},
	{
		name: "seek of a partition that is kept",
		edits: [keptSeek],
		simulation: "green",
		because: "position of a batch: the first one from elsewhere is dropped and sought",
	},
	{
		name: "seek of a partition that is kept, and position of a batch",
		edits: [keptSeek, batchFence],
		simulation: "red",
	},
	{
		name: "only what is claimed is accepted",
		edits: [
			edit(
				INTAKE,
				"if (owned === undefined || !owned.accepts) return null;",
				"if (owned === undefined) return null;",
			),
		],
		simulation: "green",
		because: "pauses, and position of a batch: before a claim it is -1",
	},
	{
		name: "the last record is read back",
		edits: [
			edit(
				POSITIONS,
				"owned.adopt(judgement.verify ? claim : { ...claim, last: null });",
				"owned.adopt({ ...claim, last: null });",
			),
		],
		simulation: "red",
	},
	{
		name: "everything paused at a join",
		edits: [
			edit(
				"engine/pauses.ts",
				"\t\tthis.#source.pause(partitions);\n\t\tfor (const partition of partitions) this.#paused.add(partition);",
				"",
			),
		],
		simulation: "green",
		because: "only what is claimed is accepted; it saves reading for nothing",
	},
	{
		name: "forgotten when revoked",
		edits: [forgetOnRevoke],
		simulation: "green",
		because: "epoch compared, and stale parts left out; it saves a fence, and with it a recovery",
	},
	{
		name: "forgotten when claimed",
		edits: [forgetOnClaim],
		simulation: "green",
		because: "forgotten when revoked, and dropped by a recovery: nothing is left by then",
	},
	{
		name: "forgotten when revoked, forgotten when claimed",
		edits: [forgetOnRevoke, forgetOnClaim],
		simulation: "green",
		because: "epoch compared by the flush, and stale folds left out of a set",
	},
	{
		name: "packed slices posted before a barrier",
		edits: [
			edit(
				"engine/supervisor-roles.ts",
				"\t\t\t\trouter.flush();\n\t\t\t\tcrew.barrier(set);",
				"\t\t\t\tcrew.barrier(set);",
			),
		],
		simulation: "red",
	},
	{
		name: "packed slices dropped by a recovery",
		edits: [edit(SUPERVISOR, "\t\tthis.#roles.router.drop();\n\t\tfor (const owned", "\t\tfor (const owned")],
		simulation: "green",
		because: "stale folds left out of a set: what was packed carries the epoch before",
	},
	{
		name: "claimed anew after a recovery",
		edits: [edit(SUPERVISOR, "\t\t\towned.release();\n", "")],
		simulation: "red",
	},
	{
		name: "credit given back by a recovery",
		edits: [edit(FLUSHER, "\t\tthis.#parts.credit.clear();\n", "")],
		simulation: "red",
	},
	{
		name: "credit given back by a commit",
		edits: [edit(FLUSHER, "\t\t\tcredit.giveBack(done.bytes);\n", "")],
		simulation: "red",
	},
	{
		name: "credit given back for what is forgotten",
		edits: [
			edit(
				FLUSHER,
				"this.#parts.credit.giveBack(this.#parts.ledger.forget(partitions));",
				"this.#parts.ledger.forget(partitions);",
			),
		],
		simulation: "red",
	},
	{
		name: "flush held back while the set credit is used up",
		edits: [edit(SUPERVISOR, 'this.#press("flush", this.#parts.setCredit.full);', "")],
		simulation: "red",
	},
	{
		name: "late commit of an earlier incarnation",
		edits: [
			edit(FLUSHER, "if (done === null || incarnation !== calls.incarnation()) {", "if (done === null) {"),
		],
		simulation: "green",
		because: "set numbers: the set was dropped from the ledger in that recovery",
	},
	{
		name: "failure of an earlier incarnation",
		edits: [edit(FLUSHER, "\t\t\tif (incarnation !== calls.incarnation()) return;\n", "")],
		simulation: "green",
		because: "one recovery more; step 9 has no limit of tries",
	},
	{
		name: "claim asked in an earlier incarnation",
		edits: [
			edit(
				CLAIMER,
				"if (incarnation !== this.#calls.incarnation()) return;\n\t\t\tconst claims",
				"const claims",
			),
		],
		simulation: "green",
		because: "the answer is not listened to; an epoch raised in vain costs the owner one fence",
	},
	{
		name: "claim answered in a later incarnation, or after a join",
		edits: [
			edit(
				CLAIMER,
				'if (owned === undefined || owned.phase !== "claiming" || !due.includes(owned)) continue;',
				"if (owned === undefined) continue;",
			),
			edit(CLAIMER, "if (incarnation !== this.#calls.incarnation()) return;\n\t\t\tconst ours", "const ours"),
		],
		simulation: "red",
	},
	{
		name: "watermarks read again behind the claim",
		edits: [
			edit(
				CLAIMER,
				"const watermarks = await this.#source.watermarks();\n\t\t\tif",
				"const watermarks = before;\n\t\t\tif",
			),
		],
		simulation: "seldom",
		because: "a claim must wait for a lock while the log grows and another engine commits what is new",
	},
	{
		name: "two heartbeats before the next claim",
		edits: [edit("engine/recovery-gate.ts", "this.#heartbeatsNeeded = 2;", "this.#heartbeatsNeeded = 0;")],
		simulation: "red",
	},
	{
		name: "the second of the two heartbeats",
		edits: [edit("engine/recovery-gate.ts", "this.#heartbeatsNeeded = 2;", "this.#heartbeatsNeeded = 1;")],
		simulation: "red",
	},
	{
		name: "number of a set when a part arrives",
		edits: [
			edit(
				LEDGER,
				"if (waiting === null || waiting.set !== set || waiting.parts[part.shard] !== undefined) return false;",
				"if (waiting === null || waiting.parts[part.shard] !== undefined) return false;",
			),
		],
		simulation: "green",
		because: "incarnation of a part: the other sets of this incarnation have all their parts",
	},
	{
		name: "stale folds left out of a set",
		edits: [
			edit(
				LEDGER,
				"set.ranges.get(fold.partition)?.epoch === fold.epoch",
				"set.ranges.has(fold.partition) || fold.epoch >= 0",
			),
		],
		simulation: "red",
	},
	{
		name: "all parts awaited",
		edits: [edit(LEDGER, "this.#waiting.missing = this.#shards;", "this.#waiting.missing = 1;")],
		simulation: "red",
	},
	{
		name: "only what is durable is published",
		edits: [
			edit(
				SUPERVISOR,
				"jobs.publish(new Map(set.ranges.map((range) => [range.partition, range.to])));",
				"jobs.publish(new Map(assignment.all().map((owned) => [owned.partition, owned.expected])));",
			),
		],
		simulation: "red",
	},
	{
		name: "a row must be refused twice before it is poison",
		edits: [edit("engine/condemned.ts", "if (!this.#refused.has(key)) {", "if (this.#refused.has(code)) {")],
		simulation: "red",
	},
];
