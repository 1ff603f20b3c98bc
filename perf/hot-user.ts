/** `node perf hot-user`: one user has half of all events, so one actor gets more than the others. */
import {
	BESIDE_NORMAL_OPTIONS,
	BESIDE_NORMAL_QUICK,
	drainBesideNormal,
} from "./support/cases/beside-normal.ts";
import { decimal } from "./support/options.ts";
import { defineScenario } from "./support/scenario.ts";

export const scenario = defineScenario({
	name: "hot-user",
	about: "half of all events belong to one user: how much of the usual drain rate is left",
	options: {
		...BESIDE_NORMAL_OPTIONS,
		share: decimal(0.5, [0, 1], "share of events of the one user"),
	},
	quick: BESIDE_NORMAL_QUICK,
	run: (context) => drainBesideNormal(context, { content: { hotUserShare: context.options.share } }),
});
