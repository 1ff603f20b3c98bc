import BetterQueue from "better-queue";
import type { SetQueue } from "../flusher.ts";

interface Task {
	readonly id: string;
	readonly set: number;
}

/**
 * The flush queue: better-queue carrying set numbers, one task per set. The ids are strings that do not look like
 * integers: ids that do come back in numeric order, and two tasks of the same id would become one. It never retries and
 * never times out (a time-out would start the next set while this one still runs): both belong to the commit itself.
 */
export function createSetQueue(
	commit: (set: number) => Promise<void>,
): SetQueue & { readonly depth: number } {
	const queue = new BetterQueue<Task, void>({
		id: "id",
		concurrent: 1,
		batchSize: 1,
		maxRetries: 0,
		// Callback only: an async function that throws would leave the queue stuck.
		process(task: Task, done: (error?: unknown) => void) {
			commit(task.set).then(
				() => done(),
				() => done(),
			);
		},
	});
	return {
		push: (set) => {
			queue.push({ id: `set_${set}`, set });
		},
		get depth() {
			return (queue as unknown as { length: number }).length;
		},
	};
}
