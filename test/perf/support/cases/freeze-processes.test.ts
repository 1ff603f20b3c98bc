import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import t from "tap";
import { descendants, freezeProcesses } from "../../../../perf/support/cases/freeze-processes.ts";
import { waitUntil } from "../../../support/wait-until.ts";

/** `T` is stopped, `S` asleep. */
const stateOf = (pid: number): string => /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1] ?? "";

t.test("children and their children are found, strangers are not", async (t) => {
	const all = [
		[10, 1],
		[11, 10],
		[12, 11],
		[13, 10],
		[20, 1],
		[21, 20],
	].map(([pid, parentPid]) => ({ pid: pid!, parentPid: parentPid! }));
	t.strictSame(descendants(10, all), [11, 12, 13]);
	t.strictSame(descendants(99, all), []);
});

t.test("a process and its child stop, and go on again", async (t) => {
	const script = `const c = require("node:child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"]);
		process.stdout.write(String(c.pid) + "\\n"); process.on("SIGTERM", () => { c.kill(); process.exit(); })`;
	const parent = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"], env: {} });
	t.teardown(() => parent.kill("SIGKILL"));
	const [line] = (await once(parent.stdout!, "data")) as [Buffer];
	const child = Number(line.toString());
	t.teardown(() => {
		try {
			process.kill(child, "SIGKILL");
		} catch {}
	});
	const thaw = freezeProcesses(parent.pid!);
	await waitUntil(() => stateOf(parent.pid!) === "T" && stateOf(child) === "T", {
		what: "both stopped",
		everyMs: 5,
	});
	thaw();
	await waitUntil(() => stateOf(parent.pid!) !== "T" && stateOf(child) !== "T", {
		what: "both going on",
		everyMs: 5,
	});
	const ended = once(parent, "exit");
	parent.kill("SIGTERM");
	await ended;
	t.doesNotThrow(thaw, "and once they are gone there is nothing to let go on");
});
