import { once } from "node:events";
import { existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import {
	type DetachedCommand,
	findRecorded,
	logTail,
	startDetached,
	stopProcess,
} from "../../../engine/local/detached.ts";
import { identify } from "../../../engine/local/process-identity.ts";

const MARK = "the-mark";

function command(folder: string, script: string): DetachedCommand {
	return {
		command: "/bin/sh",
		args: ["-c", script, MARK],
		env: { PATH: process.env["PATH"] ?? "" },
		cwd: folder,
		logFile: join(folder, "log"),
		pidFile: join(folder, "pid"),
		runAs: null,
	};
}

/** Started, and its script has reached the line `echo ready`. */
async function startedReady(t: Test, wanted: DetachedCommand): Promise<number> {
	const child = await startDetached(wanted);
	t.teardown(() => {
		if (identify(child.pid) !== null) process.kill(child.pid, "SIGKILL");
	});
	while (!logTail(wanted.logFile, 5).includes("ready")) await new Promise((resolve) => setImmediate(resolve));
	return child.pid;
}

/** Its exit code. The child is unreferenced, and waiting for it must keep the test running. */
async function ended(wanted: DetachedCommand): Promise<number | null> {
	const child = await startDetached(wanted);
	child.ref();
	const [code] = (await once(child, "exit")) as [number | null];
	return code;
}

const waits = (signals: readonly NodeJS.Signals[]) => signals.map((signal) => ({ signal, waitMs: 10_000 }));

t.test("a server records itself, leads a session of its own, and stops at a signal", async (t) => {
	const folder = t.testdir();
	const pid = await startedReady(
		t,
		command(folder, "echo ready; while :; do read -r line < /dev/zero; done"),
	);
	const found = findRecorded(join(folder, "pid"), MARK);
	t.equal(found?.pid, pid);
	if (process.platform === "linux") {
		const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
		t.equal(Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[3]), pid, "its session is its own");
	}
	t.equal(await stopProcess(found!, waits(["SIGTERM"])), "SIGTERM");
	t.equal(findRecorded(join(folder, "pid"), MARK), null, "the pid file of a dead process is ignored");
	t.equal(await stopProcess(found!, waits(["SIGTERM"])), null, "stopping what is gone does nothing");
});

t.test("one that ignores the first signal gets the second", async (t) => {
	const folder = t.testdir();
	await startedReady(
		t,
		command(folder, "trap '' TERM; echo ready; while :; do read -r line < /dev/zero; done"),
	);
	const found = findRecorded(join(folder, "pid"), MARK);
	const steps = [
		{ signal: "SIGTERM" as const, waitMs: 1 },
		{ signal: "SIGKILL" as const, waitMs: 10_000 },
	];
	t.equal(await stopProcess(found!, steps), "SIGKILL");
});

t.test("one that survives the last signal is an error", async (t) => {
	const folder = t.testdir();
	await startedReady(
		t,
		command(folder, "trap '' TERM; echo ready; while :; do read -r line < /dev/zero; done"),
	);
	const found = findRecorded(join(folder, "pid"), MARK);
	await t.rejects(stopProcess(found!, [{ signal: "SIGTERM", waitMs: 1 }]), /is still there after SIGTERM/);
});

t.test("a pid file is believed only when start time and command line agree", async (t) => {
	const folder = t.testdir();
	const pidFile = join(folder, "pid");
	await startedReady(t, command(folder, "echo ready; while :; do read -r line < /dev/zero; done"));
	const [pid, start] = readFileSync(pidFile, "utf8").split("\n") as [string, string];
	t.ok(findRecorded(pidFile, MARK));
	t.equal(findRecorded(pidFile, "another mark"), null);
	const own = readFileSync(`/proc/self/stat`, "utf8");
	for (const text of [`${pid}\n${own}`, `${pid}\n`, `${process.pid}\n${start}\n`, "", "pid\n"]) {
		writeFileSync(pidFile, text);
		t.equal(findRecorded(pidFile, MARK), null, JSON.stringify(text.slice(0, 20)));
	}
	t.equal(findRecorded(join(folder, "no such file"), MARK), null);
	writeFileSync(pidFile, `${pid}\n${start}\n`);
	t.ok(findRecorded(pidFile, MARK));
});

t.test("only the environment it was given reaches a server", async (t) => {
	const folder = t.testdir();
	process.env["LEAK"] = "secret";
	t.teardown(() => delete process.env["LEAK"]);
	await ended(command(folder, "echo leak=$LEAK; umask"));
	t.equal(readFileSync(join(folder, "log"), "utf8"), "leak=\n0077\n");
});

t.test("a server that cannot record itself does not run", async (t) => {
	const folder = t.testdir();
	const wanted = { ...command(folder, "echo it runs"), pidFile: join(folder, "missing", "pid") };
	t.equal(await ended(wanted), 71);
	t.notMatch(logTail(wanted.logFile, 5), /it runs/);
});

t.test("a log that has grown large is set aside once", async (t) => {
	const folder = t.testdir({ log: "old\n" });
	truncateSync(join(folder, "log"), 17 * 1024 * 1024);
	await ended(command(folder, "echo new"));
	t.equal(readFileSync(join(folder, "log"), "utf8"), "new\n");
	t.ok(existsSync(join(folder, "log.1")));
	await ended(command(folder, "echo newer"));
	t.equal(logTail(join(folder, "log"), 2), "new\nnewer", "a small one is appended to");
	t.equal(logTail(join(folder, "none"), 2), "");
});
