/**
 * What the simulated Postgres has committed. Every commit is judged here, against the topic and against what the tables
 * held before, so that an invariant that breaks is told in the step in which it breaks (the list is in sim-verdict.ts).
 */
import type { SimEvent, SimTopic } from "./sim-topic.ts";
import type { World } from "./world.ts";

export interface OffsetRow {
	readonly partition: number;
	start_offset: number;
	next_offset: number;
	gap_count: number;
	stored_count: number;
	dead_letter_count: number;
	epoch: number;
	/** Every other column, by name. */
	readonly others: Map<string, unknown>;
}

export const HOUR_COLUMNS = [
	"revenue",
	"ticket_count",
	"payouts",
	"payout_events",
	"logins",
	"events",
	"active_users",
	"new_sessions",
] as const;
export type HourTotals = Record<(typeof HOUR_COLUMNS)[number], number>;

export interface StoredEvent extends SimEvent {
	readonly partition: number;
	readonly offset: number;
}
export interface StoredDeadLetter {
	readonly partition: number;
	readonly offset: number;
	readonly reason: string;
}

/** What one transaction is about to change. */
export class Staged {
	readonly rows = new Map<number, OffsetRow>();
	readonly events: StoredEvent[] = [];
	readonly dead: StoredDeadLetter[] = [];
	/** `hour/id`. */
	readonly users = new Set<string>();
	readonly sessions = new Set<string>();
	readonly userNumbers = new Map<string, number>();
	readonly hours = new Map<number, HourTotals>();
	/** Where the new version of an hour's row lies. */
	readonly hourPlaces = new Map<number, string>();
	ledger: Ledger | null = null;
	/** A user whose rows go, by `erase`. */
	erased: string | null = null;
}

export interface Ledger {
	generation: number;
	clusterId: string;
	topic: string;
}

/** Partition and offset as one number. */
export const placeOf = (partition: number, offset: number): number => partition * 1e9 + offset;

export class Tables {
	ledger: Ledger | null = null;
	rows = new Map<number, OffsetRow>();
	events = new Map<number, StoredEvent>();
	/** The reason by place. */
	dead = new Map<number, string>();
	users = new Set<string>();
	sessions = new Set<string>();
	userNumbers = new Map<string, number>();
	/** A sequence: no transaction takes it back. */
	nextUserBlock = 0;
	hours = new Map<number, HourTotals>();
	/** Where the newest version of an hour's row lies (`ctid`). */
	hourPlaces = new Map<number, string>();
	/** Places of events that `erase` removed. */
	erased = new Set<number>();
	/** When a partition was last claimed. */
	readonly claimedAtMs = new Map<number, number>();
	/** Highest `next_offset` a partition ever had, whatever was restored since. */
	readonly highest = new Map<number, number>();

	copy(): Tables {
		const copy = new Tables();
		copy.adopt(this);
		return copy;
	}

	/** Goes back to `other`, all of it together. */
	adopt(other: Tables): void {
		this.ledger = other.ledger === null ? null : { ...other.ledger };
		this.rows = new Map([...other.rows].map(([key, row]) => [key, copyRow(row)]));
		this.events = new Map(other.events);
		this.dead = new Map(other.dead);
		this.users = new Set(other.users);
		this.sessions = new Set(other.sessions);
		this.userNumbers = new Map(other.userNumbers);
		this.nextUserBlock = other.nextUserBlock;
		this.hours = new Map([...other.hours].map(([hour, totals]) => [hour, { ...totals }]));
		this.hourPlaces = new Map(other.hourPlaces);
		this.erased = new Set(other.erased);
	}

	apply(staged: Staged, world: World, topic: SimTopic): void {
		const problem = (sentence: string): void => world.problem(sentence);
		for (const row of staged.rows.values()) this.#judgeRow(row, staged, topic, problem);
		for (const row of staged.rows.values()) this.#judgeIdentity(row, world, topic);
		for (const event of staged.events) this.#store(event, staged, topic, problem);
		for (const { partition, offset, reason } of staged.dead) {
			const place = placeOf(partition, offset);
			const wanted = topic.versionsOf(partition, offset).find(({ event }) => event === null);
			if (wanted === undefined || (wanted.deadly ?? reason) !== reason) {
				problem(`I4: record ${partition}:${offset} became the dead letter ${reason}`);
			}
			if (this.dead.has(place)) problem(`I4: record ${partition}:${offset} is a dead letter twice`);
			this.dead.set(place, reason);
		}
		this.#judgeHours(staged, problem);
		for (const [user, number] of staged.userNumbers) this.userNumbers.set(user, number);
		for (const key of staged.users) this.users.add(key);
		for (const key of staged.sessions) this.sessions.add(key);
		for (const { hour, user, type, session } of staged.events) {
			if (!this.users.has(`${hour}/${user}`)) problem(`I3: user ${user} is missing in hour ${hour}`);
			if (type === "login" && !this.sessions.has(`${hour}/${session}`)) {
				problem(`I3: session ${session} is missing in hour ${hour}`);
			}
		}
		for (const [hour, place] of staged.hourPlaces) this.hourPlaces.set(hour, place);
		for (const [hour, delta] of staged.hours) {
			const totals = this.hours.get(hour) ?? noTotals();
			for (const column of HOUR_COLUMNS) totals[column] += delta[column];
			this.hours.set(hour, totals);
		}
		for (const [partition, row] of staged.rows) {
			this.rows.set(partition, row);
			this.highest.set(partition, Math.max(this.highest.get(partition) ?? 0, row.next_offset));
		}
		if (staged.ledger !== null) this.ledger = staged.ledger;
		if (staged.erased !== null) this.#erase(staged.erased);
	}

	/** I1 and I2 of one partition, and nothing between the two offsets left out (I4). */
	#judgeRow(row: OffsetRow, staged: Staged, topic: SimTopic, problem: (sentence: string) => void): void {
		const { partition, epoch, start_offset: start, next_offset: to } = row;
		const before = this.rows.get(partition);
		const from = before?.next_offset ?? start;
		const of = <T extends { partition: number }>(list: readonly T[]) =>
			list.filter((one) => one.partition === partition);
		const [events, dead] = [of(staged.events), of(staged.dead)];
		const places = [...events, ...dead].map(({ offset }) => offset);
		if (epoch < (before?.epoch ?? 0) || to < from) {
			problem(`I1: partition ${partition} goes from ${from} of epoch ${before?.epoch} to ${to} of ${epoch}`);
		}
		if (places.some((offset) => offset < from || offset >= to)) {
			problem(
				`I1: partition ${partition} stores ${places.join()} while its offset goes from ${from} to ${to}`,
			);
		}
		const stored = row.stored_count - (before?.stored_count ?? 0);
		const letters = row.dead_letter_count - (before?.dead_letter_count ?? 0);
		if (stored !== events.length || letters !== dead.length) {
			problem(
				`I2: partition ${partition} counts ${stored} + ${letters}, stores ${events.length} + ${dead.length}`,
			);
		}
		if (to - start - row.gap_count !== row.stored_count + row.dead_letter_count) {
			problem(`I2: partition ${partition} does not conserve its records at ${to}`);
		}
		// A recreated log has the same offsets.
		if (to > from && topic.recordsBetween(partition, from, to) !== places.length) {
			problem(
				`I4: partition ${partition} stores ${places.length} records of [${from}, ${to}), not all there are`,
			);
		}
	}

	/** Whoever claims a partition that was deleted and created again must see that the last record is another one. */
	#judgeIdentity(row: OffsetRow, world: World, topic: SimTopic): void {
		const { partition } = row;
		const before = this.rows.get(partition);
		if (row.epoch > (before?.epoch ?? 0)) this.claimedAtMs.set(partition, world.nowMs);
		const recreatedAtMs = topic.recreated.get(partition);
		const claimedAtMs = this.claimedAtMs.get(partition) ?? 0;
		if (recreatedAtMs === undefined || claimedAtMs < recreatedAtMs) return;
		const [was, is] = [before, row].map((of) => of?.others.get("last_record_timestamp"));
		const last = Number(before?.others.get("last_record_offset"));
		const crossed = was != null && !topic.isOfNewLog(Number(was)) && topic.isOfNewLog(Number(is));
		if (crossed && last >= topic.lows[partition]!) {
			world.problem(`I4: partition ${partition} was deleted and created again, and is read on from ${last}`);
		}
	}

	#store(event: StoredEvent, staged: Staged, topic: SimTopic, problem: (sentence: string) => void): void {
		const { partition, offset } = event;
		const place = placeOf(partition, offset);
		if (!staged.rows.has(partition)) problem(`I1: ${partition}:${offset} is stored and its offset not moved`);
		if (this.events.has(place) || this.erased.has(place)) {
			problem(`I4: record ${partition}:${offset} is stored twice`);
		}
		const isTrue = topic.versionsOf(partition, offset).some(({ event: sent }) => isSame(sent, event));
		if (!isTrue) problem(`I4: what is stored of ${partition}:${offset} is not what was sent`);
		this.events.set(place, event);
	}

	/** I3: the deltas are the fold of the rows they come with, and new members those really inserted. */
	#judgeHours(staged: Staged, problem: (sentence: string) => void): void {
		const wanted = fold(staged.events);
		for (const key of staged.users) wanted.get(Number.parseInt(key, 10))!.active_users++;
		for (const key of staged.sessions) wanted.get(Number.parseInt(key, 10))!.new_sessions++;
		for (const hour of new Set([...wanted.keys(), ...staged.hours.keys()])) {
			const [found, right] = [staged.hours.get(hour) ?? noTotals(), wanted.get(hour) ?? noTotals()];
			const wrong = HOUR_COLUMNS.filter((column) => found[column] !== right[column]);
			for (const column of wrong) {
				problem(`I3: hour ${hour} is raised by ${found[column]} ${column}, its events give ${right[column]}`);
			}
		}
	}

	/** As the command: the user's rows and number go, and the hours are computed again from what is left. */
	#erase(user: string): void {
		this.userNumbers.delete(user);
		for (const [place, event] of this.events) {
			if (event.user !== user) continue;
			this.events.delete(place);
			this.erased.add(place);
		}
		this.recompute();
	}

	/** The hours and the members from the events that are there. */
	recompute(): void {
		this.users.clear();
		this.sessions.clear();
		this.hours = fold(this.events.values());
		this.hourPlaces = new Map([...this.hours.keys()].map((hour, i) => [hour, `(0,${i + 1})`]));
		for (const { hour, user, type, session } of this.events.values()) {
			const totals = this.hours.get(hour)!;
			if (!this.users.has(`${hour}/${user}`)) totals.active_users++;
			this.users.add(`${hour}/${user}`);
			if (type !== "login") continue;
			if (!this.sessions.has(`${hour}/${session}`)) totals.new_sessions++;
			this.sessions.add(`${hour}/${session}`);
		}
	}
}

export function noTotals(): HourTotals {
	return {
		revenue: 0,
		ticket_count: 0,
		payouts: 0,
		payout_events: 0,
		logins: 0,
		events: 0,
		active_users: 0,
		new_sessions: 0,
	};
}

export function copyRow(row: OffsetRow): OffsetRow {
	return { ...row, others: new Map(row.others) };
}

/** Sums and counts by hour, without the members. */
export function fold(events: Iterable<SimEvent>): Map<number, HourTotals> {
	const hours = new Map<number, HourTotals>();
	for (const { hour, type, cents } of events) {
		let totals = hours.get(hour);
		if (totals === undefined) {
			totals = noTotals();
			hours.set(hour, totals);
		}
		totals.events++;
		if (type === "ticket_purchased") {
			totals.ticket_count++;
			totals.revenue += cents!;
		}
		if (type === "claim_reward") {
			totals.payout_events++;
			totals.payouts += cents!;
		}
		if (type === "login") totals.logins++;
	}
	return hours;
}

function isSame(sent: SimEvent | null, stored: SimEvent): boolean {
	return (
		sent !== null &&
		sent.hour === stored.hour &&
		sent.type === stored.type &&
		sent.user === stored.user &&
		sent.session === stored.session &&
		sent.cents === stored.cents
	);
}
