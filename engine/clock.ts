import type { Clock } from "./ports.ts";

/** The real clock. */
export const systemClock: Clock = {
	nowMs: () => Date.now(),
	monotonicMs: () => performance.now(),
	random: () => Math.random(),
	after(delayMs, action) {
		const timeout = setTimeout(action, delayMs);
		return { cancel: () => clearTimeout(timeout) };
	},
};
