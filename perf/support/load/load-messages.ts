/** What the sending process and the scenario tell each other. */
import type { Distribution } from "../result.ts";
import type { LoadContent } from "./content.ts";

export interface LoadSetting {
	readonly brokers: string;
	readonly topic: string;
	/** `events` of it are made once and sent round and round. */
	readonly content: LoadContent;
	/** What falls due together. */
	readonly eventsPerFrame: number;
	/** To measure latency; null: it is not measured. */
	readonly databaseUrl: string | null;
	readonly pollIntervalMs: number;
}

export type LoadCommand =
	| { readonly kind: "open"; readonly setting: LoadSetting }
	| { readonly kind: "rate"; readonly perSecond: number }
	| { readonly kind: "window"; readonly name: string | null }
	| { readonly kind: "settle" }
	| { readonly kind: "report" };

export interface LoadProgress {
	/** Events that fell due so far, whether they are out or not. */
	readonly due: number;
	/** Events that every in-sync replica has. */
	readonly acknowledged: number;
	/** Events of them, and of those under way, that no read has found committed; null when latency is not measured. */
	readonly invisible: number | null;
	/** CPU time of the sending process so far, latency polls included, less what making the events took. */
	readonly cpuSeconds: number;
	/** Longest time from when a batch was due to when it was written to its socket, in ms, since the last window was opened. */
	readonly latenessMsMax: number;
}

export interface LoadReport extends LoadProgress {
	/** One for each window that any event was counted in. */
	readonly distributions: readonly Distribution[];
	/** Looks at the offset rows, and the longest time between two answers in ms. */
	readonly polls: number;
	readonly pollGapMsMax: number;
	/** By partition: one past the last record. */
	readonly endOffsets: readonly number[];
}

export type ToSender = { readonly id: number; readonly command: LoadCommand };

export type FromSender =
	| { readonly kind: "progress"; readonly progress: LoadProgress }
	| { readonly kind: "done"; readonly id: number; readonly report: LoadReport | null }
	| { readonly kind: "failed"; readonly id: number | null; readonly message: string };
