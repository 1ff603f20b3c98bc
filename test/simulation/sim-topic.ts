/** A topic of lottery events that grows while the faults last; what its records are to become is known beforehand. */
import { lotteryEvent } from "../support/lottery-event.ts";
import { WALL_START_MS, type World } from "./world.ts";

export const PARTITIONS_MAX = 3;
const HOUR_MS = 3_600_000;
/** How much later the records of a recreated log are: more than an old one can be. */
const RECREATED_MS = 1_000_000;
const HOURS = 6;
/**
 * How many users, and sessions, one is picked of: some are everywhere and known to be stored, some are met by two engines
 * at a time, and most are seen once in their hour, so that one who is not sent is missed.
 */
const CROWDS = [6, 40, 400];
const FLOODED_SHARE = 0.08;
/** Records of a partition in which a flooded topic holds hardly anything else than bad messages. */
const FLOOD_FROM = 20;
const FLOOD_TO = 110;
/** Users whose event kills the actor that judges it, or is refused by Postgres. */
export const DEADLY_USER = "deadly";
export const POISON_USER = "poison";
/** The session in which the deadly user does not kill its actor, but lets it hang. */
export const HANGING_SESSION = 1;

export interface SimEvent {
	readonly hour: number;
	readonly type: string;
	readonly user: string;
	readonly session: number;
	readonly cents: number | null;
}

export interface SimRecord {
	readonly offset: number;
	readonly timestampMs: number;
	readonly key: string;
	readonly value: string;
	/** What is to be counted; null for a record that must become a dead letter. */
	readonly event: SimEvent | null;
	/** The dead letter it must become when its event cannot be counted. */
	readonly deadly: "actor_crash" | "pg_value" | null;
}

interface Log {
	readonly records: readonly SimRecord[];
	readonly byOffset: ReadonlyMap<number, SimRecord>;
	readonly end: number;
}

export class SimTopic {
	/** By partition; the newest version of each log. */
	readonly logs: Log[];
	/** Versions before a recreation: what was read of them may still arrive. */
	readonly earlier: { readonly partition: number; readonly log: Log }[] = [];
	readonly lows: number[];
	/** Partitions there are by now. */
	count: number;
	/** When a partition was deleted and created again. */
	readonly recreated = new Map<number, number>();
	readonly trimmed = new Set<number>();
	readonly #world: World;
	readonly #filledAtMs: number;

	/** A stretch of this topic is nothing but bad messages. */
	readonly isFlooded: boolean;

	/** The logs grow evenly until `filledAtMs`; offsets have gaps, as after transactions and compaction. */
	constructor(world: World, filledAtMs: number, deadly: boolean) {
		this.#world = world;
		this.#filledAtMs = filledAtMs;
		const recordsPerPartition = 60 + world.random.below(120);
		this.isFlooded = world.random.chance(FLOODED_SHARE);
		const kind = { deadly, isFlooded: this.isFlooded };
		this.logs = Array.from({ length: PARTITIONS_MAX }, () => logOf(world, recordsPerPartition, kind));
		this.lows = this.logs.map(() => 0);
		this.count = world.random.chance(0.3) ? PARTITIONS_MAX - 1 : PARTITIONS_MAX;
	}

	/** Places of the records that kill actors, or that Postgres refuses. */
	get deadly(): { readonly partition: number; readonly offset: number }[] {
		return this.logs.flatMap(({ records }, partition) =>
			records.filter(({ deadly }) => deadly !== null).map(({ offset }) => ({ partition, offset })),
		);
	}

	/** High watermark. */
	end(partition: number): number {
		const { end } = this.logs[partition]!;
		return Math.min(end, Math.floor((end * this.#world.nowMs) / this.#filledAtMs));
	}

	/** The record in any version of the log. */
	versionsOf(partition: number, offset: number): SimRecord[] {
		const older = this.earlier.filter((one) => one.partition === partition).map(({ log }) => log);
		return [this.logs[partition]!, ...older].flatMap((log) => log.byOffset.get(offset) ?? []);
	}

	/** Whether a record of this time stamp is one of a recreated log. */
	isOfNewLog(timestampMs: number): boolean {
		return timestampMs >= WALL_START_MS + RECREATED_MS;
	}

	/** How many records lie in `[from, to)`, in the newest version. */
	recordsBetween(partition: number, from: number, to: number): number {
		let count = 0;
		for (const { offset } of this.logs[partition]!.records) if (offset >= from && offset < to) count++;
		return count;
	}

	/** Retention: what lies below is gone. */
	trim(partition: number, low: number): void {
		if (low <= this.lows[partition]!) return;
		this.lows[partition] = low;
		this.trimmed.add(partition);
	}

	/** Deleted and created again under its name: the same offsets, other records. */
	recreate(partition: number): void {
		const log = this.logs[partition]!;
		this.earlier.push({ partition, log });
		const records = log.records.map((record) => ({
			...record,
			timestampMs: record.timestampMs + RECREATED_MS,
		}));
		this.logs[partition] = asLog(records, log.end);
		this.lows[partition] = 0;
		this.recreated.set(partition, this.#world.nowMs);
	}
}

/** What a topic is like. */
interface Kind {
	/** Some records kill actors, or are refused by Postgres. */
	readonly deadly: boolean;
	readonly isFlooded: boolean;
}

function logOf(world: World, count: number, kind: Kind): Log {
	const { random } = world;
	const records: SimRecord[] = [];
	let offset = 0;
	for (let i = 0; i < count; i++) {
		// Mostly markers and compaction; now and then an aborted transaction that is larger than a fetch.
		if (random.chance(0.1)) offset += 1 + random.below(random.chance(0.1) ? 60 : 8);
		records.push(recordAt(world, offset++, i, kind));
	}
	return asLog(records, offset + random.below(3));
}

function asLog(records: readonly SimRecord[], end: number): Log {
	return { records, byOffset: new Map(records.map((record) => [record.offset, record])), end };
}

const TYPES = ["login", "view_numbers", "ticket_purchased", "claim_reward", "logout"];

function recordAt({ random }: World, offset: number, i: number, { deadly, isFlooded }: Kind): SimRecord {
	const isDeadly = deadly && random.chance(0.006);
	const bane = random.chance(0.5) ? "actor_crash" : "pg_value";
	const someone = `u${random.below(random.pick(CROWDS))}`;
	const user = isDeadly ? (bane === "actor_crash" ? DEADLY_USER : POISON_USER) : someone;
	// Some share a block of 64 (hourly_sessions), most do not: without both, neither bits nor the order of locks matter.
	const session = isDeadly ? random.below(3) : random.below(random.pick(CROWDS)) * 23;
	const hourMs = WALL_START_MS + random.below(HOURS) * HOUR_MS;
	const type = TYPES[random.below(TYPES.length)]!;
	const hasAmount = type === "ticket_purchased" || type === "claim_reward";
	const cents = random.below(1_000);
	const time = new Date(hourMs + random.below(HOUR_MS)).toISOString();
	const bad = random.chance(isFlooded && i >= FLOOD_FROM && i < FLOOD_TO ? 0.95 : 0.05) && !isDeadly;
	const amount = hasAmount ? { amount: (cents / 100).toFixed(2) } : {};
	const value = lotteryEvent({ type, time, user, session, ...amount });
	const event = { hour: hourMs / HOUR_MS, type, user, session, cents: hasAmount ? cents : null };
	return {
		offset,
		timestampMs: WALL_START_MS + i,
		key: random.chance(0.1) ? `k${i}` : user,
		value: bad ? `${value}x` : value,
		event: bad || isDeadly ? null : event,
		deadly: isDeadly ? bane : null,
	};
}
