import type { ActorWatch } from "./actor-watch.ts";
import { messageOf } from "./core-errors.ts";
import type { Limits } from "./limits.ts";
import type { Log } from "./log.ts";
import type { Clock, Source, Store, Timer, Watermarks } from "./ports.ts";

/** Enough for the event loop to take in what waited in the ports. */
const SECOND_LOOK_MS = 500;

/** Watermarks as read from the brokers at one moment. */
export interface WatermarkReading {
	readonly atMs: number;
	readonly of: ReadonlyMap<number, Watermarks>;
}

export interface WatchdogParts {
	readonly limits: Pick<Limits, "watermarkIntervalMs" | "actorSilenceMsMax" | "suspectSilenceMsMax">;
	readonly clock: Clock;
	readonly source: Pick<Source, "watermarks">;
	readonly store: Pick<Store, "ping">;
	readonly watch: ActorWatch;
	readonly log: Log;
	/** Actors hold records that may kill them. */
	readonly suspects: () => boolean;
	/** An actor had work and said nothing for too long. */
	readonly onSilent: (shard: number, error: Error) => void;
	readonly onWatermarks: (watermarks: ReadonlyMap<number, Watermarks>) => void;
}

/** Looks around every few seconds: where Kafka's log ends, whether Postgres takes writes, whether every actor answers. */
export class Watchdog {
	readonly #parts: WatchdogParts;
	/** One for each look: what does not answer must not keep the others from being asked. */
	readonly #timers = new Map<() => Promise<void>, Timer>();
	#stopped = false;
	#watermarks: WatermarkReading | null = null;
	#postgresTrouble: string | null = null;
	#oldestSnapshotSeconds: number | null = null;
	#kafkaTrouble: string | null = null;

	constructor(parts: WatchdogParts) {
		this.#parts = parts;
	}

	/** The newest watermarks; null before the first reading. */
	get watermarks(): WatermarkReading | null {
		return this.#watermarks;
	}

	/** Why Postgres did not take writes when it was last asked; null when it did. */
	get postgresTrouble(): string | null {
		return this.#postgresTrouble;
	}

	/** Age of the oldest snapshot in Postgres as of the last look; null when there is none, or when nobody answered. */
	get oldestSnapshotSeconds(): number | null {
		return this.#oldestSnapshotSeconds;
	}

	/** Why Kafka did not answer when it was last asked; null when it did. */
	get kafkaTrouble(): string | null {
		return this.#kafkaTrouble;
	}

	/** Somebody else has just read them. */
	note(of: ReadonlyMap<number, Watermarks>): void {
		this.#watermarks = { of, atMs: this.#parts.clock.nowMs() };
	}

	start(): void {
		this.#again(() => this.#lookForSilence());
		this.#again(() => this.#readWatermarks());
		this.#again(() => this.#pingPostgres());
	}

	stop(): void {
		this.#stopped = true;
		for (const timer of this.#timers.values()) timer.cancel();
	}

	#again(look: () => Promise<void>): void {
		const timer = this.#parts.clock.after(this.#parts.limits.watermarkIntervalMs, () => {
			void look().finally(() => {
				if (!this.#stopped) this.#again(look);
			});
		});
		this.#timers.set(look, timer);
	}

	/**
	 * Twice: after a pause of the whole process (SIGSTOP, a suspended laptop) timers come before the answers that wait
	 * in the ports, and every actor would look silent.
	 */
	async #lookForSilence(): Promise<void> {
		const { watch, limits, suspects, onSilent, clock } = this.#parts;
		const silenceMsMax = suspects()
			? Math.min(limits.suspectSilenceMsMax, limits.actorSilenceMsMax)
			: limits.actorSilenceMsMax;
		const silent = watch.silent(silenceMsMax);
		if (silent.length === 0) return;
		await new Promise<void>((resolve) => clock.after(SECOND_LOOK_MS, resolve));
		const still = watch.silent(silenceMsMax).filter((shard) => silent.includes(shard));
		if (this.#stopped) return;
		for (const shard of still) {
			onSilent(shard, new Error(`no answer for ${silenceMsMax} ms while it had work`));
		}
	}

	/** A line when trouble begins and one when it ends, not one at every look. */
	#tell(who: string, before: string | null, now: string | null): void {
		const { log } = this.#parts;
		// We close the connections ourselves then: an answer that does not come is no trouble of theirs.
		if (this.#stopped) return;
		if (before === null && now !== null)
			log.warn({ component: "watchdog" }, `${who} does not answer: ${now}`);
		if (before !== null && now === null) log.info({ component: "watchdog" }, `${who} answers again`);
	}

	async #readWatermarks(): Promise<void> {
		try {
			this.note(await this.#parts.source.watermarks());
			this.#tell("Kafka", this.#kafkaTrouble, null);
			this.#kafkaTrouble = null;
			this.#parts.onWatermarks(this.#watermarks!.of);
		} catch (error) {
			this.#tell("Kafka", this.#kafkaTrouble, messageOf(error));
			this.#kafkaTrouble = messageOf(error);
		}
	}

	async #pingPostgres(): Promise<void> {
		try {
			this.#oldestSnapshotSeconds = (await this.#parts.store.ping()).oldestSnapshotSeconds;
			this.#tell("Postgres", this.#postgresTrouble, null);
			this.#postgresTrouble = null;
		} catch (error) {
			this.#oldestSnapshotSeconds = null;
			this.#tell("Postgres", this.#postgresTrouble, messageOf(error));
			this.#postgresTrouble = messageOf(error);
		}
	}
}
