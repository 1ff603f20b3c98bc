/** What a guard is: a piece of the source that keeps a promise, and what becomes of it when it is taken out. */
export interface Edit {
	/** Path below the package. */
	readonly file: string;
	/** Stands in the file exactly once; lines as they are, indentation included. */
	readonly find: string;
	readonly replace: string;
}

/**
 * `red`: this run must fail without the guard. `green`: it need not, since something else covers it (`because`), or the
 * run cannot meet it. `seldom`: what it guards against takes more seeds than an ordinary run has; both are fine.
 */
export type Colour = "red" | "green" | "seldom";

export interface Guard {
	/** What is taken out, as a phrase. */
	readonly name: string;
	readonly edits: readonly Edit[];
	readonly simulation: Colour;
	/** Process chaos; absent: not asked. */
	readonly chaos?: Colour;
	/** The faults of test/chaos that can meet it, separated by commas; absent: any. */
	readonly chaosFaults?: string;
	/** Why it may stay green: the other guard that covers it. The pair of both stands in the table as well. */
	readonly because?: string;
}

export const edit = (file: string, find: string, replace: string): Edit => ({ file, find, replace });
