/**
 * A micro-benchmark: one stage of the engine, the real code, alone on this thread.
 *
 * What a round computes comes back as a number that depends on all of it, and is compared: so nothing can be optimised
 * away, and a round that did not do its work is an error and not a record.
 */
import type { Corpus } from "./corpus.ts";

export interface Micro {
	/** As on the command line. */
	readonly name: string;
	/** The thread on which the engine does this. */
	readonly thread: "main" | "actors";
	/** One sentence: what a round does to each event. */
	readonly about: string;
	prepare(corpus: Corpus): Round | Promise<Round>;
}

export interface Round {
	/** Events that `run` handles. */
	readonly events: number;
	/** Does it all; gives what `expected` says, each time. */
	run(): number | Promise<number>;
	readonly expected: number;
	close?(): void;
}
