import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { wipeHome } from "../../engine/local/wipe-home.ts";
import { runEngine } from "../support/command.ts";
import { waitUntil } from "../support/wait-until.ts";

const EQUATION = /^OK: sent 217 = stored 162 \+ dead letters 55$/m;

t.test("the demo shows what became of the sample, and what it tells to try next works", async (t) => {
	const cwd = mkdtempSync(join(tmpdir(), "demo-"));
	t.teardown(async () => {
		await wipeHome(join(cwd, ".engine-demo"));
		rmSync(cwd, { recursive: true, force: true });
	});
	let child: ChildProcess | undefined;
	let shown = "";
	const demo = runEngine(["demo", "--http-port", "0"], {
		cwd,
		onStart: (started) => {
			child = started;
			started.stdout?.on("data", (text: string) => {
				shown += text;
			});
		},
	});
	await waitUntil(async () => shown.includes("Ctrl-C ends it"), {
		deadlineMs: 120_000,
		everyMs: 100,
		what: "the demo to show its result",
	});
	t.match(shown, EQUATION);
	const commands = [...shown.matchAll(/^ {2}node engine (.*)$/gm)].map(([, command]) => command!.split(" "));
	t.ok(commands.length >= 2, "commands to try next");
	for (const command of commands) {
		const { code, stderr } = await runEngine(command, { cwd });
		t.equal(code, 0, `${command.join(" ")} ${stderr}`);
	}
	child?.kill("SIGINT");
	const { code, stderr } = await demo;
	t.equal(code, 0, stderr);
});
