import { messageOf } from "../core-errors.ts";
import type { Log } from "../log.ts";
import { connect, destroy, engineConnection } from "./connect.ts";
import { DAY_PARTITIONS_MAX, ensureDays, utcDay } from "./days.ts";
import type { PostgresSettings } from "./settings.ts";

const HOUR_MS = 3_600_000;
/** The day itself and the next two: partitions are made ahead of need, since a day with rows can no longer get one. */
const DAYS_AHEAD = 2;

/** Its transactions keep all writers out for milliseconds; an engine frozen in one must not do so for longer. */
const IDLE_MS_MAX = 10_000;

/** The side job that keeps `events` partitioned by day as event time moves on. Its failures cost nothing but order. */
export class DayPartitions {
	readonly #settings: PostgresSettings;
	readonly #owner: string;
	readonly #log: Log;
	/** Days that have a partition, or that cannot get one. */
	readonly #settled = new Set<string>();

	constructor(settings: PostgresSettings, owner: string, log: Log) {
		this.#settings = settings;
		this.#owner = owner;
		this.#log = log.child({ component: "days" });
	}

	/** `newestEventMs`: the day to be ready for, in ms since 1970. Rejects when Postgres is out of reach or busy. */
	async ensure(newestEventMs: number): Promise<void> {
		const hour = Math.floor(newestEventMs / HOUR_MS);
		const wanted = Array.from({ length: DAYS_AHEAD + 1 }, (_, ahead) => utcDay(hour + ahead * 24));
		const days = wanted.filter((day) => !this.#settled.has(day));
		if (days.length === 0) return;
		const client = await connect(this.#settings, {
			applicationName: engineConnection("days", this.#owner),
			idleInTransactionTimeoutMs: IDLE_MS_MAX,
		});
		try {
			const { created, skipped } = await ensureDays(client, { days, partitionsMax: DAY_PARTITIONS_MAX });
			for (const day of days) this.#settled.add(day);
			if (created.length > 0) this.#log.info({ days: created }, `made partitions for ${created.join(", ")}`);
			for (const { day, why, retry } of skipped) {
				this.#log.debug({ day }, `no partition for ${day}: ${why}`);
				if (retry) this.#settled.delete(day);
			}
			const waiting = skipped.find(({ retry }) => retry);
			if (waiting !== undefined) throw new Error(`no partition for ${waiting.day} yet: ${waiting.why}`);
			await client.end();
		} catch (error) {
			destroy(client);
			this.#log.debug({ err: error }, messageOf(error));
			throw error;
		}
	}
}
