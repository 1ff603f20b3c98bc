/** What Postgres has committed, for scenarios that wait for it: straight from its offset rows, as soon as it is there. */
import type { PerfEngine } from "../engine.ts";
import { openOffsetReader } from "../offset-reader.ts";
import type { ScenarioContext } from "../scenario.ts";

export interface Committed {
	/** Records committed so far; null while Postgres does not answer, or has no schema yet. */
	now(): Promise<number | null>;
	/**
	 * Waits for so many, and gives how many there are then.
	 * @throws Error when the engine has ended, with the end of its log, or when it takes longer than a few minutes
	 */
	atLeast(records: number): Promise<number>;
}

/** One cheap query each: how well the moment of a commit is known. */
const COMMITTED_POLL_MS = 10;
const ANSWER_TIMEOUT_MS = 2_000;
/** No wait of a scenario is longer: a drain of tens of millions on a slow machine. */
const WAIT_MS_MAX = 600_000;

/** @param engine the one that has to commit; asked at every look, since it may be another one by then */
export function watchCommitted(
	context: ScenarioContext,
	databaseUrl: string,
	engine: () => PerfEngine,
): Committed {
	const reader = openOffsetReader(databaseUrl, ANSWER_TIMEOUT_MS);
	context.onCleanup(() => reader.close());
	return {
		now: () => reader.committed(),
		async atLeast(records) {
			const { committed } = await context.until(
				`${records.toLocaleString("en")} committed records`,
				async () => {
					const one = engine();
					const ended = one.ended();
					if (ended !== null) throw new Error(`the engine ended with ${ended}\n${one.logTail()}`);
					const committed = await reader.committed();
					return committed !== null && committed >= records && { committed };
				},
				{ everyMs: COMMITTED_POLL_MS, timeoutMs: WAIT_MS_MAX },
			);
			return committed;
		},
	};
}
