import { appendFileSync, copyFileSync, mkdirSync, renameSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { CHUNK_BYTES, CHUNK_LINES_MAX, FileLog } from "../../../engine/file-source/file-log.ts";
import { createRandom } from "../../../producer/random.ts";
import { seenRecords } from "../../support/record-batches.ts";
import { chooseSeed } from "../../support/stream.ts";

/** A counted log of these bytes, closed with the test. */
async function logOf(t: Test, bytes: Buffer | string): Promise<{ log: FileLog; path: string }> {
	const path = join(t.testdir(), "events.jsonl");
	writeFileSync(path, bytes);
	const log = await FileLog.open(path);
	t.teardown(() => log.close());
	await log.count();
	return { log, path };
}

/** Everything from a line on, as (offset, value) pairs, and the ranges it came in. */
async function readFrom(log: FileLog, line: number) {
	const records: [number, string][] = [];
	const ranges: [number, number][] = [];
	for (let at = line; at < log.lines; ) {
		const chunk = await log.read(at);
		ranges.push([chunk.from, chunk.to]);
		for (const { offset, value, key, timestampMs, headers } of chunk.records === null
			? []
			: seenRecords(chunk.records)) {
			if (key !== null || headers !== null || timestampMs !== -1) throw new Error("more than a line has");
			records.push([offset, Buffer.from(value!, "base64").toString("latin1")]);
		}
		if (chunk.to <= at) throw new Error("no way forward");
		at = chunk.to;
	}
	return { records, ranges };
}

t.test("a line is a record, its number the offset; empty lines have a number and no record", async (t) => {
	const { log } = await logOf(t, "a\n\nb\r\n\r\n\xff\nlast without end");
	t.equal(log.lines, 5, "what has no line end is no line yet");
	t.equal(log.restBytes, 16);
	t.same((await readFrom(log, 0)).records, [
		[0, "a"],
		[2, "b\r"],
		[4, "\xc3\xbf"],
	]);
	t.same((await readFrom(log, 3)).records, [[4, "\xc3\xbf"]]);
	log.includeRest();
	t.equal(log.lines, 6);
	t.same((await readFrom(log, 5)).records, [[5, "last without end"]]);
	await t.rejects(log.read(6), RangeError);
});

t.test("nothing but empty lines is a chunk without records; an empty file has no lines", async (t) => {
	const { log } = await logOf(t, "\n".repeat(CHUNK_LINES_MAX + 3));
	const { records, ranges } = await readFrom(log, 0);
	t.same(records, []);
	t.same(ranges, [
		[0, CHUNK_LINES_MAX],
		[CHUNK_LINES_MAX, CHUNK_LINES_MAX + 3],
	]);
	t.equal((await logOf(t, "")).log.lines, 0);
});

t.test("whatever the lines are, each is read once with its number, from any line on", async (t) => {
	const random = createRandom(chooseSeed(t));
	for (let round = 0; round < 12; round++) {
		const lengths = Array.from({ length: 2 + random.below(40) }, () =>
			random.pick([0, 1, 2, 120, 5_000, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES + 7]),
		).concat(Array(random.below(3) * 3_000).fill(random.below(3)));
		const lines = lengths.map((length, line) => String.fromCharCode(97 + (line % 26)).repeat(length));
		const hasEnd = random.below(2) === 0;
		const { log } = await logOf(t, lines.join("\n") + (hasEnd ? "\n" : ""));
		log.includeRest();
		const isLastLost = !hasEnd && lines.at(-1) === "";
		const count = isLastLost ? lines.length - 1 : lines.length;
		if (log.lines !== count) t.fail(`${log.lines} lines instead of ${count}`);
		for (const from of [0, random.below(count), count - 1, random.below(count)]) {
			const { records } = await readFrom(log, from);
			const wanted = lines.slice(from).flatMap((line, at) => (line === "" ? [] : [[from + at, line]]));
			// Not shown: a line may have half a million letters.
			if (JSON.stringify(records) !== JSON.stringify(wanted)) t.fail(`round ${round} from line ${from}`);
		}
	}
	t.pass("all rounds");
});

t.test("of an overlong line the head is kept, in a form that can be no event", async (t) => {
	const event = '{"event_type":"logout"}'.padEnd(1_000_000, " ");
	const { log } = await logOf(t, `${event}${"x".repeat(2_000_000)}\nnext\n${event}\n`);
	const { records } = await readFrom(log, 0);
	t.same(
		records.map(([offset]) => offset),
		[0, 1, 2],
	);
	const cut = Buffer.from(records[0]![1], "latin1");
	t.equal(cut.subarray(0, 1_000_000).toString(), event);
	t.equal(
		cut.subarray(1_000_000).toString(),
		"… cut here: the line has 3000000 bytes, at most 1000000 are kept",
	);
	t.throws(() => JSON.parse(cut.toString()), "although its head is JSON");
	t.equal(records[2]![1], event, "one of exactly the limit is whole");
});

t.test("lines that are appended get numbers when their line end comes", async (t) => {
	const { log, path } = await logOf(t, "a\nb");
	t.equal(await log.look(), "same");
	appendFileSync(path, "b\nc\nd");
	t.equal(await log.look(), "grown");
	await log.count();
	t.equal(log.lines, 3);
	t.same((await readFrom(log, 1)).records, [
		[1, "bb"],
		[2, "c"],
	]);
	t.equal(await log.look(), "same");
	renameSync(path, `${path}.1`);
	t.equal(await log.look(), "gone");
	appendFileSync(`${path}.1`, "\n");
	t.equal(await log.look(), "grown", "what is written under its new name is seen");
});

t.test("a last line that was counted without its end may only get its end", async (t) => {
	const { log, path } = await logOf(t, "a\nb");
	log.includeRest();
	t.same((await readFrom(log, 0)).records.at(-1), [1, "b"]);
	appendFileSync(path, "\nc\n");
	await log.count();
	t.equal(log.lines, 3);
	t.same((await readFrom(log, 2)).records, [[2, "c"]]);
	appendFileSync(path, "d");
	await log.count();
	log.includeRest();
	appendFileSync(path, "e\n");
	await t.rejects(log.count(), { code: "FILE_CHANGED", message: /its last line/ });
});

t.test("a file that is replaced, cut off or written anew is noticed", async (t) => {
	const text = Array.from({ length: 4_000 }, (_, i) => `line ${i}\n`).join("");
	const changes: Record<string, { change: (path: string) => void; message: RegExp }> = {
		replaced: {
			change: (path) => {
				copyFileSync(path, `${path}.new`);
				renameSync(`${path}.new`, path);
			},
			message: /another file now/,
		},
		"cut off": {
			change: (path) => truncateSync(path, 100),
			message: /was cut off: it had 38890 bytes and has 100/,
		},
		"written anew, longer": {
			change: (path) => writeFileSync(path, `x${text}more\n`),
			message: /written anew/,
		},
		"other at the end": {
			change: (path) => writeFileSync(path, `${text.slice(0, -3)}x\n\nmore\n`),
			message: /written anew/,
		},
	};
	for (const [name, { change, message }] of Object.entries(changes)) {
		const { log, path } = await logOf(t, text);
		t.equal(await log.look(), "same");
		change(path);
		await t.rejects(log.look(), { code: "FILE_CHANGED", message }, name);
	}
});

t.test("a read notices lines that are not where they were counted", async (t) => {
	const text = "0123456789\n".repeat(1_000);
	const changes: Record<string, (path: string) => void> = {
		shorter: (path) => truncateSync(path, 5_000),
		"no line begins there": (path) => writeFileSync(path, text.replaceAll("\n", " ").replace(/.$/, "\n")),
		"more lines": (path) => writeFileSync(path, `${"0123456789\n".repeat(999)}01234\n6789\n`),
		"fewer lines": (path) => writeFileSync(path, `0123456789 ${"0123456789\n".repeat(999)}`),
	};
	for (const [name, change] of Object.entries(changes)) {
		const { log, path } = await logOf(t, text);
		await log.read(500);
		change(path);
		await t.rejects(
			(async () => {
				for (let at = 500; at < log.lines; ) at = (await log.read(at)).to;
				for (let at = 0; at < log.lines; ) at = (await log.read(at)).to;
			})(),
			{ code: "FILE_CHANGED" },
			name,
		);
	}
});

t.test(
	"a read that goes on where no line begins any more is noticed, though the lines are as many",
	async (t) => {
		const { log, path } = await logOf(t, "0123456789\n".repeat(CHUNK_LINES_MAX + 100));
		t.equal((await log.read(0)).to, CHUNK_LINES_MAX);
		writeFileSync(path, `123456789\n${"0123456789\n".repeat(CHUNK_LINES_MAX + 98)}0123456789+\n`);
		await t.rejects(log.read(CHUNK_LINES_MAX), { code: "FILE_CHANGED", message: /at line 4097/ });
	},
);

t.test("what is no plain file is refused by name, with the next step", async (t) => {
	const folder = t.testdir({ "events.jsonl.gz": Buffer.from("1f8b0800", "hex"), "empty.jsonl": "" });
	mkdirSync(join(folder, "folder"));
	const cases: readonly (readonly [name: string, message: RegExp])[] = [
		["missing.jsonl", /missing\.jsonl cannot be read: ENOENT/],
		["folder", /is a folder/],
		["events.jsonl.gz", /is compressed \(gzip\)/],
		["/dev/null", /is a pipe or a device/],
	];
	for (const [name, message] of cases) {
		const path = name.startsWith("/") ? name : join(folder, name);
		await t.rejects(FileLog.open(path), { exitCode: 78, message, nextStep: /file/ }, name);
	}
	const empty = await FileLog.open(join(folder, "empty.jsonl"));
	await empty.close();
});
