/** better-queue, behind engine/queues: what carries set numbers and the side jobs, and why it carries nothing else. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import BetterQueue from "better-queue";
import t from "tap";
import { environmentFor } from "../support/parts.ts";
import { waitUntil } from "../support/wait-until.ts";

interface Task {
	readonly id: string;
	readonly payload?: number;
}

type Done = (error?: unknown, result?: unknown) => void;
type Settings = Omit<BetterQueue.QueueOptions<Task, unknown>, "process">;

function queueOf(process: (task: Task, done: Done) => void, settings: Settings = {}) {
	return new BetterQueue<Task, unknown>({ id: "id", ...settings, process: process as never });
}

/** Holds every task until the test ends it. */
function held(settings: Settings = {}) {
	const running: { task: Task; done: Done }[] = [];
	let mostAtOnce = 0;
	let atOnce = 0;
	const queue = queueOf((task, done) => {
		mostAtOnce = Math.max(mostAtOnce, ++atOnce);
		running.push({
			task,
			done: (error) => {
				atOnce--;
				done(error);
			},
		});
	}, settings);
	return {
		queue,
		running,
		get mostAtOnce() {
			return mostAtOnce;
		},
		length: () => (queue as unknown as { length: number }).length,
	};
}

t.test(
	"with concurrent 1 and batches of 1, tasks run one at a time in the order of the pushes",
	async (t) => {
		const it = held({ concurrent: 1, batchSize: 1 });
		const ids = ["set_10", "set_9", "set_8", "set_a", "set_1"];
		for (const id of ids) it.queue.push({ id });
		for (let i = 0; i < ids.length; i++) {
			await waitUntil(() => it.running.length === i + 1, { everyMs: 1 });
			it.running[i]!.done();
		}
		t.same(
			it.running.map(({ task }) => task.id),
			ids,
		);
		t.equal(it.mostAtOnce, 1);
	},
);

t.test(
	"ids that look like integers come back in numeric order within a batch: the reason for set_ in front",
	async (t) => {
		const batches: string[][] = [];
		const queue = queueOf(
			(tasks, done) => {
				batches.push((tasks as unknown as Task[]).map(({ id }) => id));
				done();
			},
			{ batchSize: 6, batchDelay: 50 },
		);
		for (const id of ["10", "9", "8", "3", "a", "1"]) queue.push({ id });
		await waitUntil(() => batches.length > 0);
		t.same(batches[0], ["1", "3", "8", "9", "10", "a"]);
	},
);

t.test(
	"of two waiting tasks with one id the newer takes the place of the older, and both are told finished",
	async (t) => {
		const it = held();
		const finished: string[] = [];
		it.queue.push({ id: "first" });
		await waitUntil(() => it.running.length === 1);
		it.queue.push({ id: "job", payload: 1 }).on("finish", () => void finished.push("older"));
		it.queue.push({ id: "job", payload: 2 }).on("finish", () => void finished.push("newer"));
		await waitUntil(() => it.length() === 2);
		it.running[0]!.done();
		await waitUntil(() => it.running.length === 2);
		it.running[1]!.done();
		await waitUntil(() => finished.length === 2);
		t.same(
			it.running.map(({ task }) => task.payload),
			[undefined, 2],
		);
		await waitUntil(() => it.length() === 0);
	},
);

t.test("a task pushed while one of its id runs is run after it", async (t) => {
	const it = held();
	it.queue.push({ id: "job", payload: 1 });
	await waitUntil(() => it.running.length === 1);
	it.queue.push({ id: "job", payload: 2 });
	await waitUntil(() => it.length() === 2);
	it.running[0]!.done();
	await waitUntil(() => it.running.length === 2);
	t.equal(it.running[1]!.task.payload, 2);
	it.running[1]!.done();
});

t.test("length counts what waits and what runs", async (t) => {
	const it = held();
	for (const id of ["a", "b", "c"]) it.queue.push({ id });
	await waitUntil(() => it.running.length === 1 && it.length() === 3);
	it.running[0]!.done();
	await waitUntil(() => it.running.length === 2);
	t.equal(it.length(), 2);
	it.running[1]!.done();
	await waitUntil(() => it.running.length === 3);
	it.running[2]!.done();
});

t.test(
	"maxRetries 3 is three attempts in all, behind what waits meanwhile; then task_failed with id and error",
	async (t) => {
		const attempts: string[] = [];
		const queue = queueOf(
			({ id }, done) => {
				attempts.push(id);
				done(id === "bad" ? new Error("no") : undefined);
			},
			{ maxRetries: 3, retryDelay: 20 },
		);
		const failed = once(queue, "task_failed");
		for (const id of ["bad", "x", "y"]) queue.push({ id });
		const [id, error] = await failed;
		t.same([id, (error as Error).message], ["bad", "no"]);
		t.same(attempts, ["bad", "x", "y", "bad", "bad"]);
	},
);

t.test("with maxRetries 0 a failed task is not tried again, and the next one has its turn", async (t) => {
	const it = held({ maxRetries: 0 });
	it.queue.push({ id: "a" });
	it.queue.push({ id: "b" });
	await waitUntil(() => it.running.length === 1);
	it.running[0]!.done(new Error("no"));
	await waitUntil(() => it.running.length === 2);
	it.running[1]!.done();
	await waitUntil(() => it.length() === 0);
	t.same(
		it.running.map(({ task }) => task.id),
		["a", "b"],
	);
});

t.test("a queue with afterProcessDelay does a thousand pushes under one id in two calls", async (t) => {
	const payloads: number[] = [];
	const queue = queueOf(
		({ payload }, done) => {
			payloads.push(payload!);
			done();
		},
		{ concurrent: 1, afterProcessDelay: 2_000 },
	);
	queue.push({ id: "job", payload: 0 });
	await waitUntil(() => payloads.length === 1, { everyMs: 1 });
	for (let payload = 1; payload <= 1_000; payload++) queue.push({ id: "job", payload });
	await waitUntil(() => payloads.length >= 2);
	t.same(payloads, [0, 1_000]);
});

t.test(
	"maxTimeout starts the next task while the first still runs: time-outs belong elsewhere",
	async (t) => {
		const it = held({ concurrent: 1, maxTimeout: 50 });
		it.queue.on("task_failed", () => {});
		for (const id of ["a", "b", "c"]) it.queue.push({ id });
		await waitUntil(() => it.running.length === 3);
		t.equal(it.mostAtOnce, 3, "of one allowed");
	},
);

t.test(
	"an async process function that throws is an unhandled rejection: process is a callback's matter",
	async (t) => {
		const program = `
		const Queue = require(${JSON.stringify(createRequire(import.meta.url).resolve("better-queue"))});
		new Queue({ process: async () => { throw new Error("in vain") } }).push({ id: "a" });`;
		const ended = await promisify(execFile)(process.execPath, ["-e", program], {
			env: environmentFor({}),
		}).catch((error: unknown) => error);
		t.match(ended, { code: 1, stderr: /in vain/ }, "the process ends");
	},
);

t.test("a destroyed queue takes nothing more, and lets what runs end", async (t) => {
	const it = held();
	it.queue.push({ id: "a" });
	it.queue.push({ id: "b" });
	await waitUntil(() => it.running.length === 1);
	await new Promise<void>((resolve) => {
		it.queue.destroy(() => resolve());
	});
	t.doesNotThrow(() => it.running[0]!.done());
	it.queue.push({ id: "c" });
	await sleep(100);
	t.equal(it.running.length, 1);
});
