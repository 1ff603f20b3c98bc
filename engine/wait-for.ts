import { messageOf } from "./core-errors.ts";
import { EngineError, UnavailableError } from "./errors.ts";
import type { Log } from "./log.ts";
import type { Clock } from "./ports.ts";

const FIRST_DELAY_MS = 250;
const DELAY_MS_MAX = 5_000;

/**
 * Tries until it works, with growing pauses and a line that says what is waited for. What a person must mend first (a
 * wrong password, a wrong schema) is thrown at once.
 * @throws UnavailableError after `timeoutMs`, with the last failure
 */
export async function waitFor<T>(
	dependency: "kafka" | "postgres",
	title: string,
	attempt: () => Promise<T>,
	options: { timeoutMs: number; clock: Clock; log: Log },
): Promise<T> {
	const { timeoutMs, clock, log } = options;
	const deadlineMs = clock.monotonicMs() + timeoutMs;
	let delayMs = FIRST_DELAY_MS;
	for (;;) {
		try {
			return await attempt();
		} catch (error) {
			if (isForPeople(error)) throw error;
			const leftMs = deadlineMs - clock.monotonicMs();
			if (leftMs <= 0) {
				const nextStep =
					(error as Partial<EngineError>).nextStep ?? `is ${title} up? \`node engine check\` tells more`;
				throw new UnavailableError(
					dependency,
					`waited ${Math.round(timeoutMs / 1000)} s for ${title}: ${messageOf(error)}`,
					nextStep,
					{ cause: error },
				);
			}
			log.info({ component: "start" }, `waiting for ${title} (${messageOf(error)})`);
			await new Promise<void>((resolve) => clock.after(Math.min(delayMs, leftMs), resolve));
			delayMs = Math.min(delayMs * 2, DELAY_MS_MAX);
		}
	}
}

function isForPeople(error: unknown): boolean {
	if (!(error instanceof EngineError)) return false;
	const settingsAreWrong = (error as { settingsAreWrong?: unknown }).settingsAreWrong;
	return !(error instanceof UnavailableError) || settingsAreWrong === true;
}
