import type { Clock } from "../ports.ts";

/** kafkajs neither did it nor failed in time. What it still does is ignored. */
export class KafkaDeadlineError extends Error {
	constructor(step: string, deadlineMs: number) {
		super(`no answer to "${step}" within ${deadlineMs} ms`);
		this.name = "KafkaDeadlineError";
	}
}

/** Waits for kafkajs, and not longer than `deadlineMs`: its requests have time-outs, what it builds of them has not. */
export async function within<T>(
	clock: Pick<Clock, "after">,
	step: string,
	deadlineMs: number,
	work: Promise<T>,
): Promise<T> {
	// The loser of the race may still fail, with nobody listening.
	work.catch(() => {});
	let cancel = (): void => {};
	const late = new Promise<never>((_, reject) => {
		const timer = clock.after(deadlineMs, () => reject(new KafkaDeadlineError(step, deadlineMs)));
		cancel = () => timer.cancel();
	});
	try {
		return await Promise.race([work, late]);
	} finally {
		cancel();
	}
}
