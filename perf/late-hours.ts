/** `node perf late-hours`: events of a whole month in no order, so that every set touches hundreds of hours and 30 days. */
import {
	BESIDE_NORMAL_OPTIONS,
	BESIDE_NORMAL_QUICK,
	drainBesideNormal,
} from "./support/cases/beside-normal.ts";
import { integer } from "./support/options.ts";
import { defineScenario } from "./support/scenario.ts";

const HOURS_PER_DAY = 24;

export const scenario = defineScenario({
	name: "late-hours",
	about: "events spread over 30 days in no order, against the usual drain",
	options: {
		...BESIDE_NORMAL_OPTIONS,
		days: integer(30, [1, 365], "days that the events are spread over, at random"),
	},
	quick: BESIDE_NORMAL_QUICK,
	run: (context) =>
		drainBesideNormal(context, { content: { scatterHours: context.options.days * HOURS_PER_DAY } }),
});
