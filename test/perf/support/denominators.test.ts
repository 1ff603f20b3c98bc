import t from "tap";
import { runChild } from "../../../perf/support/denominators/child.ts";
import { secondsIn } from "../../../perf/support/denominators/copy-binary.ts";

const never = new AbortController().signal;
const node = (script: string) => [process.execPath, "-e", script] as const;

t.test("psql's own timing of the statement is read, also of long ones", async (t) => {
	t.equal(secondsIn("Timing is on.\nCOPY 5\nTime: 12.345 ms\n"), 0.012345);
	t.equal(secondsIn("Timing is on.\nCOPY 5\nTime: 2204.500 ms (00:02.205)\n"), 2.2045);
	t.throws(() => secondsIn("COPY 5\n"), /told no time: COPY 5/);
});

t.test("a process gives what it printed and the CPU it used", async (t) => {
	const busy = "while (process.cpuUsage().user < 200_000); console.log('done'); console.error('aside');";
	const { stdout, stderr, cpuSeconds } = await runChild(node(busy), never);
	t.strictSame([stdout, stderr], ["done\n", "aside\n"]);
	t.ok((cpuSeconds ?? 0) >= 0.15 && (cpuSeconds ?? 0) < 5, `${cpuSeconds}`);
});

t.test("a process that fails is an error with what it said", async (t) => {
	await t.rejects(
		runChild(node("console.error('no space'); process.exit(3)"), never),
		/exit code 3: no space/,
	);
	await t.rejects(runChild(["/no/such/program"], never), /ENOENT/);
});

t.test("an interruption ends the process", async (t) => {
	const interruption = new AbortController();
	const running = runChild(node("setInterval(() => {}, 1000)"), interruption.signal);
	interruption.abort();
	await t.rejects(running, { name: "AbortError" });
	await t.rejects(runChild(node("0"), interruption.signal), { name: "AbortError" }, "and starts no other");
});
