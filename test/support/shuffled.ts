import type { Random } from "../../producer/random.ts";

/** A copy in another order, each order as likely as any other (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], random: Pick<Random, "below">): T[] {
	const result = [...items];
	for (let i = result.length - 1; i > 0; i--) {
		const j = random.below(i + 1);
		[result[i], result[j]] = [result[j]!, result[i]!];
	}
	return result;
}
