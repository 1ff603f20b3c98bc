/**
 * Hourly deltas of one partition within one set: what the hour's row in Postgres is to be raised by.
 *
 * Sums of cents are two exact halves (part.ts), so no amount of revenue loses a cent to floating point.
 */
import { EVENT_TYPES } from "../schema/event.ts";
import { CENTS_CARRY, WINDOW, WINDOW_STRIDE } from "./part.ts";

const TICKET = EVENT_TYPES.indexOf("ticket_purchased");
const REWARD = EVENT_TYPES.indexOf("claim_reward");
const LOGIN = EVENT_TYPES.indexOf("login");

const HOURS_INITIAL = 8;

/** A Map throws at 2^24 entries; past this the hours start anew, and the two rows of an hour are added up later. */
const HOURS_INDEXED_MAX = 16_000_000;

const SECONDS_PER_HOUR = 3_600;

/** Whole hours since 1970 UTC, rounded down (also before 1970: -1 s is in hour -1). */
export function hourOf(seconds: number): number {
	return Math.floor(seconds / SECONDS_PER_HOUR);
}

export class Windows {
	#rows: Float64Array<ArrayBuffer> = new Float64Array(WINDOW_STRIDE * HOURS_INITIAL);
	#end = 0;
	/** Where the row of an hour begins. */
	readonly #starts = new Map<number, number>();
	#lastHour = Number.NaN;
	#lastStart = 0;

	/** Hours with a row. */
	get count(): number {
		return this.#end / WINDOW_STRIDE;
	}

	/** Counts one event. `cents` is at least 0 for the types that have an amount, and ignored for the others. */
	add(hour: number, typeIndex: number, cents: number): void {
		// Events come in time order nearly always, so the hour is nearly always the last one's.
		const start = hour === this.#lastHour ? this.#lastStart : this.#find(hour);
		const rows = this.#rows;
		rows[start + WINDOW.eventCount]! += 1;
		if (typeIndex === TICKET) {
			rows[start + WINDOW.ticketCount]! += 1;
			this.#addCents(start + WINDOW.revenueHi, start + WINDOW.revenueLo, cents);
		} else if (typeIndex === REWARD) {
			rows[start + WINDOW.payoutEvents]! += 1;
			this.#addCents(start + WINDOW.payoutHi, start + WINDOW.payoutLo, cents);
		} else if (typeIndex === LOGIN) {
			rows[start + WINDOW.loginCount]! += 1;
		}
	}

	/** The rows so far, `WINDOW_STRIDE` numbers each, in a buffer of their own; starts anew. */
	freeze(): Float64Array<ArrayBuffer> {
		const rows = this.#rows.slice(0, this.#end);
		this.#rows.fill(0, 0, this.#end);
		this.#end = 0;
		this.#starts.clear();
		this.#lastHour = Number.NaN;
		return rows;
	}

	#addCents(hi: number, lo: number, cents: number): void {
		// Below 2^52 + 10^14, so still an exact integer.
		const sum = this.#rows[lo]! + cents;
		if (sum >= CENTS_CARRY) {
			this.#rows[lo] = sum - CENTS_CARRY;
			this.#rows[hi]! += 1;
		} else {
			this.#rows[lo] = sum;
		}
	}

	#find(hour: number): number {
		let start = this.#starts.get(hour);
		if (start === undefined) start = this.#open(hour);
		this.#lastHour = hour;
		this.#lastStart = start;
		return start;
	}

	#open(hour: number): number {
		const start = this.#end;
		if (start === this.#rows.length) {
			const larger = new Float64Array(2 * this.#rows.length);
			larger.set(this.#rows);
			this.#rows = larger;
		}
		this.#rows[start + WINDOW.hour] = hour;
		this.#end = start + WINDOW_STRIDE;
		if (this.#starts.size >= HOURS_INDEXED_MAX) this.#starts.clear();
		this.#starts.set(hour, start);
		return start;
	}
}
