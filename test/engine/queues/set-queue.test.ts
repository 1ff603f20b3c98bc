import { setImmediate as nextTurn } from "node:timers/promises";
import t from "tap";
import { createSetQueue } from "../../../engine/queues/set-queue.ts";

/** Commits that end when the test says so, in the order in which they began. */
function committing() {
	const begun: { set: number; end: () => void; fail: () => void }[] = [];
	let look = (): void => {};
	const commit = (set: number): Promise<void> =>
		new Promise((end, fail) => {
			begun.push({ set, end, fail: () => fail(new Error(`set ${set} failed`)) });
			look();
		});
	const untilBegun = (count: number): Promise<void> =>
		new Promise((resolve) => {
			look = () => {
				if (begun.length >= count) resolve();
			};
			look();
		});
	return { begun, commit, untilBegun };
}

t.test("sets are committed one at a time, in the order of their numbers", async (t) => {
	const { begun, commit, untilBegun } = committing();
	const queue = createSetQueue(commit);
	// Past 9, since ids that look like integers would come back as 10, 8, 9 or worse.
	const sets = [8, 9, 10, 11, 100];
	for (const set of sets) queue.push(set);
	for (let i = 0; i < sets.length; i++) {
		await untilBegun(i + 1);
		// Turns enough for the next one to begin, if it were let.
		for (let turn = 0; turn < 20; turn++) await nextTurn();
		t.equal(begun.length, i + 1, "the next one waits for the end of this one");
		begun[i]!.end();
	}
	t.same(
		begun.map(({ set }) => set),
		sets,
	);
});

t.test("a commit that failed is not tried again, and the next set has its turn", async (t) => {
	const { begun, commit, untilBegun } = committing();
	const queue = createSetQueue(commit);
	queue.push(1);
	await untilBegun(1);
	queue.push(2);
	begun[0]!.fail();
	await untilBegun(2);
	t.equal(begun[1]!.set, 2);
	begun[1]!.end();
	queue.push(3);
	await untilBegun(3);
	t.equal(begun[2]!.set, 3, "nothing came in between");
	begun[2]!.end();
});

t.test("the depth counts the sets that wait and the one under way", async (t) => {
	const { begun, commit, untilBegun } = committing();
	const queue = createSetQueue(commit);
	t.equal(queue.depth, 0);
	queue.push(1);
	queue.push(2);
	await untilBegun(1);
	t.equal(queue.depth, 2);
	begun[0]!.end();
	await untilBegun(2);
	t.equal(queue.depth, 1);
	begun[1]!.end();
});
