import t from "tap";
import { WorthAsking } from "../../workers/worth-asking.ts";

const SETS = 70;
/** More than a decision takes. */
const MANY = 40_000;

/** Of the next sets, how many ask. */
function asking(worth: WorthAsking): number {
	return Array.from({ length: SETS }, () => worth.next()).filter(Boolean).length;
}

t.test("a stream that has shown nothing yet is asked about", async (t) => {
	const worth = new WorthAsking();
	t.equal(asking(worth), SETS);
	worth.learn(0, 1000);
	t.equal(asking(worth), SETS, "and a busy hour's beginning, where everybody is new, decides nothing");
});

t.test("pairs that hardly come again are asked for by one set of seven", async (t) => {
	const worth = new WorthAsking();
	worth.learn(0, MANY);
	t.equal(asking(worth), SETS / 7);
});

t.test("many small sets decide as one large one does", async (t) => {
	const worth = new WorthAsking();
	for (let set = 0; set < MANY / 10; set++) worth.learn(0, 10);
	t.equal(asking(worth), SETS / 7);
});

t.test("pairs that come again stay worth it, down to one known event for four unknown pairs", async (t) => {
	const worth = new WorthAsking();
	worth.learn(MANY / 5, (MANY / 5) * 4);
	t.equal(asking(worth), SETS);
	worth.learn(MANY / 5 - 1, (MANY / 5) * 4 + 1);
	t.equal(asking(worth), SETS / 7);
});

t.test(
	"a trial finds out that pairs have begun to come again, although only trials' pairs are kept",
	async (t) => {
		const worth = new WorthAsking();
		worth.learn(0, MANY);
		const unknown = MANY;
		worth.learn(Math.floor(unknown / 4 / 7), unknown);
		t.equal(asking(worth), SETS / 7, "too few for what a seventh of all pairs would show");
		worth.learn(Math.ceil(unknown / 4 / 7), unknown);
		t.equal(asking(worth), SETS);
	},
);
