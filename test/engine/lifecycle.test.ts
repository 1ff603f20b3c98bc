import t from "tap";
import { InvariantError } from "../../engine/core-errors.ts";
import { Lifecycle } from "../../engine/lifecycle.ts";
import type { EngineState } from "../../monitoring/status.ts";

/** The way from `starting` to each state. */
const WAY: Readonly<Record<EngineState, readonly EngineState[]>> = {
	starting: [],
	running: ["running"],
	recovering: ["recovering"],
	stopping: ["running", "stopping"],
	stopped: ["stopping", "stopped"],
	failed: ["failed"],
};
const STATES = Object.keys(WAY) as EngineState[];

function inState(state: EngineState): Lifecycle {
	const life = new Lifecycle();
	for (const step of WAY[state]) life.enter(step);
	return life;
}

t.test("a stopping engine never goes on, and a stopped or failed one stays so", async (t) => {
	const refused = STATES.flatMap((from) =>
		STATES.filter((to) => {
			try {
				inState(from).enter(to);
				return false;
			} catch (error) {
				t.type(error, InvariantError);
				return true;
			}
		}).map((to) => `${from}>${to}`),
	);
	t.same(refused, [
		"running>starting",
		"recovering>starting",
		"stopping>starting",
		"stopping>running",
		"stopping>recovering",
		...["starting", "running", "recovering", "stopping", "failed"].map((to) => `stopped>${to}`),
		...["starting", "running", "recovering", "stopping", "stopped"].map((to) => `failed>${to}`),
	]);
});

t.test("only a stopped or failed engine is over", async (t) => {
	t.same(
		STATES.filter((state) => inState(state).over),
		["stopped", "failed"],
	);
});
