/** One way to seed fast-check: printed, and repeatable with `FC_SEED`. */
import fc from "fast-check";
import type { Test } from "tap";

export function seedProperties(t: Test, numRuns: number): void {
	const seed = Number(process.env["FC_SEED"] ?? Date.now() % 2 ** 31);
	fc.configureGlobal({ seed, numRuns });
	t.comment(`fast-check seed ${seed} (FC_SEED repeats it)`);
}
