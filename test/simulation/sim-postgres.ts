/**
 * Postgres as far as the protocol leans on it: row locks, the comparison of epoch and offset, all or nothing, answers
 * that get lost. It reads the bytes of every set as the real one would, and judges every commit by itself (I1).
 */
import { FencedError } from "../../engine/core-errors.ts";
import type { Claim, CommitSet, RecordIdentity, SetRange } from "../../engine/ports.ts";
import { type PartitionFold, WINDOW, WINDOW_STRIDE } from "../../workers/part.ts";
import { int4, int8, readElements, readTuples, text, timestamptz } from "../support/copy-reader.ts";
import type { World } from "./world.ts";

const MICROS_PER_HOUR = 3_600_000_000n;

interface OffsetRow {
	next: number;
	epoch: number;
	last: RecordIdentity | null;
}

export interface HourTotals {
	events: number;
	logins: number;
	cents: number;
}

/** Whether the client's connection still stands; a transaction of a lost one may end either way. */
export type IsOpen = () => boolean;

export class SimPostgres {
	readonly rows = new Map<number, OffsetRow>();
	/** How often each record is there, by `partition:offset`. */
	readonly stored = new Map<string, number>();
	readonly dead = new Map<string, number>();
	/** `hour/id`, as the tables of members hold them. */
	readonly users = new Set<string>();
	readonly sessions = new Set<string>();
	readonly hours = new Map<number, HourTotals>();
	gaps = 0;
	readonly #world: World;
	readonly #locks = new Map<number, object>();
	/** What the last commit of each partition was, kept apart from the rows: the judge does not ask the accused. */
	readonly #history = new Map<number, { to: number; epoch: number }>();

	constructor(world: World) {
		this.#world = world;
	}

	/** Step 2. */
	async claim(lows: ReadonlyMap<number, number>, isOpen: IsOpen): Promise<Claim[]> {
		await this.#world.delay(20);
		return this.#locked([...lows.keys()], isOpen, async () => {
			await this.#world.delay(20);
			this.#mayFail("claim failed", 0.05, isOpen);
			const claims = [...lows].map(([partition, low]) => {
				const row = this.rows.get(partition) ?? { next: low, epoch: 0, last: null };
				this.rows.set(partition, row);
				row.epoch++;
				return { partition, epoch: row.epoch, nextOffset: row.next, last: row.last, newestEventMs: null };
			});
			if (this.#world.fault("claim answer lost", 0.03)) throw new Error("the claim's answer is lost");
			return claims;
		});
	}

	/** Step 7. */
	async commit({ ranges, parts }: CommitSet, isOpen: IsOpen): Promise<void> {
		await this.#world.delay(10);
		const partitions = ranges.map(({ partition }) => partition);
		await this.#locked(partitions, isOpen, async () => {
			for (const { partition, epoch, from } of ranges) {
				const row = this.rows.get(partition);
				if (row?.epoch !== epoch || row.next !== from) {
					this.#world.note("fenced");
					throw new FencedError(`partition ${partition} is claimed by somebody else`);
				}
			}
			await this.#world.delay(this.#world.random.chance(0.05) ? 3_000 : 60);
			this.#mayFail("commit failed", 0.04, isOpen);
			for (const part of parts) for (const fold of part.folds) this.#store(fold);
			for (const range of ranges) this.#move(range);
			if (this.#world.fault("commit answer lost", 0.03)) throw new Error("the commit's answer is lost");
		});
	}

	#mayFail(kind: string, probability: number, isOpen: IsOpen): void {
		if (this.#world.fault(kind, probability)) throw new Error(kind);
		if (!isOpen() && this.#world.random.chance(0.5)) throw new Error("the client is gone");
	}

	async #locked<T>(partitions: readonly number[], isOpen: IsOpen, work: () => Promise<T>): Promise<T> {
		const owner = {};
		while (partitions.some((partition) => this.#locks.has(partition))) await this.#world.delay(10);
		for (const partition of partitions) this.#locks.set(partition, owner);
		try {
			if (!isOpen()) throw new Error("the client is gone");
			return await work();
		} finally {
			for (const partition of partitions) this.#locks.delete(partition);
		}
	}

	#store(fold: PartitionFold): void {
		const rows = readTuples(fold.rows);
		const dead = readTuples(fold.deadLetters);
		if (rows.length !== fold.rowCount || dead.length !== fold.deadLetterCount) {
			this.#world.problems.add(`a fold says ${fold.rowCount} rows and holds ${rows.length}`);
		}
		for (const fields of rows) count(this.stored, `${int4(fields[5]!)}:${int8(fields[6]!)}`);
		for (const fields of dead) count(this.dead, `${int4(fields[1]!)}:${int8(fields[2]!)}`);
		addMembers(this.users, fold.users, text);
		addMembers(this.sessions, fold.sessions, (id) => String(int8(id)));
		for (let at = 0; at < fold.windows.length; at += WINDOW_STRIDE) {
			const window = fold.windows.subarray(at, at + WINDOW_STRIDE);
			const totals = this.hours.get(window[WINDOW.hour]!) ?? { events: 0, logins: 0, cents: 0 };
			totals.events += window[WINDOW.eventCount]!;
			totals.logins += window[WINDOW.loginCount]!;
			totals.cents += window[WINDOW.revenueLo]!;
			this.hours.set(window[WINDOW.hour]!, totals);
		}
	}

	#move({ partition, epoch, from, to, gaps, last }: SetRange): void {
		const row = this.rows.get(partition)!;
		const before = this.#history.get(partition) ?? { to: 0, epoch: 0 };
		if (from !== before.to || to <= from || epoch < before.epoch) {
			this.#world.problems.add(
				`I1: partition ${partition} goes on with [${from}, ${to}) of epoch ${epoch} after ${before.to} of ${before.epoch}`,
			);
		}
		this.#history.set(partition, { to, epoch });
		row.next = to;
		row.last = last ?? row.last;
		this.gaps += gaps;
	}
}

function count(counts: Map<string, number>, key: string): void {
	counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** What `ON CONFLICT DO NOTHING` leaves in a table of members. */
function addMembers(
	members: Set<string>,
	columns: PartitionFold["users"],
	idOf: (id: Buffer | null) => string,
) {
	const ids = readElements(columns.ids);
	for (const [i, hour] of readElements(columns.hours).entries()) {
		members.add(`${timestamptz(hour) / MICROS_PER_HOUR}/${idOf(ids[i]!)}`);
	}
}
