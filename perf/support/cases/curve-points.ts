/** Curves of `node perf curves`: what an event costs while one thing grows. */
import type { Drained } from "../drain-run.ts";
import type { LoadContent } from "../load/content.ts";
import type { Curve, Figure, Sample } from "../result.ts";

/** A drain of a curve: `x` is what grows. */
export interface CurveDrain {
	readonly x: number;
	readonly partitions: number;
	readonly content: Partial<LoadContent>;
	/** A transaction with an old snapshot is open on the database all the time. */
	readonly heldSnapshot?: boolean;
}

export interface CurveSpec {
	readonly xLabel: string;
	readonly about: string;
	readonly drains: readonly CurveDrain[];
}

const PARTITIONS = 8;
const STORED_COST = "stored: engine and Postgres";
const STORED_RATE = "stored: rate";
const usual = (x: number, content: Partial<LoadContent>): CurveDrain => ({
	x,
	partitions: PARTITIONS,
	content,
});

/** `stored` is one long drain instead, see `storedCurves`. */
export const CURVES: Readonly<Record<"partitions" | "users" | "padding" | "hours" | "snapshot", CurveSpec>> =
	{
		partitions: {
			xLabel: "partitions",
			about: "the same events in more partitions",
			drains: [1, 4, 16, 64].map((partitions) => ({ x: partitions, partitions, content: {} })),
		},
		users: {
			xLabel: "users",
			about: "more distinct users, skewed as ever",
			drains: [1_000, 10_000, 100_000, 1_000_000].map((users) => usual(users, { users })),
		},
		padding: {
			xLabel: "bytes of padding",
			about: "events with a field that nobody reads",
			drains: [0, 100, 250, 500].map((paddingBytes) => usual(paddingBytes, { paddingBytes })),
		},
		hours: {
			xLabel: "hours open at once",
			about: "64 partitions, each event in any of so many hours",
			drains: [1, 24, 168, 720].map((scatterHours) => ({
				x: scatterHours,
				partitions: 64,
				content: { scatterHours },
			})),
		},
		snapshot: {
			xLabel: "snapshots held open",
			about: "without and with a transaction that keeps old rows from being cleaned",
			drains: [0, 1].map((held) => ({ ...usual(held, {}), heldSnapshot: held === 1 })),
		},
	};

/** What is compared, in µs per event; null when the servers cannot be seen from here. */
export function costOf({ cpuMicrosPerEvent: { engine, postgres } }: Pick<Drained, "cpuMicrosPerEvent">) {
	return { engine, postgres, both: engine === null || postgres === null ? null : engine + postgres };
}

/**
 * The curves of the engine, of Postgres and of both, and how much more the dearest point costs than the cheapest: 0 is
 * flat.
 */
export function curveOutcome(
	name: string,
	xLabel: string,
	points: readonly { readonly x: number; readonly drained: Pick<Drained, "cpuMicrosPerEvent"> }[],
): { readonly curves: readonly Curve[]; readonly figures: readonly Figure[] } {
	const owners = ["both", "engine", "postgres"] as const;
	const curves = owners.flatMap((owner): Curve[] => {
		const known = points.flatMap(({ x, drained }) => {
			const y = costOf(drained)[owner];
			return y === null ? [] : [{ x, y }];
		});
		const who = owner === "both" ? "engine and Postgres" : owner;
		return known.length === 0 ? [] : [{ name: `${name}: ${who}`, xLabel, yLabel: "µs/event", points: known }];
	});
	const figures = curves.flatMap(({ name: curve, points: of }, index) => {
		const costs = of.map(({ y }) => y);
		const owner = curve.slice(name.length + 2);
		const each = of.map(({ x, y }) => `${y.toFixed(2)} at ${x.toLocaleString("en")}`).join(", ");
		const growth: Figure = {
			name: `${name}-growth`,
			value: Math.max(...costs) / Math.min(...costs) - 1,
			unit: "ratio",
			better: null,
			about: `CPU of ${owner}, dearest against cheapest less one: 0 is flat; µs/event ${each}`,
		};
		return index === 0 ? [growth] : [];
	});
	return { curves, figures };
}

/**
 * Parts of one long drain, by what was stored before: as many as `parts`, each with its cost (of both, of the engine, of
 * Postgres) and its rate.
 */
export function storedCurves(samples: readonly Sample[], parts: number): readonly Curve[] {
	const seen = samples.flatMap(({ atSeconds, committed, cpuSeconds: { engine, postgres } }) =>
		committed === null || engine === null || postgres === null || committed === 0
			? []
			: [{ atSeconds, committed, engine, postgres, both: engine + postgres }],
	);
	const first = seen[0];
	const last = seen.at(-1);
	if (first === undefined || last === undefined || last.committed === first.committed) return [];
	const cuts = Array.from({ length: parts + 1 }, (_, i) => {
		const wanted = first.committed + ((last.committed - first.committed) * i) / parts;
		return seen.find(({ committed }) => committed >= wanted) ?? last;
	});
	const between = cuts.slice(1).flatMap((to, i) => {
		const from = cuts[i]!;
		return to.committed > from.committed && to.atSeconds > from.atSeconds ? [{ from, to }] : [];
	});
	const curve = (name: string, yLabel: string, y: (from: Cut, to: Cut) => number): Curve => ({
		name,
		xLabel: "events stored before",
		yLabel,
		points: between.map(({ from, to }) => ({ x: from.committed, y: y(from, to) })),
	});
	const cost = (name: string, owner: "both" | "engine" | "postgres") =>
		curve(
			name,
			"µs/event",
			(from, to) => ((to[owner] - from[owner]) * 1e6) / (to.committed - from.committed),
		);
	return [
		cost(STORED_COST, "both"),
		cost("stored: engine", "engine"),
		cost("stored: postgres", "postgres"),
		curve(STORED_RATE, "events/s", (from, to) => {
			return (to.committed - from.committed) / (to.atSeconds - from.atSeconds);
		}),
	];
}

/** The last part of such a drain against the first, in CPU and in time. */
export function storedFigures(curves: readonly Curve[]): readonly Figure[] {
	const each = (points: Curve["points"], spell: (y: number) => string) =>
		points.map(({ x, y }) => `${spell(y)} at ${(x / 1e6).toFixed(1)}`).join(", ");
	return curves.flatMap(({ name, points }): Figure[] => {
		const first = points[0];
		const last = points.at(-1);
		if (first === undefined || last === undefined || first.y === 0) return [];
		const growth = { value: last.y / first.y - 1, unit: "ratio", better: null };
		if (name === STORED_COST)
			return [
				{
					...growth,
					name: "stored-growth",
					about: `CPU of engine and Postgres per event, the last part against the first, less one: 0 is flat; µs/event ${each(points, (y) => y.toFixed(2))} million stored events`,
				},
			];
		if (name !== STORED_RATE) return [];
		const rates = each(points, (y) => Math.round(y).toLocaleString("en"));
		return [
			{
				...growth,
				name: "stored-rate-growth",
				about: `events per second, the last part against the first, less one: 0 is flat; events/s ${rates} million stored events`,
			},
		];
	});
}

interface Cut {
	readonly atSeconds: number;
	readonly committed: number;
	readonly engine: number;
	readonly postgres: number;
	readonly both: number;
}
