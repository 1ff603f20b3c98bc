import { spawn } from "node:child_process";
import { once } from "node:events";
import t from "tap";
import { processUsage, threadKinds } from "../../../perf/support/usage.ts";

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

t.test("the work of worker threads and of the main thread is told apart in a real process", async (t) => {
	const busy = (ms: number) =>
		`const end = Date.now() + ${ms}; while (Date.now() < end) JSON.parse('{"a":[1,2]}');`;
	const script = `
		const { Worker } = require("node:worker_threads");
		require("node:fs").readFile("/dev/null", () => {
			const workers = [1, 2].map(() => new Worker(${JSON.stringify(`${busy(400)} setInterval(() => {}, 1e6);
				require("node:worker_threads").parentPort.postMessage(1)`)}, { eval: true }));
			let done = 0;
			for (const worker of workers) worker.once("message", () => {
				if (++done === 2) { ${busy(150)} console.log("ready"); }
			});
		});`;
	const child = spawn(process.execPath, ["-e", script], { env: {}, stdio: ["ignore", "pipe", "inherit"] });
	t.teardown(() => child.kill("SIGKILL"));
	await once(child.stdout, "data");
	const usage = processUsage(child.pid!)!;
	t.ok(usage.cpu.actors >= 0.2, `two workers were busy for 0.4 s each: ${usage.cpu.actors}`);
	t.ok(usage.cpu.main >= 0.1, `the main thread for 0.15 s: ${usage.cpu.main}`);
	t.ok(usage.cpu.actors > usage.cpu.main, `${usage.cpu.actors} > ${usage.cpu.main}`);
	t.ok(usage.cpu.all >= usage.cpu.actors + usage.cpu.main, "parts are parts of the whole");
	t.ok(usage.residentBytes > 10 * 2 ** 20 && usage.handles >= 3);
});

t.test("a process that is not there has no usage", async (t) => {
	const child = spawn(process.execPath, ["-e", "0"], { env: {} });
	await once(child, "exit");
	t.equal(processUsage(child.pid!), null);
});
