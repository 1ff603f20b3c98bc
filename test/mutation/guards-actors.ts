/** The guards of the actors, and of what the supervisor believes of them. */
import { edit, type Guard } from "./guard.ts";

const CORE = "workers/core.ts";
const SUSPICION = "engine/suspicion.ts";
const CREW = "engine/crew.ts";

const stalePart = edit(
	CREW,
	'message.kind === "frozen" && message.incarnation === this.#calls.incarnation()',
	'message.kind === "frozen"',
);

export const ACTOR_GUARDS: readonly Guard[] = [
	{
		name: "incarnation of a slice",
		edits: [
			edit(
				CORE,
				'\t\tif (!this.#isCurrent({ incarnation })) return { kind: "folded", incarnation, byteLength, busyMs: 0 };\n',
				"",
			),
		],
		simulation: "green",
		because: "`drop` stands behind every slice of the incarnation before, on the same port",
	},
	{
		name: "incarnation of a part",
		edits: [stalePart],
		simulation: "green",
		because: "number of a set: they are never reused",
	},
	{
		name: "incarnation of a part, number of a set",
		edits: [
			stalePart,
			edit(
				"engine/ledger.ts",
				"if (waiting === null || waiting.set !== set || waiting.parts[part.shard] !== undefined) return false;",
				"if (waiting === null || waiting.parts[part.shard] !== undefined) return false;",
			),
			edit(
				"engine/flusher.ts",
				"this.#queue.push(message.set);",
				"this.#queue.push(this.#parts.ledger.waiting!.set);",
			),
		],
		simulation: "red",
	},
	{
		name: "ids are stored when acknowledged, not when frozen",
		edits: [
			edit(
				CORE,
				"\t\tif (states.size > 0) this.#awaiting.set(set, states);\n",
				"\t\tfor (const state of states.values()) state.members.store();\n",
			),
		],
		simulation: "red",
	},
	{
		name: "stored ids cleared by a recovery",
		edits: [edit(CORE, "\t\tthis.#stored.clear();\n", "")],
		simulation: "red",
	},
	{
		name: "open set dropped by a recovery",
		edits: [edit(CORE, "\t\tthis.#open.clear();\n", "")],
		simulation: "green",
		because: "epoch: what is folded again carries a newer one, and stale folds are left out",
	},
	{
		name: "incarnation of an acknowledgement",
		edits: [
			edit(CORE, "if (this.#isCurrent(message)) this.#acknowledge(message);", "this.#acknowledge(message);"),
		],
		simulation: "green",
		because: "`drop` clears the sets that could be acknowledged",
	},
	{
		name: "set of an acknowledgement",
		edits: [
			edit(
				CORE,
				"const states = this.#awaiting.get(set);",
				"const states = [...this.#awaiting.values()].at(-1);",
			),
		],
		simulation: "green",
		because: "stored ids cleared by a recovery: what is not stored after all always ends in one",
	},
	{
		name: "what is forgotten is not acknowledged",
		edits: [
			edit(
				CORE,
				"for (const states of [this.#open, ...this.#awaiting.values()]) {",
				"for (const states of [this.#open]) {",
			),
		],
		simulation: "green",
		because: "an acknowledgement names partition and epoch",
	},
	{
		name: "a silent actor is replaced",
		edits: [
			edit(
				"engine/watchdog.ts",
				"const silent = watch.silent(silenceMsMax);",
				"const silent: number[] = [];",
			),
		],
		simulation: "red",
	},
	{
		name: "no claim while an actor is being replaced",
		edits: [edit(CREW, "return this.#beingReplaced === 0;", "return this.#beingReplaced >= 0;")],
		simulation: "red",
	},
	{
		name: "bytes of a dead actor given back",
		edits: [edit("engine/actor-watch.ts", "\t\tthis.credit.giveBack(actor.bytes);\n", "")],
		simulation: "red",
	},
	{
		name: "a new actor is told what to take care of",
		edits: [edit(CREW, "\t\t\tthis.#actors.post(shard, this.#care);\n", "")],
		simulation: "red",
	},
	{
		name: "a suspect must kill twice while it is alone",
		edits: [edit(SUSPICION, "const DEATHS_ALONE = 2;", "const DEATHS_ALONE = 1;")],
		simulation: "green",
		because: "actors of the simulation die by chance, too, but seldom with an innocent record alone in hand",
	},
	{
		name: "actors hold nothing else when a suspect is tried",
		edits: [
			edit(
				SUSPICION,
				'const needsFreshActors = reached && this.#held !== "nothing";',
				"const needsFreshActors = false;",
			),
		],
		simulation: "green",
		because:
			"killers of the simulation are guilty, so a hasty trial condemns the right one; the unit test sees it",
	},
	{
		name: "an accused that a claim finds stored holds nobody",
		edits: [
			edit(SUSPICION, "standing.expected > accused.offset && idle", "standing.expected < 0 && idle"),
			edit(
				"engine/supervisor.ts",
				"this.#roles.care.passed([{ partition: owned.partition, to: claim.nextOffset }]);",
				"",
			),
		],
		simulation: "seldom",
		because: "a COMMIT of the accused alone must go unanswered (seed 112734654 of an earlier run hung)",
	},
	{
		name: "too much bad input stops the engine",
		edits: [
			edit(
				"engine/invalid-window.ts",
				"records >= WINDOW_RECORDS && deadLetters > this.ratioMax * records",
				"records < 0",
			),
		],
		simulation: "green",
		because:
			"everything is still counted exactly once; the unit test and test/faults/bad-flood.test.ts see it",
	},
];
