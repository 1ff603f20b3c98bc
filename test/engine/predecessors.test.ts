import t from "tap";
import { createLog } from "../../engine/log.ts";
import { Predecessors } from "../../engine/predecessors.ts";
import { ManualClock } from "../support/manual-clock.ts";

const log = createLog({ level: "silent", format: "json" });
const settled = () => new Promise((resolve) => setImmediate(resolve));

function looking(bury: () => Promise<readonly string[]>) {
	const clock = new ManualClock();
	let looks = 0;
	const predecessors = new Predecessors(
		{
			bury: () => {
				looks++;
				return bury();
			},
		},
		clock,
		log,
	);
	return { clock, predecessors, looks: () => looks };
}

t.test("the dead are looked for at once, then four times a second, until we are in", async (t) => {
	const { clock, predecessors, looks } = looking(async () => []);
	predecessors.start();
	t.equal(looks(), 1);
	for (let more = 1; more <= 4; more++) {
		await settled();
		clock.advance(250);
	}
	t.equal(looks(), 5);
	predecessors.stop();
	await settled();
	clock.advance(10_000);
	t.equal(looks(), 5);
	predecessors.start();
	t.equal(looks(), 5, "nobody is in our way any more");
});

t.test("a look that fails is tried again, and one that hangs is not overtaken", async (t) => {
	let answer: () => Promise<readonly string[]> = () => Promise.reject(new Error("Postgres is away"));
	const { clock, predecessors, looks } = looking(() => answer());
	predecessors.start();
	await settled();
	answer = () => new Promise(() => {});
	clock.advance(250);
	t.equal(looks(), 2);
	await settled();
	clock.advance(10_000);
	t.equal(looks(), 2);
	predecessors.stop();
});
