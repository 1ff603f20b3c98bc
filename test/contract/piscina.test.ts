/** piscina, behind engine/actors/actor-pool.ts: one pool of one thread, one long-lived task, one port. */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { Piscina } from "piscina";
import t, { type Test } from "tap";
import type { Task } from "../support/piscina-tasks.ts";
import { waitUntil } from "../support/wait-until.ts";

const TASKS = new URL("../support/piscina-tasks.js", import.meta.url);

type Options = NonNullable<ConstructorParameters<typeof Piscina>[0]>;

/** A pool as the engine makes it, and the names of its events. */
/** Small enough to be full within a second, and large enough for what the test runner loads into every thread. */
const HEAP_MB = 96;

function poolOfOne(t: Test, options: Options = {}): { pool: Piscina; events: string[] } {
	const pool = new Piscina({
		filename: TASKS.href,
		name: "runTask",
		minThreads: 1,
		maxThreads: 1,
		atomics: "disabled",
		...options,
	});
	const events: string[] = [];
	for (const name of ["error", "workerCreate", "workerDestroy"]) {
		pool.on(name, (about: unknown) => {
			events.push(about instanceof Error ? `${name}: ${about.message}` : name);
		});
	}
	// Between the death of a thread and the start of the next one nothing else keeps the process waiting.
	const alive = setInterval(() => {}, 1_000);
	t.teardown(async () => {
		clearInterval(alive);
		await pool.destroy();
	});
	return { pool, events };
}

function sharedInts(length: number): Int32Array {
	return new Int32Array(new SharedArrayBuffer(4 * length));
}

function runWithPort(pool: Piscina, kind: "answer" | "throw"): { port: MessagePort; done: Promise<unknown> } {
	const { port1, port2 } = new MessageChannel();
	const done = pool.run({ kind, port: port2 } satisfies Task, { transferList: [port2] });
	return { port: port1, done };
}

t.test(
	"tasks that cannot be placed at once are run out of order: the reason why slices are no tasks",
	async (t) => {
		const { pool } = poolOfOne(t);
		const order = sharedInts(9);
		const numbers = [1, 2, 3, 4, 5, 6, 7, 8];
		await Promise.all(numbers.map((number) => pool.run({ kind: "note", number, order } satisfies Task)));
		const executed = [...order.subarray(1)];
		t.comment(`executed ${executed}`);
		t.same([...executed].sort(), numbers);
		t.not(String(executed), String(numbers), "when these are equal, piscina #1031 is mended by default");
	},
);

t.test(
	"a long-lived task keeps its port, whose messages stay in order and give their buffers away",
	async (t) => {
		const { pool } = poolOfOne(t);
		const { port, done } = runWithPort(pool, "answer");
		const answers: unknown[] = [];
		port.on("message", (answer) => void answers.push(answer));
		const count = 500;
		for (let i = 0; i < count; i++) port.postMessage(i);
		const buffer = new Uint8Array([1, 2, 3]);
		port.postMessage(buffer, [buffer.buffer]);
		t.equal(buffer.byteLength, 0, "transferred, not copied");
		// In the transfer list a buffer that is gone is not even refused (Node 20).
		t.throws(() => port.postMessage(buffer), /detached/, "and gone");
		await waitUntil(() => answers.length === count + 1);
		t.same(
			answers.slice(0, count),
			Array.from({ length: count }, (_, i) => ({ message: i, place: i })),
		);
		t.match(answers.at(-1), { message: new Uint8Array([1, 2, 3]) });
		port.postMessage("stop");
		t.equal(await done, 0);
		t.equal(await pool.run({ kind: "sleep", ms: 0 } satisfies Task), 1, "the thread lives on");
	},
);

t.test("process.exit within a task rejects run without an error event, and leaves us alive", async (t) => {
	const { pool, events } = poolOfOne(t);
	await t.rejects(pool.run({ kind: "exit" } satisfies Task), /exited with code: 3/);
	t.notOk(events.some((event) => event.startsWith("error")));
});

t.test("the end of a thread closes the port that its task was given, and rejects the task", async (t) => {
	const { pool } = poolOfOne(t);
	const { port, done } = runWithPort(pool, "answer");
	const closed = once(port, "close");
	const rejected = t.rejects(done);
	port.postMessage("are you there?");
	await once(port, "message");
	await pool.destroy();
	await Promise.all([rejected, closed]);
});

t.test(
	"an exception that nobody catches in the thread rejects run or is told as error, and closes the port",
	async (t) => {
		const { pool, events } = poolOfOne(t);
		const { port, done } = runWithPort(pool, "throw");
		const closed = once(port, "close");
		done.catch((error: Error) => void events.push(`rejected: ${error.message}`));
		port.postMessage("now");
		await closed;
		await waitUntil(() => events.some((event) => event.includes("nobody caught this")), {
			what: "its reason",
		});
		t.comment(events);
	},
);

t.test(
	"an idle thread that exits is replaced without an error: only workerDestroy and workerCreate tell",
	async (t) => {
		const { pool, events } = poolOfOne(t);
		t.equal(await pool.run({ kind: "exit soon" } satisfies Task), 0);
		await waitUntil(() => events.includes("workerDestroy"));
		t.equal(await pool.run({ kind: "sleep", ms: 0 } satisfies Task), 0, "fresh: what it held is gone");
		t.notOk(events.some((event) => event.startsWith("error")));
	},
);

t.test("a thread out of its heap limit ends alone, with a code that says so", async (t) => {
	const { pool } = poolOfOne(t, { resourceLimits: { maxOldGenerationSizeMb: HEAP_MB } });
	await t.rejects(pool.run({ kind: "heap" } satisfies Task), { code: "ERR_WORKER_OUT_OF_MEMORY" });
	t.equal(await pool.run({ kind: "sleep", ms: 0 } satisfies Task), 0, "another one is there");
});

t.test("memory outside of the heap is not limited by resourceLimits", async (t) => {
	const { pool } = poolOfOne(t, { resourceLimits: { maxOldGenerationSizeMb: HEAP_MB } });
	t.equal(await pool.run({ kind: "buffers", bytes: 2 * HEAP_MB * 1024 * 1024 } satisfies Task), 0);
});

t.test("a missing entry rejects the first run and leaves the next ones of that pool unsettled", async (t) => {
	const { pool } = poolOfOne(t, { filename: new URL("no-such-file.js", TASKS).href });
	const run = (): Promise<unknown> => pool.run({ kind: "sleep", ms: 0 } satisfies Task);
	// Its code is lost on the way when a loader is in between, as under the test runner.
	await t.rejects(run(), { message: /Cannot find module/ });
	let isSettled = false;
	const second = run().catch(() => {
		isSettled = true;
	});
	await sleep(700);
	t.notOk(isSettled, "every start needs a deadline and a pool of its own");
	await pool.destroy();
	await second;
	t.ok(isSettled, "destroy rejects what waits");
});

t.test("destroy ends a thread that hangs in a loop, and rejects its task", async (t) => {
	const { pool } = poolOfOne(t);
	const hanging = pool.run({ kind: "hang" } satisfies Task).catch((error: unknown) => error);
	await sleep(100);
	await pool.destroy();
	t.type(await hanging, Error);
});

t.test("close lets the task under way end before the thread does", async (t) => {
	const { pool } = poolOfOne(t);
	const { port, done } = runWithPort(pool, "answer");
	let isClosed = false;
	const closing = pool.close().then(() => {
		isClosed = true;
	});
	port.postMessage("hello");
	const [answer] = await once(port, "message");
	t.match(answer, { message: "hello" });
	t.notOk(isClosed);
	port.postMessage("stop");
	await Promise.all([done, closing]);
});

t.test(
	"between two tasks the thread stands still by default, so that timers wait; with atomics disabled it runs",
	async (t) => {
		for (const [atomics, fires] of [
			["sync", false],
			["disabled", true],
		] as const) {
			const { pool } = poolOfOne(t, { atomics });
			const fired = sharedInts(1);
			await pool.run({ kind: "timer", fired } satisfies Task);
			if (fires) await waitUntil(() => fired[0] === 1);
			else await sleep(300);
			t.equal(fired[0] === 1, fires, atomics);
		}
	},
);
