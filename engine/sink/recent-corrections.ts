/** Which of the last hours were just corrected, by comparing two readings of them. */
import type { Correction, HourMetrics } from "../../monitoring/live.ts";

type Row = Omit<HourMetrics, "correction">;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** The last events of an hour arrive some minutes after its end: that is no correction. */
const SETTLED_AFTER_MS = 15 * MINUTE_MS;
/** How long a correction is shown: as long as somebody who looks away for coffee. */
const SHOWN_MS = 10 * MINUTE_MS;

export class Corrections {
	#before = new Map<number, Row>();
	#newestHourMs = Number.NEGATIVE_INFINITY;
	readonly #corrected = new Map<number, Correction>();

	/**
	 * Marks what changed since the last call in hours that had long ended then. Changes add up while they are shown.
	 * @param isCatchingUp a backlog is being read: hours fill up in any order, and nothing new is marked
	 */
	mark(rows: readonly Row[], nowMs: number, isCatchingUp: boolean): HourMetrics[] {
		for (const [hourMs, { atMs }] of this.#corrected) {
			if (nowMs - atMs > SHOWN_MS) this.#corrected.delete(hourMs);
		}
		if (!isCatchingUp && this.#before.size > 0) for (const row of rows) this.#compare(row, nowMs);
		this.#before = new Map(rows.map((row) => [row.hourMs, row]));
		this.#newestHourMs = Math.max(this.#newestHourMs, rows[0]?.hourMs ?? Number.NEGATIVE_INFINITY);
		return rows.map((row) => ({ ...row, correction: this.#corrected.get(row.hourMs) ?? null }));
	}

	#compare(row: Row, nowMs: number): void {
		const endMs = row.hourMs + HOUR_MS;
		// By the events' own time: a newer hour had begun. By the server's clock: it was over for a while.
		if (endMs > this.#newestHourMs || endMs + SETTLED_AFTER_MS > row.updatedAtMs) return;
		const before = this.#before.get(row.hourMs);
		if (before !== undefined && before.updatedAtMs === row.updatedAtMs) return;
		const shown = this.#corrected.get(row.hourMs);
		this.#corrected.set(row.hourMs, {
			atMs: nowMs,
			revenue: plus(shown?.revenue, before?.revenue, row.revenue),
			payouts: plus(shown?.payouts, before?.payouts, row.payouts),
			tickets: (shown?.tickets ?? 0) + row.tickets - (before?.tickets ?? 0),
			activeUsers: (shown?.activeUsers ?? 0) + row.activeUsers - (before?.activeUsers ?? 0),
		});
	}
}

/** `shown + after - before` in whole cents, with a sign. */
function plus(shown = "0", before = "0", after: string): string {
	const cents = centsOf(shown) + centsOf(after) - centsOf(before);
	const digits = String(cents < 0n ? -cents : cents).padStart(3, "0");
	return `${cents < 0n ? "-" : "+"}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

function centsOf(money: string): bigint {
	const [whole = "0", cents = ""] = money.replace(/^[+-]/, "").split(".");
	const value = BigInt(whole) * 100n + BigInt(cents.padEnd(2, "0").slice(0, 2));
	return money.startsWith("-") ? -value : value;
}
