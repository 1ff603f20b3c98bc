/** What a supervisor is made of, so that a simulation can make one of other parts. */
import type { ActorWatch } from "./actor-watch.ts";
import type { Assignment } from "./assignment.ts";
import type { Credit } from "./credits.ts";
import type { SetQueue } from "./flusher.ts";
import type { InvalidWindow } from "./invalid-window.ts";
import type { Ledger } from "./ledger.ts";
import type { Limits } from "./limits.ts";
import type { Log } from "./log.ts";
import type { Observer } from "./observer.ts";
import type { ActorPort, Clock, Source, Store } from "./ports.ts";
import type { Tally } from "./tally.ts";

/** Work beside the path of an event: merged, retried, never waited for. */
export interface SideJobs {
	/** Postgres has counted up to these offsets. */
	publish(durable: ReadonlyMap<number, number>): void;
	/** Newest event seen, in ms since 1970: its day and the next ones are wanted as partitions. */
	days(newestEventMs: number): void;
}

export interface SupervisorParts {
	readonly limits: Limits;
	readonly clock: Clock;
	readonly source: Source;
	readonly store: Store;
	readonly actors: ActorPort;
	readonly queue: (commit: (set: number) => Promise<void>) => SetQueue;
	readonly jobs: SideJobs;
	readonly observer: Observer;
	readonly log: Log;
	/** Shared with whoever reports the status; written by the supervisor alone. */
	readonly assignment: Assignment;
	readonly ledger: Ledger;
	readonly watch: ActorWatch;
	readonly setCredit: Credit;
	readonly invalid: InvalidWindow;
	readonly tally: Tally;
}
