import { spawn } from "node:child_process";
import { once } from "node:events";
import t from "tap";
import { identify, isSameProcess, startTimeIn } from "../../../engine/local/process-identity.ts";

t.test("a living process is known by its id, its start and its command line", async (t) => {
	const child = spawn(process.execPath, ["-e", "process.stdin.resume()", "a mark"], {
		stdio: ["pipe", "ignore", "ignore"],
	});
	const found = identify(child.pid!);
	t.match(found, { pid: child.pid, startedAt: /\S/, command: /a mark/ });
	t.ok(isSameProcess(found!));
	t.notOk(isSameProcess({ ...found!, startedAt: "0" }), "another start time is another process");
	child.stdin.end();
	await once(child, "exit");
	t.equal(identify(child.pid!), null);
	t.notOk(isSameProcess(found!));
});

t.test("what is no process id names nobody", async (t) => {
	for (const pid of [0, -1, 1.5, Number.NaN, 999_999_999]) t.equal(identify(pid), null, String(pid));
});

t.test("a start time is found behind a name with blanks and brackets", async (t) => {
	const fields = Array.from({ length: 50 }, (_, index) => String(index + 3));
	fields[0] = "S";
	t.equal(startTimeIn(`42 (odd) name) ${fields.join(" ")}`), "22", "field 22 of proc(5)");
	t.equal(startTimeIn(" Mon Nov 23  00:16:47 2026 \n"), "Mon Nov 23 00:16:47 2026", "as ps prints it");
});
