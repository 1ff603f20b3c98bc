import { messageOf } from "../core-errors.ts";
import type { Log } from "../log.ts";
import type { Clock, RebuildReason, Source, SourceListener, Watermarks } from "../ports.ts";
import { FileChangedError, SourceFileError, TurnLostError } from "./errors.ts";
import { FileLog } from "./file-log.ts";
import { requireSameFile } from "./same-file.ts";
import type { Turn } from "./turn.ts";

export interface FileSourceSettings {
	/** Absolute. */
	readonly path: string;
	/** Lines that come after the file was opened are left to the next run, and the last one may do without its line end. */
	readonly untilEnd: boolean;
	readonly turn: Turn;
	/** It is opened anew. */
	readonly onRebuild?: (reason: RebuildReason) => void;
}

/** A file is one partition. The router spreads its lines over the actors by user all the same. */
export const FILE_PARTITION = 0;

/** How soon appended lines are seen: one `stat` each time. Notices of the file system do not come from network drives. */
const FOLLOW_MS = 100;
/** As the group's (engine/kafka): what waits for two of them is waited for as long. */
const HEARTBEAT_MS = 1_000;
const STAND_BY_MS = 500;
const RETRY_MS = 1_000;
/** A network drive that hangs must not keep the process. */
const STOP_DEADLINE_MS = 5_000;
/** What takes longer than this to count is worth a line in the log, and another one each time. */
const PROGRESS_MS = 2_000;

/**
 * A file behind the `Source` port: the same positions, pauses and claims as with Kafka, one partition, line numbers for
 * offsets. One loop opens the file when it is this engine's turn, joins, and follows it; whatever is in doubt (the
 * turn, the file, an error of the disk) ends in joining anew, and the offset row says where to go on.
 */
export class FileSource implements Source {
	readonly #settings: FileSourceSettings;
	readonly #clock: Clock;
	readonly #log: Log;
	#listener: SourceListener | null = null;
	/** The file while it is read: open, counted, the one that was counted before. */
	#file: FileLog | null = null;
	#position = 0;
	#isFlowing = false;
	#isPumping = false;
	#isStopped = false;
	#isRebuildWanted = false;
	/** What reading for delivery ended with. */
	#readError: unknown = null;
	/** Why nothing can be read, for people; null when it can, or when it is not our turn. */
	#trouble: string | null = null;
	/** Told once, however often it comes. */
	#lastFailure: string | null = null;
	#life: Promise<void> = Promise.resolve();
	/** Ends every rest under way. */
	readonly #sleepers = new Set<() => void>();

	constructor(settings: FileSourceSettings, clock: Clock, log: Log) {
		this.#settings = settings;
		this.#clock = clock;
		this.#log = log.child({ component: "file" });
	}

	async start(listener: SourceListener): Promise<void> {
		this.#listener = listener;
		this.#life = this.#live();
	}

	async stop(): Promise<void> {
		this.#isStopped = true;
		this.#isFlowing = false;
		this.#wake();
		const deadline = new Promise<void>((resolve) => this.#clock.after(STOP_DEADLINE_MS, resolve));
		await Promise.race([this.#life, deadline]);
		await this.#settings.turn.release();
	}

	async rebuild(reason: RebuildReason): Promise<void> {
		this.#settings.onRebuild?.(reason);
		this.#isRebuildWanted = true;
		this.#wake();
	}

	pause(partitions: readonly number[]): void {
		if (partitions.includes(FILE_PARTITION)) this.#isFlowing = false;
	}

	resume(partitions: readonly number[]): void {
		if (this.#file === null || !partitions.includes(FILE_PARTITION)) return;
		this.#isFlowing = true;
		void this.#pump();
	}

	seek(partition: number, offset: number): void {
		if (this.#file === null || partition !== FILE_PARTITION) return;
		this.#position = offset;
		void this.#pump();
	}

	/** Counted lines, kept up to date by the loop. Without the file there is no log, and no partition is ours. */
	async watermarks(): Promise<ReadonlyMap<number, Watermarks>> {
		if (this.#trouble !== null) throw new Error(this.#trouble);
		return this.#file === null ? new Map() : new Map([[FILE_PARTITION, { low: 0, high: this.#file.lines }]]);
	}

	/** Nobody outside asks a file for its readers' positions. */
	async publish(): Promise<void> {}

	async #live(): Promise<void> {
		let turnsRefused = 0;
		while (!this.#isStopped) {
			try {
				const holder = await this.#settings.turn.take();
				if (holder !== null) {
					this.#standBy(holder, ++turnsRefused);
					await this.#rest(STAND_BY_MS);
					continue;
				}
				turnsRefused = 0;
				await this.#serve();
			} catch (error) {
				if (this.#isStopped) return;
				if (error instanceof SourceFileError && error.code !== "ENOENT") {
					this.#listener?.crashed(error);
					return;
				}
				await this.#failed(error);
			}
		}
	}

	/** Our turn: reads the file until something ends it. */
	async #serve(): Promise<void> {
		const file = await FileLog.open(this.#settings.path);
		try {
			await file.count(this.#progress());
			if (this.#settings.untilEnd) file.includeRest();
			await requireSameFile(file, await this.#settings.turn.counted());
			if (this.#isStopped) return;
			this.#trouble = null;
			this.#lastFailure = null;
			this.#readError = null;
			this.#isRebuildWanted = false;
			this.#file = file;
			this.#listener?.joined([FILE_PARTITION]);
			await this.#follow(file);
		} finally {
			const wasJoined = this.#file !== null;
			this.#file = null;
			this.#isFlowing = false;
			if (wasJoined && !this.#isStopped) this.#listener?.joined([]);
			await file.close();
		}
	}

	/** Returns when the file is to be opened anew or the engine stops. */
	async #follow(file: FileLog): Promise<void> {
		let heartbeatAtMs = this.#clock.monotonicMs() + HEARTBEAT_MS;
		let wasGone = false;
		while (!this.#isStopped && !this.#isRebuildWanted) {
			await this.#rest(FOLLOW_MS);
			if (this.#readError !== null) throw this.#readError;
			const found = await file.look();
			if (found === "grown" && !this.#settings.untilEnd) {
				await file.count();
				void this.#pump();
			}
			if (found === "gone" && !wasGone) {
				this.#log.warn(
					`${file.path} was moved or deleted: what is still written to it is read, and the next start will ask for it`,
				);
			}
			wasGone = found === "gone";
			if (this.#clock.monotonicMs() >= heartbeatAtMs) {
				await this.#settings.turn.confirm();
				this.#listener?.heartbeat();
				heartbeatAtMs = this.#clock.monotonicMs() + HEARTBEAT_MS;
			}
		}
	}

	/** Delivers what flows, one chunk after the other; a chunk that came too late for a pause or a seek is dropped. */
	async #pump(): Promise<void> {
		if (this.#isPumping) return;
		this.#isPumping = true;
		try {
			for (let file = this.#flowing(); file !== null; file = this.#flowing()) {
				const from = this.#position;
				const { to, records } = await file.read(from);
				if (this.#flowing() !== file || this.#position !== from) continue;
				if (records === null) {
					this.#position = to;
					this.#listener?.skipped(FILE_PARTITION, from, to - 1);
					continue;
				}
				let isTaken = false;
				const resolve = (): void => {
					isTaken = true;
					this.#position = to;
				};
				const batch = { partition: FILE_PARTITION, fetchedOffset: from, nextOffset: to, records, resolve };
				this.#listener?.batch(batch);
				// Neither taken nor sent elsewhere: a pause is on its way, and until then nothing is to be read in a circle.
				if (!isTaken && this.#position === from) await this.#rest(FOLLOW_MS);
			}
		} catch (error) {
			this.#readError = error;
			this.#wake();
		} finally {
			this.#isPumping = false;
		}
	}

	/** The file, when there is something to deliver from it now. */
	#flowing(): FileLog | null {
		const file = this.#file;
		const isReady = this.#isFlowing && this.#readError === null;
		return file !== null && isReady && this.#position < file.lines ? file : null;
	}

	#standBy(holder: string, turnsRefused: number): void {
		// The server may not have noticed yet that our predecessor is dead.
		if (turnsRefused < 2) return;
		if (turnsRefused === 2) {
			this.#log.info(`${holder} reads a file of this topic: standing by until it ends`);
			this.#trouble = null;
			this.#listener?.joined([]);
		}
		this.#listener?.heartbeat();
	}

	async #failed(error: unknown): Promise<void> {
		const message = messageOf(error);
		if (error instanceof FileChangedError) {
			this.#log.warn(
				`${this.#settings.path} ${message}; opening it anew to compare it with what was counted`,
			);
			await this.#rest(FOLLOW_MS);
			return;
		}
		if (this.#lastFailure !== message) this.#log.warn(`${message}; trying again`);
		this.#lastFailure = message;
		// Of Postgres its own probe tells.
		this.#trouble = error instanceof TurnLostError ? null : message;
		await this.#rest(RETRY_MS);
	}

	#progress(): (share: number) => void {
		let toldAtMs = this.#clock.monotonicMs();
		return (share) => {
			if (this.#isStopped) throw new Error("stopped while it counted");
			const nowMs = this.#clock.monotonicMs();
			if (nowMs - toldAtMs < PROGRESS_MS) return;
			toldAtMs = nowMs;
			this.#log.info(`counting the lines of ${this.#settings.path}: ${Math.floor(share * 100)} %`);
		};
	}

	/** Waits, or is woken. */
	#rest(delayMs: number): Promise<void> {
		if (this.#isStopped) return Promise.resolve();
		return new Promise((resolve) => {
			const end = (): void => {
				timer.cancel();
				this.#sleepers.delete(end);
				resolve();
			};
			const timer = this.#clock.after(delayMs, end);
			this.#sleepers.add(end);
		});
	}

	#wake(): void {
		for (const end of [...this.#sleepers]) end();
	}
}
