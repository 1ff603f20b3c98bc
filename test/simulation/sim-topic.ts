/** A topic of lottery events that grows while the faults last; what its records are to become is known beforehand. */
import { lotteryEvent } from "../support/lottery-event.ts";
import { WALL_START_MS, type World } from "./world.ts";

export const PARTITIONS = 3;
const HOUR_MS = 3_600_000;

export interface SimRecord {
	readonly offset: number;
	readonly timestampMs: number;
	readonly key: string;
	readonly value: string;
	/** What is to be counted; null for a record that must become a dead letter. */
	readonly event: { hour: number; user: string; session: number; cents: number | null } | null;
}

export class SimTopic {
	readonly logs: { readonly records: readonly SimRecord[]; readonly end: number }[];
	readonly #world: World;
	readonly #filledAtMs: number;

	/** The log grows evenly until `filledAtMs`; offsets have gaps, as after transactions and compaction. */
	constructor(world: World, filledAtMs: number) {
		this.#world = world;
		this.#filledAtMs = filledAtMs;
		const recordsPerPartition = 400 + world.random.below(600);
		this.logs = Array.from({ length: PARTITIONS }, () => {
			const records: SimRecord[] = [];
			let offset = 0;
			for (let i = 0; i < recordsPerPartition; i++) {
				offset += world.random.chance(0.1) ? 1 + world.random.below(8) : 0;
				records.push(recordAt(world, offset++, i));
			}
			return { records, end: offset + world.random.below(3) };
		});
	}

	end(partition: number): number {
		const { end } = this.logs[partition]!;
		return Math.min(end, Math.floor((end * this.#world.nowMs) / this.#filledAtMs));
	}
}

function recordAt({ random }: World, offset: number, i: number): SimRecord {
	// Some are everywhere; most are seen once in their hour, so that one who is not sent is missed.
	const user = `u${random.below(random.chance(0.5) ? 6 : 400)}`;
	const session = random.below(random.chance(0.5) ? 9 : 400);
	const hourMs = WALL_START_MS + random.below(9) * HOUR_MS;
	const cents = random.chance(0.4) ? random.below(1_000) : null;
	const time = new Date(hourMs + random.below(HOUR_MS)).toISOString();
	const bad = random.chance(0.05);
	const fields = { time, user, session };
	const value = lotteryEvent(
		cents === null ? fields : { ...fields, type: "ticket_purchased", amount: (cents / 100).toFixed(2) },
	);
	return {
		offset,
		timestampMs: WALL_START_MS + i,
		key: user,
		value: bad ? `${value}x` : value,
		event: bad ? null : { hour: hourMs / HOUR_MS, user, session, cents },
	};
}
