/** The roles of a supervisor and how they call each other; what is decided between them is in supervisor.ts. */
import type { OwnedPartition } from "./assignment.ts";
import { Care } from "./care.ts";
import { Claimer } from "./claimer.ts";
import { Crew } from "./crew.ts";
import { Flusher } from "./flusher.ts";
import { Intake } from "./intake.ts";
import type { Judgement } from "./judge-claim.ts";
import type { PendingSet } from "./ledger.ts";
import { Pauses } from "./pauses.ts";
import type { Claim, CommitPhases, CommitSet, Watermarks } from "./ports.ts";
import { Positions } from "./positions.ts";
import { Recovery } from "./recovery.ts";
import { Router } from "./router.ts";
import type { SupervisorParts } from "./supervisor-parts.ts";
import { Watchdog } from "./watchdog.ts";

/** Why a recovery begins; a label of its metric. */
export const RECOVERY_REASONS = [
	"fenced",
	"flush_failed",
	"claim_failed",
	"actor_lost",
	"position_lost",
	"log_shrank",
	"poison",
	"suspect",
	"invariant",
	"connection_lost",
] as const;

export type RecoveryReason = (typeof RECOVERY_REASONS)[number];

/** What the roles ask of the supervisor. */
export interface RoleCalls {
	/** Something moved: look at the whole again. */
	act(): void;
	/** Notes something, then acts; a throw is a bug of ours. */
	guarded(note: () => void): void;
	recover(reason: RecoveryReason, error: unknown): void;
	fail(error: unknown): void;
	watermarks(watermarks: ReadonlyMap<number, Watermarks>): void;
	claimed(owned: OwnedPartition, claim: Claim, judgement: Judgement): void;
	claimsDone(claims: readonly Claim[], watermarks: ReadonlyMap<number, Watermarks>): void;
	committed(set: CommitSet, done: PendingSet, phases: CommitPhases): void;
	flushFailed(reason: "fenced" | "flush_failed", error: unknown): void;
}

export type Roles = ReturnType<typeof createRoles>;

/** Makes them; none of them acts before it is called. */
export function createRoles(parts: SupervisorParts, calls: RoleCalls) {
	const { limits, clock, source, store, actors, assignment, ledger } = parts;
	const pauses = new Pauses(source);
	const recovery = new Recovery(limits, clock, calls.act);
	const incarnation = (): number => recovery.incarnation;
	const positions = new Positions({
		...parts,
		pauses,
		onFailure: (error) => calls.recover("position_lost", error),
	});
	const crew: Crew = new Crew({
		...parts,
		calls: {
			incarnation,
			frozen: (message) => calls.guarded(() => flusher.frozen(message)),
			judge: (shard) => care.lost(shard),
			lost: (error) => calls.recover("actor_lost", error),
			broken: calls.fail,
			act: calls.act,
		},
	});
	const care = new Care({ ...parts, pauses, crew });
	const watchdog = new Watchdog({
		...parts,
		suspects: () => care.suspects,
		onSilent: (shard, error) => crew.lost(shard, error),
		onWatermarks: calls.watermarks,
	});
	const router = new Router(actors.count, limits, clock, (shard, slice) => crew.slice(shard, slice));
	const flusher = new Flusher({
		ledger,
		credit: parts.setCredit,
		limits,
		clock,
		store,
		queue: parts.queue,
		invalid: parts.invalid,
		calls: {
			barrier: (set) => {
				router.flush();
				crew.barrier(set);
			},
			incarnation,
			committed: calls.committed,
			committedLate: (set, phases) => parts.observer.committed(parts.tally.committed(set, null, phases)),
			failed: calls.flushFailed,
			broken: calls.fail,
			act: calls.act,
		},
	});
	const claimer = new Claimer({
		assignment,
		source,
		store,
		calls: {
			incarnation,
			claimed: calls.claimed,
			done: calls.claimsDone,
			failed: (error) => calls.recover("claim_failed", error),
			act: calls.act,
		},
	});
	const intake = new Intake({
		assignment,
		router,
		accept: (accepted) => {
			care.accepted(accepted);
			flusher.accept(accepted);
		},
		trouble: positions,
		cut: (partition, expected) => care.cut(partition, expected),
	});
	return { pauses, recovery, positions, crew, care, watchdog, router, flusher, claimer, intake };
}
