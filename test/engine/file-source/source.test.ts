import { appendFileSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { CHUNK_BYTES } from "../../../engine/file-source/file-log.ts";
import type { Counted } from "../../../engine/file-source/turn.ts";
import { identityOf } from "../../../engine/router.ts";
import { fileSourceStage } from "../../support/file-source-stage.ts";
import { ArrayCursor } from "../../support/record-cursor.ts";

function fileOf(t: Test, text: string): string {
	const path = join(t.testdir(), "events.jsonl");
	writeFileSync(path, text);
	return path;
}

/** What Postgres says when the lines up to this one are counted. */
function countedUpTo(lines: readonly string[]): Counted {
	const offset = lines.length - 1;
	const cursor = new ArrayCursor([{ offset, timestampMs: -1, key: null, value: lines.at(-1)! }]);
	cursor.next();
	return { nextOffset: lines.length, last: { offset, hash: identityOf(cursor).hash } };
}

/** Joins and lets it flow from a line on. */
async function flow(stage: ReturnType<typeof fileSourceStage>, from = 0): Promise<void> {
	await stage.start();
	await stage.until(() => stage.calls.includes("joined 0"));
	stage.source.seek(0, from);
	stage.source.resume([0]);
}

const DELIVERED = /^(batch|skipped)/;

t.test("nothing is delivered before it is resumed, then everything from the position on", async (t) => {
	const stage = fileSourceStage(t, fileOf(t, "a\nb\n\nc\n"));
	await stage.start();
	await stage.until(() => stage.calls.includes("heartbeat"));
	t.same(stage.calls, ["joined 0", "heartbeat"]);
	t.same(await stage.source.watermarks(), new Map([[0, { low: 0, high: 4 }]]));
	stage.source.seek(0, 1);
	await stage.steps(20);
	t.notOk(
		stage.calls.some((call) => DELIVERED.test(call)),
		"paused as joined",
	);
	stage.source.resume([0]);
	await stage.until(() => stage.values.has(3));
	t.same(
		stage.calls.filter((call) => DELIVERED.test(call)),
		["batch 1-4"],
	);
	t.same(
		[...stage.values],
		[
			[1, "b"],
			[3, "c"],
		],
	);
});

t.test("appended lines are followed; empty ones are skipped", async (t) => {
	const path = fileOf(t, "a\n");
	const stage = fileSourceStage(t, path);
	await flow(stage);
	await stage.until(() => stage.values.has(0));
	appendFileSync(path, "\n\n");
	await stage.until(() => stage.calls.includes("skipped 1-3"));
	appendFileSync(path, "b");
	await stage.steps(30);
	t.notOk(stage.values.has(3), "not before its line end");
	appendFileSync(path, "c\n");
	await stage.until(() => stage.values.has(3));
	t.equal(stage.values.get(3), "bc");
});

t.test("a pause holds back what was not delivered, even what is being read", async (t) => {
	const line = `${"x".repeat(999)}\n`;
	const chunks = 8;
	const stage = fileSourceStage(t, fileOf(t, line.repeat((chunks * CHUNK_BYTES) / 1_000)));
	let batches = 0;
	stage.onBatch = (batch) => {
		batches++;
		batch.resolve();
		if (batches === 2) stage.source.pause([0]);
	};
	await flow(stage);
	await stage.until(() => batches === 2);
	await stage.steps(50);
	t.equal(batches, 2, "backpressure");
	t.equal(Math.max(...stage.values.keys()), stage.values.size - 1);
	stage.source.resume([0]);
	stage.source.pause([0]);
	await stage.steps(50);
	t.equal(batches, 2, "the chunk that was read between the two is dropped");
	stage.source.resume([0]);
	const { high } = (await stage.source.watermarks()).get(0)!;
	await stage.until(() => stage.values.size === high);
	t.ok(batches >= chunks);
});

t.test("a seek goes anywhere, back as well, and a batch of before is not delivered", async (t) => {
	const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i}`);
	const stage = fileSourceStage(t, fileOf(t, `${lines.join("\n")}\n`));
	await flow(stage);
	await stage.until(() => stage.values.size === lines.length);
	for (const offset of [0, 19_999, 7_777, 4_096]) {
		stage.calls.length = 0;
		stage.source.seek(0, offset);
		await stage.until(() => stage.calls.some((call) => call.endsWith("-20000")));
		t.match(
			stage.calls.find((call) => DELIVERED.test(call)),
			new RegExp(`^batch ${offset}-`),
		);
	}
	t.same([...stage.values.values()], lines);
});

t.test("a batch that is not taken is offered again, and not in a circle", async (t) => {
	const stage = fileSourceStage(t, fileOf(t, "a\n"));
	let offers = 0;
	stage.onBatch = (batch) => {
		offers++;
		if (offers === 3) batch.resolve();
	};
	await flow(stage);
	await stage.until(() => offers === 1);
	const atMs = stage.clock.monotonicMs();
	await stage.until(() => offers === 3);
	t.ok(stage.clock.monotonicMs() - atMs >= 200, `${stage.clock.monotonicMs() - atMs} ms for two more`);
});

t.test(
	"a run to the end reads what was there, the last line without its end too, and nothing later",
	async (t) => {
		const path = fileOf(t, "a\nb");
		const stage = fileSourceStage(t, path, { untilEnd: true });
		await flow(stage);
		await stage.until(() => stage.values.has(1));
		appendFileSync(path, "\nc\n");
		await stage.steps(50);
		t.same([...stage.values.values()], ["a", "b"]);
		t.same(await stage.source.watermarks(), new Map([[0, { low: 0, high: 2 }]]));
	},
);

t.test("whoever is not in turn stands by, alive and without a partition, and joins when it is", async (t) => {
	const stage = fileSourceStage(t, fileOf(t, "a\n"));
	stage.turn.holder = "another engine";
	await stage.start();
	await stage.until(() => stage.calls.includes("heartbeat"));
	await stage.steps(100);
	t.same(stage.calls, ["joined ", "heartbeat"]);
	t.same(await stage.source.watermarks(), new Map(), "no trouble, and no log");
	stage.turn.holder = null;
	await stage.until(() => stage.calls.includes("joined 0"));
	t.same(stage.calls, ["joined ", "heartbeat", "joined 0"]);
});

t.test("a lost turn takes the partition away until it is found again", async (t) => {
	const path = fileOf(t, "a\nb\n");
	const stage = fileSourceStage(t, path);
	await flow(stage);
	await stage.until(() => stage.values.size === 2);
	stage.turn.isLost = true;
	await stage.until(() => stage.calls.at(-1) === "joined ");
	stage.source.seek(0, 0);
	stage.source.resume([0]);
	await stage.steps(100);
	t.equal(stage.calls.at(-1), "joined ", "nothing is delivered meanwhile");
	stage.turn.isLost = false;
	stage.turn.of = countedUpTo(["a", "b"]);
	await stage.until(() => stage.calls.at(-1) === "joined 0");
	appendFileSync(path, "c\n");
	await stage.steps(30);
	t.notOk(stage.values.has(2), "joined is paused, whatever was before");
});

t.test("a file that was changed is opened anew: the one that was counted goes on", async (t) => {
	const path = fileOf(t, "a\nb\n");
	const stage = fileSourceStage(t, path);
	await flow(stage);
	await stage.until(() => stage.values.size === 2);
	stage.turn.of = countedUpTo(["a", "b"]);
	stage.calls.length = 0;
	writeFileSync(`${path}.new`, "a\nb\nc\n");
	renameSync(`${path}.new`, path);
	await stage.until(() => stage.calls.includes("joined 0"));
	t.same(stage.calls.slice(-2), ["joined ", "joined 0"]);
	stage.source.seek(0, 2);
	stage.source.resume([0]);
	await stage.until(() => stage.values.has(2));
	t.equal(stage.values.get(2), "c");
});

t.test("another file than the one that was counted ends it, with words of its own", async (t) => {
	const lines = ["a", "b", "c"];
	const changes: Record<string, [text: string, message: RegExp]> = {
		shorter: ["a\nb\n", /events\.jsonl has 2 lines, but 3 were counted/],
		"another last line": ["a\nb\nX\nd\n", /line 3 of .*events\.jsonl is not the one that was counted/],
		"an empty line there": ["a\nb\n\nd\n", /line 3 of .* is not the one/],
		"continued without an end": ["a\nb\nc and more", /line 3 of .* is not the one/],
	};
	for (const [name, [text, message]] of Object.entries(changes)) {
		const stage = fileSourceStage(t, fileOf(t, text));
		stage.turn.of = countedUpTo(lines);
		await stage.start();
		await stage.until(() => stage.calls.length > 0);
		t.match(stage.calls, [message], name);
		t.notOk(stage.calls.includes("joined 0"), "no partition");
	}
});

t.test(
	"a last line that was counted without its end is the same as long as nothing follows it",
	async (t) => {
		for (const text of ["a\nb\nc", "a\nb\nc\n", "a\nb\nc\nd\n"]) {
			const stage = fileSourceStage(t, fileOf(t, text));
			stage.turn.of = countedUpTo(["a", "b", "c"]);
			await stage.start();
			await stage.until(() => stage.calls.length > 0);
			t.equal(stage.calls[0], "joined 0", JSON.stringify(text));
			t.equal((await stage.source.watermarks()).get(0)?.high, text.endsWith("d\n") ? 4 : 3);
		}
	},
);

t.test("a file that is gone when it is opened anew is waited for, and said to be missing", async (t) => {
	const path = fileOf(t, "a\n");
	const stage = fileSourceStage(t, path);
	await flow(stage);
	const text = readFileSync(path);
	rmSync(path);
	await stage.steps(30);
	t.ok((await stage.source.watermarks()).has(0), "while it is open it is read");
	await stage.source.rebuild("stall");
	await stage.until(() => stage.calls.at(-1) === "joined ");
	for (let isTold = false; !isTold; ) {
		await stage.steps(1);
		isTold = await stage.source.watermarks().then(
			() => false,
			(error: Error) => /cannot be read: ENOENT/.test(error.message),
		);
	}
	writeFileSync(path, text);
	await stage.until(() => stage.calls.at(-1) === "joined 0");
	t.ok((await stage.source.watermarks()).has(0), "no trouble any more");
});

t.test("stopping ends everything, releases the turn, and is safe twice", async (t) => {
	const path = fileOf(t, "a\n");
	const stage = fileSourceStage(t, path);
	await flow(stage);
	await stage.until(() => stage.values.size === 1);
	await stage.source.stop();
	const before = stage.calls.length;
	appendFileSync(path, "b\n");
	await stage.steps(50);
	t.equal(stage.calls.length, before);
	t.equal(stage.turn.released, 1);
	await stage.source.stop();
});
