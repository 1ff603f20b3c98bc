/** The compiled program as people use it: what it prints where, and what it ends with. */
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { VARIABLE_NAMES } from "../../engine/config/variables.ts";
import { packageRoot, packageVersion } from "../../schema/package-root.ts";
import { runEngine, runNode } from "../support/command.ts";

const COMMANDS = ["start", "demo", "produce", "generate", "migrate", "check", "config", "schema", "report"];

t.test("--help lists every command, the examples and the exit codes, on stdout", async (t) => {
	const { code, stdout, stderr } = await runEngine(["--help"], { cwd: t.testdir() });
	t.equal(code, 0);
	t.equal(stderr, "");
	for (const command of COMMANDS) t.match(stdout, new RegExp(`^  ${command}\\b`, "m"));
	t.match(stdout, /Examples:/);
	t.match(stdout, /Exit codes:.*78 configuration/s);
});

t.test("every command has help with an example, and the version", async (t) => {
	const cwd = t.testdir();
	for (const command of COMMANDS) {
		const help = await runEngine([command, "--help"], { cwd });
		t.equal(help.code, 0, command);
		t.match(
			help.stdout,
			new RegExp(`Usage: node engine ${command}[^]*Examples?:\n  [^]*node engine ${command}`),
			command,
		);
		const version = await runEngine([command, "--version"], { cwd });
		t.strictSame([version.code, version.stdout.trim()], [0, packageVersion()], command);
	}
	const { stdout } = await runEngine(["--version"], { cwd });
	t.equal(stdout, `${packageVersion()}\n`);
});

t.test("a wrong command line is exit 2, says what was meant and prints nothing on stdout", async (t) => {
	const cwd = t.testdir({ "a.jsonl": "" });
	const cases: readonly (readonly [readonly string[], RegExp])[] = [
		[[], /Usage: node engine/],
		[["strat"], /unknown command 'strat'\n\(Did you mean start\?\)/],
		[["config", "--topik", "x"], /unknown option '--topik'\n\(Did you mean --topic\?\)/],
		[["produce"], /missing required argument 'file'/],
		[
			["produce", "a.jsonl", "--rate", "fast"],
			/'--rate <n>' argument 'fast' is invalid. It must be a whole number/,
		],
		[["produce", "a.jsonl", "--rate", "1", "--delay", "1"], /cannot be used with option/],
		[["produce", "-", "--loop"], /--loop needs a file/],
		[["produce", "missing.jsonl"], /missing\.jsonl cannot be read: ENOENT/],
		[["produce", "."], /\. is a folder/],
		[["generate", "--bad-ratio", "2"], /It must be a number from 0 to 1/],
		[["generate", "--start", "2025-06-01T00:30"], /It must be a full hour/],
		[["generate", "-o", "no/such/folder/x"], /no\/such\/folder\/x cannot be written/],
		[["config", "--http-port", "http", "--actors", "0"], /--actors "0" must .*\n--http-port "http" must/],
	];
	for (const [args, message] of cases) {
		const { code, stdout, stderr } = await runEngine(args, { cwd });
		t.equal(code, 2, args.join(" "));
		t.match(stderr, message);
		t.equal(stdout, "");
	}
});

t.test("all errors of the configuration come at once, with exit 78 and without a stack", async (t) => {
	const env = { ACTORS: "many", HTTP_PORT: "70000", DATABASE_URL: "hunter2", KAFKA_SASL_MECHANISM: "plain" };
	for (const args of [["config"], ["config", "--validate"], ["start"], ["migrate"]]) {
		const { code, stdout, stderr } = await runEngine(args, { cwd: t.testdir(), env });
		t.equal(code, 78, args.join(" "));
		t.equal(stdout, "");
		for (const name of [
			"ACTORS",
			"HTTP_PORT",
			"DATABASE_URL",
			"KAFKA_SASL_USERNAME",
			"KAFKA_SASL_PASSWORD",
		]) {
			t.match(stderr, new RegExp(`^  ${name} is `, "m"));
		}
		t.match(stderr, /^next: {2}/m);
		t.notMatch(stderr, /hunter2|\n\s+at /);
	}
	const debug = await runEngine(["config"], { cwd: t.testdir(), env: { ...env, LOG_LEVEL: "debug" } });
	t.match(debug.stderr, /\n\s+at /, "LOG_LEVEL=debug shows the stack");
});

t.test("config prints every variable with value and origin, and no secret", async (t) => {
	const cwd = t.testdir({ ".env": "KAFKA_TOPIC=from_file\nPGPASSWORD=hunter2\n" });
	const env = { DATABASE_URL: "postgres://me:hunter2@db/lottery", HTTP_PORT: "0" };
	const table = await runEngine(["config", "--actors", "3"], { cwd, env });
	t.equal(table.code, 0);
	for (const name of VARIABLE_NAMES) t.match(table.stdout, new RegExp(`^${name} `, "m"));
	t.match(table.stdout, /^KAFKA_TOPIC +from_file +\.env$/m);
	t.match(table.stdout, /^HTTP_PORT +0 +environment$/m);
	t.match(table.stdout, /^ACTORS +3 +flag --actors$/m);
	t.match(table.stdout, /^LATE_AFTER +24h +default$/m);
	t.notMatch(table.stdout + table.stderr, /hunter2/);
	const json = await runEngine(["config", "--json"], { cwd, env });
	const entries = JSON.parse(json.stdout) as { name: string; value: string; origin: string }[];
	t.strictSame(
		entries.map(({ name }) => name),
		VARIABLE_NAMES,
	);
	t.notMatch(json.stdout + json.stderr, /hunter2/);
	const valid = await runEngine(["config", "--validate"], { cwd, env });
	t.strictSame([valid.code, valid.stdout], [0, "the configuration is valid\n"]);
});

t.test("schema prints a JSON Schema that names every event type", async (t) => {
	const { code, stdout } = await runEngine(["schema"], { cwd: t.testdir() });
	t.equal(code, 0);
	t.match(JSON.parse(stdout), { $schema: /json-schema/ });
	for (const type of ["login", "view_numbers", "ticket_purchased", "claim_reward", "logout"])
		t.match(stdout, `"${type}"`);
});

t.test("without Kafka and without an embedded one produce is exit 69 and names the way out", async (t) => {
	const cwd = t.testdir({ "a.jsonl": "{}\n" });
	const { code, stderr } = await runEngine(["produce", "a.jsonl"], { cwd });
	t.equal(code, 69);
	t.match(
		stderr,
		/KAFKA_BROKERS is not set, and no embedded Kafka runs under .*\.engine\nnext: {2}.*node engine start/,
	);
	const report = await runEngine(["report"], { cwd });
	t.equal(report.code, 69);
	t.match(report.stderr, /neither DATABASE_URL nor PGHOST is set/);
});

t.test("check examines every part although one is broken, and ends with 3", async (t) => {
	const cwd = t.testdir();
	// Nobody listens on port 1.
	const env = { KAFKA_BROKERS: "127.0.0.1:1", DATABASE_URL: "postgres://me:hunter2@127.0.0.1:1/d" };
	const { code, stdout, stderr } = await runEngine(["check"], { cwd, env });
	t.equal(code, 3);
	t.match(stdout, /^ok +configuration +valid/m);
	t.match(stdout, /^problem +kafka +.*127\.0\.0\.1:1.*\n +next: /m);
	t.match(stdout, /^problem +postgres +.*\n +next: /m);
	t.notMatch(stdout + stderr, /hunter2/);
	const broken = await runEngine(["check", "--json"], { cwd, env: { ACTORS: "x" } });
	t.equal(broken.code, 3);
	t.match(JSON.parse(broken.stdout), {
		ok: false,
		problems: 1,
		findings: [{ part: "configuration", ok: false }],
	});
});

t.test("a reader that goes away is no failure", async (t) => {
	const cwd = t.testdir();
	const { code, stderr } = await runEngine(["generate", "--events", "1000000"], {
		cwd,
		onStart: (child) => child.stdout!.once("data", () => child.stdout!.destroy()),
	});
	t.equal(code, 0);
	t.notMatch(stderr, /EPIPE|Error/);
});

t.test("node engine and node producer say what to do when the build is missing", async (t) => {
	const cwd = t.testdir({});
	for (const folder of ["engine", "producer"]) {
		mkdirSync(join(cwd, folder));
		copyFileSync(join(packageRoot(), folder, "index.js"), join(cwd, folder, "index.js"));
		const { code, stderr } = await runNode([folder], { cwd, env: { NODE_NO_WARNINGS: "1" } });
		t.equal(code, 1);
		t.match(stderr, /not built yet\nnext: {2}.*npm ci/);
	}
});

t.test("the entries hand their arguments on to the build beside them", async (t) => {
	const main = "export const runProcess = async (args) => console.log(JSON.stringify(args));";
	const cwd = t.testdir({
		"package.json": '{"type":"module"}',
		dist: { engine: { "main.js": main } },
		engine: {},
		producer: {},
	});
	for (const folder of ["engine", "producer"]) {
		copyFileSync(join(packageRoot(), folder, "index.js"), join(cwd, folder, "index.js"));
	}
	t.equal((await runNode(["engine", "start", "--x"], { cwd })).stdout, '["start","--x"]\n');
	t.equal((await runNode(["producer", "f.jsonl"], { cwd })).stdout, '["produce","f.jsonl"]\n');
});
