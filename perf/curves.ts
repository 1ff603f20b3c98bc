/** `node perf curves`: does an event cost the same when there is more of everything? Each point is a drain. */
import { createCorpus } from "./micro/corpus.ts";
import { flushCosts } from "./stages/flush-cost.ts";
import { CURVES, costOf, curveOutcome, storedCurves, storedFigures } from "./support/cases/curve-points.ts";
import { holdSnapshot } from "./support/cases/held-snapshot.ts";
import { withClient } from "./support/database.ts";
import { type Drained, drainOnce } from "./support/drain-run.ts";
import { fillTopic } from "./support/fill-topic.ts";
import { middleOf } from "./support/median.ts";
import { choice, integer } from "./support/options.ts";
import type { Curve, Figure } from "./support/result.ts";
import type { Timeline } from "./support/sampler.ts";
import { defineScenario, type ScenarioContext } from "./support/scenario.ts";

const NAMES = ["partitions", "users", "padding", "hours", "snapshot"] as const;
const STORED_PARTS = 10;
/** Of an upsert of hourly totals: the hours of the worst case. */
const MERGE_HOURS = 720;
const MERGE_EVENTS = 200_000;

export const scenario = defineScenario({
	name: "curves",
	about: "CPU per event while partitions, users, bytes, open hours, snapshots or stored events grow",
	options: {
		curve: choice("all", ["all", ...NAMES, "stored"], "which"),
		events: integer(2_000_000, [100_000, 100_000_000], "events of each drain"),
		runs: integer(
			3,
			[1, 100],
			"drains of each point but those of the curve stored, in turns; the middle one counts",
		),
		storedEvents: integer(10_000_000, [500_000, 100_000_000], "events of the one drain of the curve stored"),
		storedUsers: integer(
			10_000,
			[1, 5_000_000],
			"distinct users in it, over 24 hours unless they are scattered",
		),
		storedScatterHours: integer(
			0,
			[0, 8_760],
			"each of its events in any of so many hours at random, for many pairs of user and hour; 0: in order",
		),
	},
	quick: {
		curve: "partitions",
		events: 200_000,
		runs: 1,
		storedEvents: 1_000_000,
		storedUsers: 10_000,
		storedScatterHours: 0,
	},
	async run(context) {
		const { curve: wanted, events, runs, storedEvents, storedUsers, storedScatterHours } = context.options;
		const curves: Curve[] = [];
		const figures: Figure[] = [];
		let timeline: Timeline | undefined;
		for (const name of NAMES.filter((each) => wanted === "all" || wanted === each)) {
			const { xLabel, about } = CURVES[name];
			context.note(`${name}: ${about}`);
			const outcome = curveOutcome(name, xLabel, await pointsOf(context, name, runs, events));
			curves.push(...outcome.curves);
			figures.push(...outcome.figures);
			if (name === "hours") figures.push(await mergeFigure(context));
		}
		if (wanted === "all" || wanted === "stored") {
			const drained = await drainAlone(context, {
				events: storedEvents,
				users: storedUsers,
				scatterHours: storedScatterHours,
			});
			const stored = storedCurves(drained.timeline.samples, STORED_PARTS);
			timeline = drained.timeline;
			curves.push(...stored);
			figures.push(...storedFigures(stored), await userHours(drained.database.url), ...memoryOf(drained));
			await drained.database.remove();
		}
		if (figures.length === 0)
			throw new Error("nothing of the servers can be seen from here: run it where they are");
		return { figures, curves, ...(timeline === undefined ? {} : { timeline }) };
	},
});

/** The points in turns, so that what else the machine does meets all of them alike. */
async function pointsOf(context: ScenarioContext, name: keyof typeof CURVES, runs: number, events: number) {
	const points = [];
	for (const { partitions, content, ...drain } of CURVES[name].drains) {
		const topic = await context.topic({ partitions });
		points.push({
			...drain,
			topic,
			sent: await fillTopic(context, topic, { events, ...content }),
			drains: [] as Drained[],
		});
	}
	for (let run = 1; run <= runs; run++) {
		for (const { x, topic, sent, heldSnapshot, drains } of points) {
			const database = await context.database();
			const label = `${name} ${x.toLocaleString("en")}, ${run} of ${runs}`;
			const drain = () => drainOnce(context, { topic, sent, label, database });
			drains.push(heldSnapshot ? await withSnapshot(database.url, drain) : await drain());
			await database.remove();
		}
	}
	for (const { topic } of points) await topic.remove();
	return points.map(({ x, drains }) => ({
		x,
		drained: middleOf(drains, (drained) => costOf(drained).both ?? 0),
	}));
}

async function drainAlone(
	context: ScenarioContext,
	content: { readonly events: number; readonly users: number; readonly scatterHours: number },
): Promise<Drained> {
	const topic = await context.topic({ partitions: 8 });
	const sent = await fillTopic(context, topic, content);
	return drainOnce(context, { topic, sent, label: "stored" });
}

async function withSnapshot<T>(url: string, use: () => Promise<T>): Promise<T> {
	const release = await holdSnapshot(url);
	try {
		return await use();
	} finally {
		await release();
	}
}

/** The upserts alone, both sides, by the real flush. */
async function mergeFigure(context: ScenarioContext): Promise<Figure> {
	const corpus = await createCorpus({ events: MERGE_EVENTS, scatterHours: MERGE_HOURS });
	const database = await context.database();
	const { merge } = await flushCosts(database, corpus, context.signal);
	await context.check(database, { sent: MERGE_EVENTS, deadLetters: 0 });
	await database.remove();
	return {
		name: "hours-merge",
		value: (merge.own + (merge.backend ?? 0)) / 1000,
		unit: "µs/event",
		better: null,
		about: `upserts of the hourly totals with ${MERGE_HOURS} hours in each set, engine ${(merge.own / 1000).toFixed(3)} and backend together`,
	};
}

/** What the distinct users of all hours make together. */
async function userHours(url: string): Promise<Figure> {
	const sum = "SELECT sum(active_users)::float8 AS pairs FROM hourly_business_metrics";
	const [row] = await withClient(url, async (client) => (await client.query<{ pairs: number }>(sum)).rows);
	return {
		name: "stored-user-hours",
		value: row!.pairs,
		unit: "pairs",
		better: null,
		about: "distinct pairs of user and hour behind the last event",
	};
}

function memoryOf({ peakMemoryBytes: value }: Drained): readonly Figure[] {
	const about = "most memory of the engine ever resident in that drain";
	return value === null ? [] : [{ name: "stored-memory-peak", value, unit: "bytes", better: null, about }];
}
