/**
 * `node perf many-users`: nearly every event is a user never seen before, and so a new pair of user and hour. The worst
 * case of exact distinct counts: every event costs a row and an index entry more.
 */
import {
	BESIDE_NORMAL_OPTIONS,
	BESIDE_NORMAL_QUICK,
	drainBesideNormal,
} from "./support/cases/beside-normal.ts";
import { decimal } from "./support/options.ts";
import { defineScenario } from "./support/scenario.ts";

export const scenario = defineScenario({
	name: "many-users",
	about: "nearly every event a new user: the worst case of exact distinct counts, against the usual drain",
	options: {
		...BESIDE_NORMAL_OPTIONS,
		share: decimal(0.98, [0, 1], "share of events whose user was never seen before"),
	},
	quick: BESIDE_NORMAL_QUICK,
	run: (context) => drainBesideNormal(context, { content: { newUserShare: context.options.share } }),
});
