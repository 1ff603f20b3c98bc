/** A machine without Java: the demo and `start` say what is missing, and a file needs none of it. */
import {
	appendFileSync,
	chmodSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import t, { type Test } from "tap";
import { wipeHome } from "../../engine/local/wipe-home.ts";
import { packageRoot } from "../../schema/package-root.ts";
import { runEngine } from "../support/command.ts";
import { waitUntil } from "../support/wait-until.ts";

const KAFKA_NEEDS = /^(java|mvn)$/;

/** A folder that holds every program of this machine's PATH but Java and Maven. */
function pathWithoutJava(folder: string): string {
	const bin = join(folder, "bin");
	mkdirSync(bin);
	for (const from of (process.env["PATH"] ?? "").split(delimiter)) {
		for (const name of programsIn(from)) {
			if (KAFKA_NEEDS.test(name)) continue;
			try {
				symlinkSync(join(from, name), join(bin, name));
			} catch (error) {
				// The first on the path wins.
				if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
			}
		}
	}
	return bin;
}

function programsIn(folder: string): string[] {
	try {
		return folder === "" ? [] : readdirSync(folder);
	} catch {
		return [];
	}
}

function machineWithoutJava(t: Test): { cwd: string; env: Record<string, string> } {
	const cwd = mkdtempSync(join(tmpdir(), "no-java-"));
	// The system user that Postgres runs as must find the programs too.
	chmodSync(cwd, 0o755);
	t.teardown(async () => {
		await wipeHome(join(cwd, ".engine-demo"));
		rmSync(cwd, { recursive: true, force: true });
	});
	return { cwd, env: { PATH: pathWithoutJava(cwd), LOG_FORMAT: "json" } };
}

t.test("the demo reads the sample as a file, says why, and what it tells to try next works", async (t) => {
	const { cwd, env } = machineWithoutJava(t);
	let shown = "";
	let interrupt = (): void => {};
	const demo = runEngine(["demo", "--http-port", "0"], {
		cwd,
		env,
		onStart: (child) => {
			interrupt = () => child.kill("SIGINT");
			child.stdout?.on("data", (text: string) => {
				shown += text;
			});
		},
	});
	let isOver = false;
	void demo.then(() => {
		isOver = true;
	});
	await waitUntil(() => isOver || shown.includes("Ctrl-C ends it"), {
		deadlineMs: 120_000,
		what: "the demo to show its result",
	});
	if (isOver) throw new Error(`the demo ended: ${(await demo).stderr}`);
	t.match(shown, /^OK: read 217 = stored 162 \+ dead letters 55$/m);
	t.match(shown, /Source +.*events\.jsonl \(no Kafka\)/);
	const [, generate, target] = /^ {2}node engine (generate .*) >> (.*)$/m.exec(shown)!;
	const more = await runEngine([...generate!.split(" "), "--output", "more.jsonl"], { cwd });
	t.equal(more.code, 0, more.stderr);
	appendFileSync(join(cwd, target!), readFileSync(join(cwd, "more.jsonl")));
	await waitUntil(
		async () => {
			const { stdout } = await runEngine(["report", "lag", "--json", "--home", ".engine-demo"], { cwd });
			return stdout.includes("100217");
		},
		{ what: "the report of what was appended", everyMs: 500 },
	);
	interrupt();
	const { code, stderr } = await demo;
	t.equal(code, 0, stderr);
	const warning = stderr.split("\n").find((line) => line.includes('"level":"warn"')) ?? "";
	t.match(
		warning,
		/the embedded Kafka needs Java .*Maven; without it the demo reads the sample as a file.* For the real broker install with: .*jdk/,
	);
});

t.test("a file of one's own can be shown, and `start` without a source says what there is", async (t) => {
	const { cwd, env } = machineWithoutJava(t);
	const sample = join(packageRoot(), "data", "events.jsonl");
	const demo = await runEngine(["demo", "--exit", "--http-port", "0", "--source", sample], { cwd, env });
	t.equal(demo.code, 0, demo.stderr);
	t.match(demo.stdout, /^OK: read 217 = stored 162 \+ dead letters 55$/m);
	t.notMatch(demo.stderr, /Java/);
	const start = await runEngine(["start", "--http-port", "0"], { cwd, env });
	t.equal(start.code, 69);
	t.match(start.stderr, /the embedded Kafka needs Java .*\nnext: {2}install with: /);
});
