import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import t from "tap";
import {
	cpuSeconds,
	listenerPid,
	listeningInodes,
	parseStat,
	peakMemoryBytes,
} from "../../../perf/support/process-usage.ts";

t.test("a stat line is read also when the command's name holds brackets and blanks", async (t) => {
	const rest = "S 7 42 42 0 -1 4194304 100 200 0 0 150 50 300 25 20 0 1 0 12345 1000 2000";
	const wanted = { pid: 42, parentPid: 7, ownSeconds: 2, reapedSeconds: 3.25 };
	t.strictSame(parseStat(`42 (node) ${rest}`), wanted);
	t.strictSame(parseStat(`42 (a) S 1 (b ) ${rest}`), wanted);
});

t.test("listening sockets of a port are found, connections and other ports are not", async (t) => {
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0
   1: 0100007F:1538 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 222 1 0
   2: 0100007F:1539 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1 0
`;
	t.strictSame(listeningInodes(table, 5432), ["111"]);
});

t.test("this process listens, works and has memory", async (t) => {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	t.equal(listenerPid((server.address() as { port: number }).port), process.pid);
	server.close();
	t.ok(cpuSeconds(process.pid)! > 0);
	t.ok(peakMemoryBytes(process.pid)! > 10 * 2 ** 20);
});

t.test("work of a child that ended stays in its parent's account", async (t) => {
	const before = cpuSeconds(process.pid)!;
	const busy = "while (process.cpuUsage().user < 300_000);";
	await once(spawn(process.execPath, ["-e", busy], { env: {} }), "exit");
	t.ok(cpuSeconds(process.pid)! - before >= 0.2);
});

t.test("a process that is not there has no figures", async (t) => {
	const child = spawn(process.execPath, ["-e", "0"], { env: {} });
	await once(child, "exit");
	t.equal(cpuSeconds(child.pid!), null);
	t.equal(peakMemoryBytes(child.pid!), null);
});
