import { existsSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { withLock } from "../../../engine/local/lock.ts";
import { identify } from "../../../engine/local/process-identity.ts";

const patient = { timeoutMs: 10_000 };

t.test("one at a time holds the lock, and its file is gone afterwards", async (t) => {
	const path = join(t.testdir(), "lock");
	let inside = 0;
	const work = async (name: number) => {
		inside += 1;
		t.equal(inside, 1);
		t.ok(existsSync(path));
		await new Promise((resolve) => setImmediate(resolve));
		inside -= 1;
		return name;
	};
	const done = await Promise.all([1, 2, 3].map((name) => withLock(path, patient, () => work(name))));
	t.same(done, [1, 2, 3]);
	t.same(readdirSync(join(path, "..")), [], "no helper file is left");
});

t.test("work that fails gives the lock back", async (t) => {
	const path = join(t.testdir(), "lock");
	await t.rejects(
		withLock(path, patient, () => Promise.reject(new Error("no room"))),
		/no room/,
	);
	t.equal(await withLock(path, patient, async () => "free"), "free");
});

t.test("the lock of a process that died is taken over", async (t) => {
	const path = join(t.testdir(), "lock");
	writeFileSync(path, "999999999 12345\n");
	t.equal(await withLock(path, { timeoutMs: 0 }, async () => "taken over"), "taken over");
});

t.test("the lock of a process whose id was given out again is taken over", async (t) => {
	const path = join(t.testdir(), "lock");
	writeFileSync(path, `${process.ppid} 1\n`);
	t.equal(await withLock(path, { timeoutMs: 0 }, async () => "taken over"), "taken over");
});

t.test("the lock of a living process is waited for, and the error names it", async (t) => {
	const path = join(t.testdir(), "lock");
	writeFileSync(path, `${process.ppid} ${identify(process.ppid)?.startedAt}\n`);
	const waitedFor: number[] = [];
	const refused = withLock(path, { timeoutMs: 0, onWait: (pid) => waitedFor.push(pid) }, async () =>
		t.fail("two hold it"),
	);
	await t.rejects(refused, { message: new RegExp(`process ${process.ppid} has held`), exitCode: 69 });
	t.same(waitedFor, [process.ppid]);
});

t.test("a takeover that crashed in the middle does not block for ever", async (t) => {
	const folder = t.testdir({ lock: "999999999 1\n", "lock.takeover": "" });
	utimesSync(join(folder, "lock.takeover"), 1, 1);
	t.equal(await withLock(join(folder, "lock"), patient, async () => "taken over"), "taken over");
});
