/** What a set costs Postgres while time goes by: CPU of the backends that write, over the sets they have written. */
import { withClient } from "../database.ts";
import { httpGet } from "../http-get.ts";
import { cpuSeconds } from "../process-usage.ts";
import type { Curve, Figure } from "../result.ts";
import { sumOf } from "../scrape.ts";

/** So far. */
export interface WriterUsage {
	readonly atSeconds: number;
	readonly backendCpuSeconds: number;
	readonly sets: number;
}

const WRITERS = `SELECT pid FROM pg_stat_activity
	WHERE datname = current_database() AND application_name LIKE 'lottery-engine writer %'`;
const ANSWER_TIMEOUT_MS = 2_000;
const SECONDS_PER_MINUTE = 60;

/** Null when the engine does not answer. Only for a server on this machine: processes are looked up by their number. */
export async function readWriterUsage(
	databaseUrl: string,
	engineUrl: string,
	atSeconds: number,
): Promise<WriterUsage | null> {
	const writers = await withClient(databaseUrl, (client) => client.query<{ pid: number }>(WRITERS));
	const used = writers.rows.map(({ pid }) => cpuSeconds(pid));
	const sets = sumOf(
		(await httpGet(`${engineUrl}/metrics`, ANSWER_TIMEOUT_MS)) ?? "",
		"engine_flush_duration_seconds_count",
	);
	if (sets === null || used.length === 0 || used.includes(null)) return null;
	return { atSeconds, backendCpuSeconds: used.reduce<number>((sum, one) => sum + (one ?? 0), 0), sets };
}

/** The cost between each two readings, and how much more the last is than the first. None of either with less than two. */
export function setCosts(readings: readonly WriterUsage[]): {
	readonly curves: readonly Curve[];
	readonly figures: readonly Figure[];
} {
	const points = readings.slice(1).flatMap((to, i) => {
		const from = readings[i]!;
		const cpu = to.backendCpuSeconds - from.backendCpuSeconds;
		// A recovery has opened new connections, whose account begins at nothing.
		if (to.sets <= from.sets || cpu < 0) return [];
		return [{ x: to.atSeconds / SECONDS_PER_MINUTE, y: (cpu * 1_000) / (to.sets - from.sets) }];
	});
	const [first, last] = [points[0], points.at(-1)];
	if (first === undefined || last === undefined || first === last || first.y === 0)
		return { curves: [], figures: [] };
	return {
		curves: [{ name: "cost of a set", xLabel: "minutes", yLabel: "ms of backend CPU", points }],
		figures: [
			{
				name: "set-cost-growth",
				value: last.y / first.y - 1,
				unit: "ratio",
				better: null,
				about: `CPU of the writer's backend per set, last tenth of the time against the first, less one: 0 is flat; ${first.y.toFixed(2)} and ${last.y.toFixed(2)} ms over ${readings.at(-1)!.sets - readings[0]!.sets} sets`,
			},
		],
	};
}
