/** How loaded each step between Kafka and Postgres is, in the words of Flink's job graph: idle, busy, back-pressured. */
import type { FlowNode, Load, Rates } from "./live.ts";
import type { EngineStatus } from "./status.ts";

/** Below this share of its time a step has nothing to speak of to do. */
const IDLE_BELOW = 0.02;
/** Paused at this share of the looks: a pause now and then is how a full pipe breathes. */
const BACKPRESSURED_FROM = 0.5;

/** The four steps in their order. */
export function flowOf(status: EngineStatus, rates: Rates): readonly FlowNode[] {
	const { kafka, postgres, flush, actors, partitions } = status;
	const waitsForPostgres = rates.postgresBehind >= BACKPRESSURED_FROM || postgres.trouble !== null;
	const waitsForActors = rates.actorsBehind >= BACKPRESSURED_FROM;
	const busyActors = rates.actorsBusy.filter((share) => share !== null);
	const actorsBusy =
		busyActors.length === 0 ? null : busyActors.reduce((sum, share) => sum + share, 0) / busyActors.length;
	const reads = (rates.consumedPerSecond ?? 0) > 0;
	const waiting = partitions.some(({ lag }) => (lag ?? 0) > 0);
	const behind = waitsForPostgres ? "waits for Postgres" : waitsForActors ? "waits for the actors" : null;
	return [
		node("kafka", {
			away: kafka.trouble,
			behind: waiting ? behind : null,
			busy: null,
			isBusy: reads,
		}),
		node("actors", {
			away: null,
			behind: waitsForPostgres && waiting ? "wait for Postgres" : null,
			busy: actorsBusy,
			isBusy: actors.some(({ mailboxSlices }) => mailboxSlices > 0),
		}),
		node("flush", {
			away: null,
			behind: postgres.trouble !== null && waiting ? (flush.lastError ?? "waits for Postgres") : null,
			busy: rates.writerBusy,
			isBusy: status.sets.committing !== null,
		}),
		node("postgres", {
			away: postgres.trouble,
			behind: null,
			busy: rates.writerBusy,
			isBusy: (rates.commitsPerSecond ?? 0) > 0,
		}),
	];
}

function node(
	name: FlowNode["name"],
	{
		away,
		behind,
		busy,
		isBusy,
	}: { away: string | null; behind: string | null; busy: number | null; isBusy: boolean },
): FlowNode {
	const load: Load =
		away !== null
			? "away"
			: behind !== null
				? "backpressured"
				: isBusy || (busy ?? 0) >= IDLE_BELOW
					? "busy"
					: "idle";
	return { name, load, busy: load === "away" ? null : busy, why: away ?? behind };
}
