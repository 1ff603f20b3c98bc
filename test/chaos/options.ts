import type { Fault } from "./fault.ts";

/** How a run goes. */
export interface CampaignOptions {
	readonly seed: number;
	/** Faults strike for about this long; null: until each has struck once. */
	readonly seconds: number | null;
	readonly engines: 1 | 2 | 3;
	readonly brokers: 1 | 3;
	readonly faults: readonly Fault[];
	/** Faults of one round while each is struck for the first time. */
	readonly together: number;
	/** Length of a chapter: a topic and a database of its own, judged at its end. */
	readonly chapterSeconds: number;
	readonly perSecond: number;
	/** Ends the run with the first chapter that has a problem. */
	readonly bail: boolean;
	/**
	 * Time from the last lift of a round to a new commit in every partition, and from that of a chapter to no lag at all.
	 * The promise (I7) is 60 s on a machine that has nothing else to do.
	 */
	readonly patienceMs: number;
	/** Whether each chapter ends with a calm run of the same topic. */
	readonly calm: boolean;
	/** Folder of the build whose engine is run; null: ours. */
	readonly build: string | null;
	/** Folder for the logs of a run that fails. */
	readonly logs: string;
	/** Progress, for people. */
	readonly say: (line: string) => void;
	/** Ends the run after the round under way. */
	readonly signal?: AbortSignal;
}
