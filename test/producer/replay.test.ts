import fc from "fast-check";
import t from "tap";
import type { Judge } from "../../producer/judge.ts";
import {
	emptyCounts,
	type RefusedLine,
	type ReplayLimits,
	type ReplayMessage,
	type ReplayPorts,
	replay,
} from "../../producer/replay.ts";

const LIMITS: ReplayLimits = { batchMessagesMax: 3, batchBytesMax: 1_000, flushesEachChunk: false };

/** Lines that begin with `!` are refused, the others sent under their first letter. */
const judge: Judge = (line) =>
	line[0] === 0x21
		? { value: null, key: null, refusal: { reason: "json", pointer: "", detail: "" } }
		: { value: line, key: line.toString()[0]!, refusal: null };

function harness(overrides: Partial<ReplayPorts> = {}) {
	const batches: ReplayMessage[][] = [];
	const refused: RefusedLine[] = [];
	const controller = new AbortController();
	const ports: ReplayPorts = {
		send: async (messages) => {
			batches.push([...messages]);
		},
		refuse: async (lines) => {
			refused.push(...lines);
		},
		judge,
		pace: { take: async () => undefined },
		signal: controller.signal,
		...overrides,
	};
	return { ports, batches, refused, controller, counts: emptyCounts() };
}

const lists = (...all: readonly string[][]) => all.map((list) => list.map((line) => Buffer.from(line)));
const texts = (batches: readonly ReplayMessage[][]) =>
	batches.map((batch) => batch.map(({ value }) => value.toString()));

t.test("lines go out in order, in batches, under their keys", async (t) => {
	const { ports, batches, counts } = harness();
	await replay(lists(["a1", "b2"], ["c3", "d4"]), ports, LIMITS, counts);
	t.strictSame(texts(batches), [["a1", "b2", "c3"], ["d4"]]);
	t.strictSame(
		batches.flat().map(({ key }) => key),
		["a", "b", "c", "d"],
	);
	t.match(counts, { sent: 4, invalid: 0, skipped: 0, bytes: 12 });
});

t.test("refused lines carry their line number, counted over empty lines too", async (t) => {
	const { ports, batches, refused, counts } = harness();
	await replay(lists(["", "a", "!x"], ["\r", "!y"]), ports, LIMITS, counts);
	t.strictSame(texts(batches), [["a"]]);
	t.strictSame(
		refused.map(({ line, value, reason }) => [line, value.toString(), reason]),
		[
			[3, "!x", "json"],
			[5, "!y", "json"],
		],
	);
	t.match(counts, { sent: 1, invalid: 2, skipped: 2 });
});

t.test("a batch never holds more bytes than a partition takes, but one line may go alone", async (t) => {
	const { ports, batches, counts } = harness();
	await replay(lists(["a".repeat(600), "b".repeat(500), "c".repeat(1_500), "d"]), ports, LIMITS, counts);
	t.strictSame(
		batches.map((batch) => batch.map(({ value }) => value.length)),
		[[600], [500], [1500], [1]],
	);
});

t.test("a source that may be silent is sent chunk by chunk", async (t) => {
	const { ports, batches, counts } = harness();
	await replay(lists(["a"], ["b"]), ports, { ...LIMITS, flushesEachChunk: true }, counts);
	t.strictSame(texts(batches), [["a"], ["b"]]);
});

t.test("an interrupt finishes the batch in flight and sends nothing more", async (t) => {
	const { ports, batches, counts, controller } = harness();
	const send = ports.send;
	await replay(
		lists(["a", "b", "c", "d", "e", "f"]),
		{
			...ports,
			send: async (messages) => {
				controller.abort();
				await send(messages);
			},
		},
		LIMITS,
		counts,
	);
	t.strictSame(texts(batches), [["a", "b", "c"]]);
	t.equal(counts.sent, 3, "what was acknowledged is counted");
	t.equal(counts.bytes, 6, "nothing more is read");
});

t.test("an interrupt while the rate is held sends nothing more", async (t) => {
	const { ports, batches, counts, controller } = harness();
	await replay(
		lists(["a"]),
		{
			...ports,
			pace: {
				take: async () => controller.abort(),
			},
		},
		LIMITS,
		counts,
	);
	t.strictSame(batches, []);
	t.equal(counts.sent, 0);
});

t.test("when sending fails, the counts say what was acknowledged and what is on record", async (t) => {
	let calls = 0;
	const { ports, refused, counts } = harness({
		send: async () => {
			calls++;
			if (calls === 2) throw new Error("broker gone");
		},
	});
	await t.rejects(replay(lists(["a", "b", "c", "!x", "d", "e"]), ports, LIMITS, counts), {
		message: "broker gone",
	});
	t.match(counts, { sent: 3, invalid: 1 });
	t.equal(refused.length, 1);
});

t.test("every line is sent, refused or skipped, once and in order, whatever the limits", async () => {
	const line = fc.constantFrom("", "!bad", "a", "bb", "ccc".repeat(50));
	await fc.assert(
		fc.asyncProperty(
			fc.array(fc.array(line)),
			fc.integer({ min: 1, max: 7 }),
			fc.integer({ min: 1, max: 400 }),
			fc.boolean(),
			async (input, batchMessagesMax, batchBytesMax, flushesEachChunk) => {
				const { ports, batches, refused, counts } = harness();
				await replay(lists(...input), ports, { batchMessagesMax, batchBytesMax, flushesEachChunk }, counts);
				const all = input.flat();
				const good = all.filter((each) => each !== "" && each[0] !== "!");
				return (
					JSON.stringify(texts(batches).flat()) === JSON.stringify(good) &&
					counts.sent === good.length &&
					counts.invalid === refused.length &&
					counts.sent + counts.invalid + counts.skipped === all.length &&
					batches.every((batch) => batch.length <= batchMessagesMax)
				);
			},
		),
		{ verbose: true },
	);
});
