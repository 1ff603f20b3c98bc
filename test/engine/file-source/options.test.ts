/** What is said about `--source` before anything is started. */
import { join } from "node:path";
import t from "tap";
import { loadConfig } from "../../../engine/config/load.ts";
import { runEngine } from "../../support/command.ts";

const configOf = (environment: Record<string, string>, cwd: string) => loadConfig({ environment, cwd });

t.test("what cannot be read again after a crash is refused, with what to do instead", async (t) => {
	const cwd = t.testdir({ folder: {}, "events.gz": Buffer.from("1f8b08", "hex") });
	const cases: readonly (readonly [args: string[], code: number, message: RegExp])[] = [
		[
			["--source", "-"],
			2,
			/--source "-" must be the path of a plain file \(not -: .* save it to a file first\)/,
		],
		[["--source", "/dev/stdin"], 2, /must be the path of a plain file/],
		[["--source", "missing.jsonl"], 78, /missing\.jsonl cannot be read: ENOENT\nnext: {2}name a file/],
		[["--source", "folder"], 78, /is a folder: only a plain file/],
		[["--source", "events.gz"], 78, /is compressed \(gzip\)/],
		[["--until-end"], 2, /--until-end needs --source FILE/],
		[
			["--source", "x", "--late-policy", "dead-letter"],
			2,
			/--late-policy "dead-letter" must be correct when SOURCE_FILE/,
		],
	];
	for (const [args, code, message] of cases) {
		const answer = await runEngine(["start", ...args], { cwd });
		t.equal(answer.code, code, args.join(" "));
		t.match(answer.stderr, message);
		t.equal(answer.stdout, "");
	}
});

t.test("a relative path starts from the working folder, and what a file ignores is said", async (t) => {
	const cwd = t.testdir();
	t.equal(configOf({ SOURCE_FILE: "a/b.jsonl" }, cwd).config.sourceFile, join(cwd, "a/b.jsonl"));
	t.equal(configOf({}, cwd).config.sourceFile, null);
	const { warnings } = configOf({ SOURCE_FILE: "b", KAFKA_BROKERS: "k:9092", FUTURE_SKEW: "1h" }, cwd);
	t.match(warnings, [/KAFKA_BROKERS is ignored/, /FUTURE_SKEW has no effect/]);
	t.same(configOf({ SOURCE_FILE: "b" }, cwd).warnings, []);
	t.throws(() => configOf({ SOURCE_FILE: "b", LATE_POLICY: "dead-letter" }, cwd), {
		exitCode: 78,
		message: /LATE_POLICY/,
	});
});

t.test("check examines the file in the place of Kafka", async (t) => {
	const cwd = t.testdir({ "events.jsonl": "" });
	const check = async (path: string) => {
		const { stdout } = await runEngine(["check", "--source", path, "--json"], { cwd });
		const { findings } = JSON.parse(stdout) as { findings: { part: string; ok: boolean; text: string }[] };
		return findings.filter(({ part }) => ["source", "kafka", "topic"].includes(part));
	};
	t.match(await check("events.jsonl"), [{ part: "source", ok: true, text: /events\.jsonl is a plain file/ }]);
	t.match(await check("missing"), [{ part: "source", ok: false, text: /missing cannot be read: ENOENT/ }]);
});
