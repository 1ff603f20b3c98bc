/**
 * Preloaded into an engine (`NODE_OPTIONS=--import=...`): each SIGUSR2 sets its wall clock to the next of `SHIFTS_MS`, on
 * every thread at once, as an administrator or a virtual machine's host may. Monotonic time and timers run on, as they do
 * in life.
 */
import { getEnvironmentData, isMainThread, setEnvironmentData } from "node:worker_threads";

const DAY_MS = 86_400_000;

/** Relative to the true time; after the last one the clock is right again. */
export const SHIFTS_MS: readonly number[] = [DAY_MS, -DAY_MS, 0];

const KEY = "shift of the clock in ms";
const TrueDate = Date;

if (isMainThread) setEnvironmentData(KEY, new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT));
const shared = getEnvironmentData(KEY);
// A test that imports the list is no engine, and keeps its clock.
if (process.env["CLOCK_JUMP"] !== undefined && shared instanceof SharedArrayBuffer) {
	const shiftMs = new Float64Array(shared);
	const nowMs = (): number => TrueDate.now() + shiftMs[0]!;
	globalThis.Date = new Proxy(TrueDate, {
		construct: (target, args, newTarget) =>
			Reflect.construct(target, args.length === 0 ? [nowMs()] : args, newTarget),
		apply: () => new TrueDate(nowMs()).toString(),
		get: (target, name, receiver) => (name === "now" ? nowMs : Reflect.get(target, name, receiver)),
	});
	let jumps = 0;
	if (isMainThread) {
		process.on("SIGUSR2", () => {
			shiftMs[0] = SHIFTS_MS[jumps++] ?? 0;
		});
	}
}
