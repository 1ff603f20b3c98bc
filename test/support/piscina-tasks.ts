/** Tasks for the contract tests of piscina, as a thread runs them. */
import { setTimeout as sleep } from "node:timers/promises";
import type { MessagePort } from "node:worker_threads";

export type Task =
	/** Writes its number at the next place of `order` (the first element counts them). */
	| { readonly kind: "note"; readonly number: number; readonly order: Int32Array }
	/** Answers every message with what it was and how many came before, until "stop". */
	| { readonly kind: "answer"; readonly port: MessagePort }
	| { readonly kind: "exit" }
	/** Ends the thread once the task is over and the thread idle. */
	| { readonly kind: "exit soon" }
	/** Throws where nobody catches, while the task runs. */
	| { readonly kind: "throw"; readonly port: MessagePort }
	| { readonly kind: "hang" }
	/** Fills the heap, or memory outside of it. */
	| { readonly kind: "heap" }
	| { readonly kind: "buffers"; readonly bytes: number }
	/** Sets the first element of `fired` by a timer that fires when the task is over. */
	| { readonly kind: "timer"; readonly fired: Int32Array }
	| { readonly kind: "sleep"; readonly ms: number };

/** Stays in the thread: a fresh thread begins at 0. */
let tasksHere = 0;

/** @returns how many tasks this thread had before */
export async function runTask(task: Task): Promise<number> {
	const before = tasksHere++;
	switch (task.kind) {
		case "note": {
			const place = Atomics.add(task.order, 0, 1) + 1;
			task.order[place] = task.number;
			break;
		}
		case "answer":
			await answerUntilStop(task.port);
			break;
		case "exit":
			process.exit(3);
			break;
		case "exit soon":
			setTimeout(() => process.exit(3), 20);
			break;
		case "throw":
			task.port.once("message", () => {
				throw new Error("nobody caught this");
			});
			await new Promise(() => {});
			break;
		case "hang":
			for (;;);
		case "heap": {
			const kept: unknown[] = [];
			for (;;) kept.push(Array.from({ length: 1_000 }, (_, i) => ({ i })));
		}
		case "buffers":
			if (Buffer.alloc(task.bytes, 1)[task.bytes - 1] !== 1) throw new Error("no such memory");
			break;
		case "timer":
			setTimeout(() => Atomics.store(task.fired, 0, 1), 20);
			break;
		case "sleep":
			await sleep(task.ms);
			break;
	}
	return before;
}

function answerUntilStop(port: MessagePort): Promise<void> {
	return new Promise((resolve) => {
		let count = 0;
		port.on("message", (message: unknown) => {
			if (message === "stop") {
				resolve();
				port.close();
			} else port.postMessage({ message, place: count++ });
		});
	});
}
