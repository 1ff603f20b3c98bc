import t from "tap";
import { FetchTurns } from "../../../engine/kafka/fetch-turns.ts";

const asked = (...partitions: number[]) => partitions.map((partition) => ({ partition, offset: 7 }));

t.test("partitions stay in their order until one is served, which goes behind all others", async (t) => {
	const turns = new FetchTurns();
	t.same(turns.inOrder(asked(2, 0, 1)), asked(2, 0, 1));
	t.same(turns.inOrder(asked(0, 1, 2)), asked(2, 0, 1), "whatever kafkajs's order is");
	turns.served(2);
	turns.served(0);
	t.same(turns.inOrder(asked(0, 1, 2)), asked(1, 2, 0));
});

t.test("only those that are asked for are named, and keep their turn meanwhile", async (t) => {
	const turns = new FetchTurns();
	turns.inOrder(asked(0, 1, 2));
	turns.served(0);
	t.same(turns.inOrder(asked(2, 0)), asked(2, 0));
	t.same(turns.inOrder([]), []);
	t.same(turns.inOrder(asked(0, 1, 2, 9)), asked(1, 2, 0, 9), "a new one comes last");
});

t.test("where a request brings few of many, all get the same in the long run", async (t) => {
	const turns = new FetchTurns();
	const partitions = Array.from({ length: 10 }, (_, partition) => partition);
	const times = partitions.map(() => 0);
	// 7 has nothing for a while: nobody waits for it, and it is first when something comes.
	for (let request = 0; request < 30; request++) {
		const filled = turns
			.inOrder(asked(...partitions))
			.filter(({ partition }) => partition !== 7)
			.slice(0, 3);
		for (const { partition } of filled) {
			turns.served(partition);
			times[partition]!++;
		}
	}
	t.same(times, [10, 10, 10, 10, 10, 10, 10, 0, 10, 10]);
	t.equal(turns.inOrder(asked(...partitions))[0]?.partition, 7);
});
