import t from "tap";
import { createCorpus } from "../../../perf/micro/corpus.ts";
import { measure, QUICK } from "../../../perf/micro/measure.ts";
import { MICROS } from "../../../perf/micro/micros.ts";
import { SliceReader } from "../../../workers/slice.ts";

const EVENTS = 10_000;
/** One round, as short as can be: figures are of no interest here. */
const ONCE = { ...QUICK, rounds: 1, roundMs: 0, warmUpMs: 0 };

t.test("the corpus is the stream, once as fetches and once as slices", async (t) => {
	const { events, fetched, slices } = await createCorpus({ events: EVENTS });
	t.equal(events, EVENTS);
	const offsets = new Map<number, number>();
	for (const { partition, from } of fetched) {
		t.ok(from >= (offsets.get(partition) ?? 0), "answers of a partition follow each other");
		offsets.set(partition, from);
	}
	t.equal(offsets.size, 8);
	let records = 0;
	for (const slice of slices.flat()) {
		const reader = new SliceReader(slice);
		while (reader.next()) records++;
	}
	t.equal(records, EVENTS);
});

t.test("every micro-benchmark does all of its work, again and again", async (t) => {
	const corpus = await createCorpus({ events: EVENTS });
	for (const micro of MICROS) {
		const round = await micro.prepare(corpus);
		t.ok(round.events >= 4_000, `${micro.name} handles ${round.events} events`);
		for (let i = 0; i < 2; i++) t.equal(await round.run(), round.expected, `${micro.name}, time ${i + 1}`);
		round.close?.();
	}
	t.equal(new Set(MICROS.map(({ name }) => name)).size, MICROS.length);
});

t.test("a measurement says what was used per event, and by how many rounds", async (t) => {
	let runs = 0;
	const measured = await measure(
		{ events: 10, expected: 7, run: () => 7 + 0 * ++runs },
		{ ...ONCE, rounds: 5 },
	);
	t.equal(measured.rounds, 5);
	t.ok(runs >= 6, "one to warm up and at least one for each round");
	t.ok(measured.threadNsMin <= measured.threadNs && measured.threadNs <= measured.threadNsMax);
	t.ok(measured.threadNsMin >= 0 && Number.isFinite(measured.threadNsMax) && measured.helpersNs >= 0);
});

t.test("a round that did not do its work is an error", async (t) => {
	await t.rejects(
		measure({ events: 1, expected: 2, run: () => 1 }, ONCE),
		/came to 1, but should have come to 2/,
	);
});
