/** Looks at the database all the time while faults strike: what must hold in every snapshot, and when commits come. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { lookAtSnapshot } from "../support/snapshot.ts";
import { close, connectTo, type DatabaseSettings } from "./database-client.ts";
import type { Fleet } from "./fleet.ts";

/** How far a partition is, at one look. */
interface Position {
	readonly next: number;
	readonly epoch: number;
}

/** Time from the end of a fault, in ms; null: not within the deadline. */
export interface Recovery {
	/** To the first new commit of any partition. */
	readonly firstMs: number | null;
	/** To a new commit in every partition. */
	readonly allMs: number | null;
}

const OFFSETS_EVERY_MS = 50;
/** A snapshot reads every event; a reader that never rests would be a fault of its own. */
const SNAPSHOT_EVERY_MS = 1_500;
const MEMORY_EVERY_MS = 500;
const RECONNECT_MS = 200;
/** Commits come four times a second; when none has come for this long, the metrics stand still. */
const GAP_MS = 1_000;
/** More of the same says nothing new. */
const VIOLATIONS_MAX = 20;

export class Watch {
	/** Broken promises, for people. */
	readonly violations: string[] = [];
	/** Snapshots looked at. */
	snapshots = 0;
	/** Sum of the times without a commit that were longer than a second, in ms. */
	unavailableMs = 0;
	/** The most memory an engine had resident, in MB. */
	peakMb = 0;
	/** What is going on, for the messages. */
	phase = "the start";
	readonly #settings: DatabaseSettings;
	readonly #fleet: Fleet;
	#positions: ReadonlyMap<number, Position> = new Map();
	/** When they were asked for: they are at least as new as this. */
	#askedMs = 0;
	#lastCommitMs: number | null = null;
	#isStopped = false;
	#loops: readonly Promise<void>[] = [];

	constructor(settings: DatabaseSettings, fleet: Fleet) {
		this.#settings = settings;
		this.#fleet = fleet;
	}

	start(): void {
		this.#loops = [
			this.#loop("chaos offsets", OFFSETS_EVERY_MS, (client) => this.#lookAtOffsets(client)),
			this.#loop("chaos snapshots", SNAPSHOT_EVERY_MS, (client) => this.#lookAtSnapshot(client)),
			this.#watchMemory(),
		];
	}

	async stop(): Promise<void> {
		this.#isStopped = true;
		await Promise.all(this.#loops);
	}

	/** Waits for new commits after this moment (`performance.now()`). */
	async recovered(sinceMs: number, deadlineMs: number): Promise<Recovery> {
		let base: ReadonlyMap<number, Position> | null = null;
		let firstMs: number | null = null;
		while (performance.now() - sinceMs < deadlineMs) {
			if (base === null && this.#askedMs >= sinceMs && this.#positions.size > 0) base = this.#positions;
			if (base !== null) {
				const now = this.#positions;
				const moved = [...base].filter(([partition, { next }]) => (now.get(partition)?.next ?? 0) > next);
				if (moved.length > 0) firstMs ??= performance.now() - sinceMs;
				if (moved.length === base.size) return { firstMs, allMs: performance.now() - sinceMs };
			}
			await sleep(OFFSETS_EVERY_MS / 2);
		}
		return { firstMs, allMs: null };
	}

	async #lookAtOffsets(client: pg.Client): Promise<void> {
		const askedMs = performance.now();
		const { rows } = await client.query<{ partition: number; next: number; epoch: number }>(
			"SELECT kafka_partition AS partition, next_offset::float8 AS next, epoch::float8 AS epoch FROM source_offsets",
		);
		const positions = new Map(rows.map(({ partition, ...position }) => [partition, position]));
		let moved = false;
		for (const [partition, before] of this.#positions) {
			const now = positions.get(partition);
			if (now === undefined || now.next < before.next || now.epoch < before.epoch)
				this.#violated(
					`I1: partition ${partition} went from ${JSON.stringify(before)} to ${JSON.stringify(now)}`,
				);
			else moved ||= now.next > before.next;
		}
		this.#positions = positions;
		this.#askedMs = askedMs;
		if (!moved) return;
		const now = performance.now();
		const gapMs = now - (this.#lastCommitMs ?? now);
		if (gapMs > GAP_MS) this.unavailableMs += gapMs;
		this.#lastCommitMs = now;
	}

	async #lookAtSnapshot(client: pg.Client): Promise<void> {
		const { violations } = await lookAtSnapshot(client);
		this.snapshots++;
		for (const { promise, rows } of violations) this.#violated(`${promise}: ${JSON.stringify(rows)}`);
	}

	#violated(what: string): void {
		if (this.violations.length < VIOLATIONS_MAX) this.violations.push(`during ${this.phase}: ${what}`);
	}

	/** Errors are the server's: it is being killed. */
	async #loop(name: string, everyMs: number, look: (client: pg.Client) => Promise<void>): Promise<void> {
		let client: pg.Client | null = null;
		while (!this.#isStopped) {
			try {
				client ??= await connectTo(this.#settings, name);
				await look(client);
				await sleep(everyMs);
			} catch {
				if (client !== null) close(client);
				client = null;
				await sleep(RECONNECT_MS);
			}
		}
		if (client !== null) close(client);
	}

	async #watchMemory(): Promise<void> {
		while (!this.#isStopped) {
			for (const { engine } of this.#fleet.running)
				this.peakMb = Math.max(this.peakMb, engine === null ? 0 : peakMemoryMb(engine.pid));
			await sleep(MEMORY_EVERY_MS);
		}
	}
}

/** The most memory a process ever had resident, in MB, as Linux counts it; 0 when it is gone. */
function peakMemoryMb(pid: number): number {
	try {
		const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
		return Math.round(Number(kilobytes ?? 0) / 1024);
	} catch {
		return 0;
	}
}
