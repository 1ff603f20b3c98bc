import { spawn } from "node:child_process";
import { once } from "node:events";
import t from "tap";
import { processUsage, threadKinds } from "../../../perf/support/usage.ts";
import { waitUntil } from "../../support/wait-until.ts";

const PID = 100;

function threads(...names: string[]) {
	return names.map((name, index) => ({ id: PID + index * 2, name, seconds: 0 }));
}

t.test("threads without names are told by their order", async (t) => {
	const all = threads(...Array.from({ length: 13 }, () => "node"));
	const kinds = [...threadKinds(PID, all.toReversed()).values()];
	t.strictSame(kinds, ["main", ...Array(5).fill("helpers"), ...Array(5).fill("other"), "actors", "actors"]);
});

t.test("where Node names its threads the names decide", async (t) => {
	const all = threads(
		"MainThread",
		"DelayedTaskSche",
		"V8Worker",
		"V8Worker",
		"SignalInspector",
		"libuv-worker",
	);
	t.strictSame(
		[...threadKinds(PID, all).values()],
		["main", "helpers", "helpers", "helpers", "other", "other"],
	);
});

/** Two workers work until a line comes on stdin; from then on the main thread does. */
const BUSY_PROCESS = `
	const { Worker } = require("node:worker_threads");
	const stopped = new Int32Array(new SharedArrayBuffer(4));
	const work = "const stopped = require('node:worker_threads').workerData; while (stopped[0] === 0); setInterval(() => {}, 1e6)";
	// libuv starts its threads at the first use, which an engine makes long before its actors.
	require("node:fs").readFile("/dev/null", () => {
		for (let count = 0; count < 2; count++) new Worker(work, { eval: true, workerData: stopped });
	});
	process.stdin.once("data", () => {
		stopped[0] = 1;
		setInterval(() => { for (const end = Date.now() + 20; Date.now() < end; ); }, 0);
	});
`;

t.test("the work of worker threads and of the main thread is told apart in a real process", async (t) => {
	const child = spawn(process.execPath, ["-e", BUSY_PROCESS], {
		env: {},
		stdio: ["pipe", "ignore", "inherit"],
	});
	t.teardown(() => child.kill("SIGKILL"));
	const cpu = () => processUsage(child.pid!)!.cpu;
	await waitUntil(() => cpu().actors >= 0.3, { what: "0.3 s of work of the workers" });
	const before = cpu();
	t.ok(before.main < before.actors, `the main thread has only started: ${before.main} < ${before.actors}`);
	child.stdin.write("now you\n");
	await waitUntil(() => cpu().main >= before.main + 0.3, { what: "0.3 s of work of the main thread" });
	const after = processUsage(child.pid!)!;
	const byWorkers = after.cpu.actors - before.actors;
	t.ok(byWorkers < 0.2, `the workers have stopped: ${byWorkers}`);
	t.ok(after.cpu.all >= after.cpu.actors + after.cpu.main, "parts are parts of the whole");
	t.ok(after.residentBytes > 10 * 2 ** 20 && after.handles >= 3);
});

t.test("a process that is not there has no usage", async (t) => {
	const child = spawn(process.execPath, ["-e", "0"], { env: {} });
	await once(child, "exit");
	t.equal(processUsage(child.pid!), null);
});
