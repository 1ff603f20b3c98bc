/** `node perf bad`: nearly a third of the messages are no valid event, of every kind the producer knows. */
import { type GenerateCounts, generate } from "../producer/generate.ts";
import {
	BESIDE_NORMAL_OPTIONS,
	BESIDE_NORMAL_QUICK,
	drainBesideNormal,
} from "./support/cases/beside-normal.ts";
import { USUAL_CONTENT } from "./support/load/content.ts";
import { decimal } from "./support/options.ts";
import { defineScenario } from "./support/scenario.ts";

export const scenario = defineScenario({
	name: "bad",
	about: "30 % of the messages are invalid, of all kinds, against the usual drain",
	options: {
		...BESIDE_NORMAL_OPTIONS,
		// The engine stops at 90 % within the newest 10,000 messages, which is another scenario.
		share: decimal(0.3, [0, 0.8], "share of invalid messages"),
	},
	quick: BESIDE_NORMAL_QUICK,
	async run(context) {
		const { events, seed, share } = context.options;
		const content = { badRatio: share };
		const deadLetters = badEvents({ ...USUAL_CONTENT, ...content, events, seed });
		return drainBesideNormal(context, { content, deadLetters });
	},
});

/** How many of these are bad: the same stream again, since the seed decides all of it. */
function badEvents(content: Parameters<typeof generate>[0]): number {
	const counts: GenerateCounts = { events: 0, bad: 0, late: 0 };
	for (const _ of generate(content, counts));
	return counts.bad;
}
