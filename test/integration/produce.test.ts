/** `produce` and `generate --to-kafka` against a real Kafka: what arrives, under which keys, and what is said about it. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { runEngine } from "../support/command.ts";
import { freshTopic, testParts } from "../support/parts.ts";
import { countOf, deleteTopic, readTopic } from "../support/topic-reader.ts";

const root = t;

interface Summary {
	readonly sent: number;
	readonly invalid: number;
	readonly skipped: number;
	readonly seconds: number;
	readonly interrupted: boolean;
}

const summaryOf = (stdout: string) => JSON.parse(stdout) as Summary;

function event(user: string, session: number, more = ""): string {
	return `{"event_type":"login","event_time":"2025-06-01T15:14:00","payload":{"user_id":"${user}","session_id":${session}}${more}}`;
}

t.test(
	"200,000 lines with bad ones among them: sent and refused lines add up, in a small heap",
	async (t) => {
		const { brokers, topic } = await freshTopic(t, 4, root);
		const cwd = t.testdir();
		const made = await runEngine(
			[
				"generate",
				"--events",
				"200000",
				"--bad-ratio",
				"0.02",
				"--seed",
				"11",
				"-o",
				"events.jsonl",
				"--json",
			],
			{ cwd },
		);
		const { bad } = JSON.parse(made.stdout) as { bad: number };
		const env = {
			KAFKA_BROKERS: brokers.join(","),
			KAFKA_TOPIC: topic,
			NODE_OPTIONS: "--max-old-space-size=64",
		};
		const { code, stdout, stderr } = await runEngine(["produce", "events.jsonl", "--json"], { cwd, env });
		t.equal(code, 0, stderr);
		t.match(summaryOf(stdout), { sent: 200_000 - bad, invalid: bad, skipped: 0, interrupted: false });
		t.match(stderr, /events sent to .* invalid/);
		t.equal(await countOf(brokers, topic), 200_000 - bad);
		const refused = readFileSync(join(cwd, "data/bad_events.log"), "utf8").trimEnd().split("\n");
		t.equal(refused.length, bad);
		const lines = readFileSync(join(cwd, "events.jsonl"));
		const starts = lineStarts(lines);
		for (const record of refused.slice(0, 200)) {
			const { line, value, encoding } = JSON.parse(record) as {
				line: number;
				value: string;
				encoding: "utf8" | "base64";
			};
			const original = lines.subarray(starts[line - 1], starts[line]! - 1);
			if (!Buffer.from(value, encoding).equals(original))
				t.fail(`line ${line} is not what the error file says`);
		}
	},
);

function lineStarts(bytes: Buffer): number[] {
	const starts = [0];
	for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) starts.push(at + 1);
	return starts;
}

t.test(
	"each message has its user as key, and one user's events keep their order in one partition",
	async (t) => {
		const { brokers, topic } = await freshTopic(t, 4, root);
		const lines = Array.from({ length: 600 }, (_, i) => event(`user_${i % 20}`, i));
		const cwd = t.testdir({ "events.jsonl": `${lines.join("\n\n")}\r\n\r\n` });
		const env = { KAFKA_BROKERS: brokers.join(","), KAFKA_TOPIC: topic };
		const { code, stdout } = await runEngine(["produce", "events.jsonl", "--json", "--batch", "7"], {
			cwd,
			env,
		});
		t.equal(code, 0);
		t.match(summaryOf(stdout), { sent: 600, invalid: 0, skipped: 600 });
		const partitions = new Map<string, number>();
		const lastSession = new Map<string, number>();
		const messages = await readTopic(brokers, topic);
		for (const { key, value, partition } of messages) {
			const { payload } = JSON.parse(value!.toString()) as {
				payload: { user_id: string; session_id: number };
			};
			if (key !== payload.user_id) t.fail(`${key} is not the user of ${value}`);
			if ((partitions.get(key!) ?? partition) !== partition) t.fail(`${key} is in two partitions`);
			if ((lastSession.get(key!) ?? -1) > payload.session_id) t.fail(`${key} is out of order`);
			partitions.set(key!, partition);
			lastSession.set(key!, payload.session_id);
		}
		t.strictSame(
			messages.map(({ value }) => value!.toString()).sort(),
			lines.sort(),
			"also the line before \\r\\n",
		);
		t.ok(new Set(partitions.values()).size > 1, "users are spread over partitions");
	},
);

t.test("--raw sends every line byte for byte, keyed where it can be", async (t) => {
	const { brokers, topic } = await freshTopic(t, 1, root);
	const lines = [
		Buffer.from(event("a", 1)),
		Buffer.from(`${event("b", 2)}\r`),
		Buffer.from("{ not json"),
		Buffer.from([0x7b, 0xff, 0xfe, 0x7d]),
		Buffer.from('{"payload":{"user_id":"c"}}'),
		Buffer.from("x".repeat(900_000)),
	];
	const cwd = t.testdir();
	writeFileSync(join(cwd, "events.jsonl"), Buffer.concat(lines.flatMap((line) => [line, Buffer.from("\n")])));
	const env = { KAFKA_BROKERS: brokers.join(","), KAFKA_TOPIC: topic };
	const { code, stdout } = await runEngine(["produce", "events.jsonl", "--raw", "--json"], { cwd, env });
	t.equal(code, 0);
	t.match(summaryOf(stdout), { sent: lines.length, invalid: 0 });
	const messages = await readTopic(brokers, topic);
	t.strictSame(
		messages.map(({ key }) => key),
		["a", "b", null, null, "c", null],
	);
	t.ok(
		messages.every(({ value }, i) => value!.equals(lines[i]!)),
		"the bytes are the same",
	);
});

t.test("--shuffle sends every line once, in an order that the seed decides", async (t) => {
	const lines = Array.from({ length: 300 }, (_, i) => event("one_user", i));
	const cwd = t.testdir({ "events.jsonl": lines.join("\n") });
	const orderWith = async (seed: string) => {
		const { brokers, topic } = await freshTopic(t, 1, root);
		const env = { KAFKA_BROKERS: brokers.join(","), KAFKA_TOPIC: topic };
		const { stderr } = await runEngine(["produce", "events.jsonl", "--shuffle", "--seed", seed], {
			cwd,
			env,
		});
		t.match(stderr, /--shuffle holds 300 lines, 1 MB, in memory/);
		return (await readTopic(brokers, topic)).map(({ value }) => value!.toString());
	};
	const first = await orderWith("1");
	t.strictSame([...first].sort(), [...lines].sort());
	t.not(first.join(), lines.join());
	t.strictSame(await orderWith("1"), first);
	t.not((await orderWith("2")).join(), first.join());
});

t.test("a topic that does not exist is exit 69, and --create-topic makes it", async (t) => {
	const { brokers } = await testParts(root);
	const topic = `test-absent-${process.pid}-${Date.now()}`;
	t.teardown(() => deleteTopic(brokers, topic));
	const cwd = t.testdir({ "events.jsonl": event("a", 1) });
	const env = { KAFKA_BROKERS: brokers.join(","), KAFKA_TOPIC: topic };
	const refused = await runEngine(["produce", "events.jsonl"], { cwd, env });
	t.equal(refused.code, 69);
	t.match(refused.stderr, /the topic test-absent.* does not exist on .*\nnext: {2}add --create-topic/);
	const made = await runEngine(["produce", "events.jsonl", "--create-topic", "--partitions", "3"], {
		cwd,
		env,
	});
	t.equal(made.code, 0, made.stderr);
	t.equal(await countOf(brokers, topic), 1);
	const seen = await runEngine(["check"], { cwd, env });
	t.match(seen.stdout, new RegExp(`^ok +topic +${topic} has 3 partition`, "m"));
	t.match(seen.stdout, /^ok +kafka +.*Kafka 4\.1 or newer/m);
});

t.test("Ctrl-C ends a paced loop with 130, and the summary tells what the topic holds", async (t) => {
	const { brokers, topic } = await freshTopic(t, 2, root);
	const cwd = t.testdir({ "events.jsonl": `${event("a", 1)}\n${event("b", 2)}\nbad\n` });
	const env = { KAFKA_BROKERS: brokers.join(","), KAFKA_TOPIC: topic, LOG_FORMAT: "json" };
	let metrics = "";
	const { code, stdout, stderr } = await runEngine(
		["produce", "events.jsonl", "--loop", "--rate", "200", "--metrics-port", "0", "--json"],
		{
			cwd,
			env,
			onStart: (child) => {
				child.stderr!.on("data", (text: string) => {
					const url = /http:\/\/127\.0\.0\.1:\d+\/metrics/.exec(text)?.[0];
					if (url !== undefined)
						void scrapeUntilSent(url).then((page) => {
							metrics = page;
							child.kill("SIGINT");
						});
				});
			},
		},
	);
	t.equal(code, 130);
	t.match(stderr, /^interrupted: /m);
	const refused = readFileSync(join(cwd, "data/bad_events.log"), "utf8");
	t.equal(
		refused.trimEnd().split("\n").length,
		1,
		"a bad line is on record once, however often it comes round",
	);
	const { sent, interrupted } = summaryOf(stdout);
	t.equal(interrupted, true);
	t.ok(sent >= 40, `${sent} sent`);
	t.equal(await countOf(brokers, topic), sent, "the batch in flight was finished and counted");
	t.match(metrics, /producer_events_sent_total\{status="failure"\} 0/);
});

/** The page of metrics once it counts 40 events: asked again and again, since that is how it is used. */
async function scrapeUntilSent(url: string): Promise<string> {
	for (;;) {
		const page = await (await fetch(url)).text();
		if (Number(/status="success"\} (\d+)/.exec(page)?.[1]) >= 40) return page;
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
}

t.test("a loop over lines of which none can be sent ends by itself", async (t) => {
	const { brokers, topic } = await freshTopic(t, 1, root);
	const cwd = t.testdir({ "events.jsonl": "bad\n\n" });
	const env = { KAFKA_BROKERS: brokers.join(","), KAFKA_TOPIC: topic };
	const { code, stdout } = await runEngine(["produce", "events.jsonl", "--loop", "--json"], { cwd, env });
	t.equal(code, 0);
	t.match(summaryOf(stdout), { sent: 0, invalid: 1, skipped: 1 });
});

t.test("stdin is sent as it comes, before it ends", async (t) => {
	const { brokers, topic } = await freshTopic(t, 1, root);
	const env = { KAFKA_BROKERS: brokers.join(","), KAFKA_TOPIC: topic };
	const { code, stdout } = await runEngine(["produce", "-", "--json"], {
		cwd: t.testdir(),
		env,
		onStart: async (child) => {
			child.stdin!.write(`${event("a", 1)}\n`);
			await untilCount(brokers, topic, 1);
			child.stdin!.end(event("b", 2));
		},
		keepsStdinOpen: true,
	});
	t.equal(code, 0);
	t.match(summaryOf(stdout), { sent: 2 });
	t.equal(await countOf(brokers, topic), 2);
});

async function untilCount(brokers: readonly string[], topic: string, count: number): Promise<void> {
	while ((await countOf(brokers, topic)) < count) await new Promise((resolve) => setTimeout(resolve, 50));
}

t.test("generate --to-kafka sends what generate writes", async (t) => {
	const { brokers, topic } = await freshTopic(t, 3, root);
	const cwd = t.testdir();
	const env = { KAFKA_BROKERS: brokers.join(","), KAFKA_TOPIC: topic };
	const options = ["--events", "3000", "--bad-ratio", "0.05", "--seed", "4"];
	const written = await runEngine(["generate", ...options, "-o", "events.jsonl"], { cwd });
	t.equal(written.code, 0);
	const { code, stdout } = await runEngine(["generate", ...options, "--to-kafka", "--json"], { cwd, env });
	t.equal(code, 0);
	t.match(summaryOf(stdout), { sent: 3_000, invalid: 0 });
	const sent = (await readTopic(brokers, topic)).map(({ value }) => value!.toString("latin1")).sort();
	const lines = readFileSync(join(cwd, "events.jsonl"), "latin1").trimEnd().split("\n").sort();
	t.strictSame(sent, lines);
});
