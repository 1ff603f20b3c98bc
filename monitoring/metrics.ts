/**
 * The engine's metrics: what feeds them and the page that shows them. Their names are in catalogue.ts.
 *
 * Counters and histograms are fed once per batch or set, never per event: a call costs 0.1 to 0.25 µs.
 * Gauges are read from one `status()` per scrape (gauges.ts), so that all of a page shows one moment.
 */
import { collectDefaultMetrics, Registry } from "prom-client";
import { EVENT_TYPES } from "../schema/event.ts";
import { REASONS } from "../schema/reasons.ts";
import { createBusyRatios } from "./busy-ratio.ts";
import { defineEvents, defineGauges, type Events } from "./catalogue.ts";
import type { CommitReport, FlushPhases } from "./commit-report.ts";
import { readStatus } from "./gauges.ts";
import { createLabelBound, OTHER_LABEL } from "./label-bound.ts";
import type { EngineStatus } from "./status.ts";

export interface MetricsOptions {
	/** Called once per scrape. */
	readonly status: () => EngineStatus;
	/** The clock, in ms since 1970. */
	readonly now: () => number;
	/** Reasons of `recovered` known beforehand; they start at 0, so that a rate sees the first recovery. */
	readonly recoveryReasons?: readonly string[];
	/** Also export what Node says of the process (default true); off where many engines share one process. */
	readonly processMetrics?: boolean;
}

export interface EngineMetrics {
	/** A set is committed and the commit acknowledged. */
	committed(report: CommitReport): void;
	/** Records accepted from Kafka; a replay after a recovery counts them again. */
	consumed(records: number): void;
	/** Time the main thread took for one batch: check, pack and route. */
	batchProcessed(seconds: number): void;
	recovered(reason: string): void;
	rebalanced(): void;
	/** The Kafka consumer is built anew. */
	consumerRebuilt(reason: string): void;
	actorRestarted(actor: number): void;
	/** `code`: SQLSTATE, or Node's code of a lost connection. */
	flushFailed(code: string): void;
	/** Offsets that Kafka skipped (compaction, transaction markers). */
	gap(partition: number, count: number): void;
	/** The page of `/metrics`. */
	render(): Promise<string>;
	readonly contentType: string;
}

/** New values a label may take beyond those known beforehand: a few dozen series are cheap, thousands are not. */
const NEW_LABELS_MAX = 40;

/** Of one unit of money. */
const CENTS = 100;

/** Failures of any long life, as SQLSTATE or Node's code; they start at 0 for the sake of `rate`. */
const KNOWN_FLUSH_CODES: readonly string[] = [
	"08006",
	"40001",
	"40P01",
	"53100",
	"53300",
	"55P03",
	"57014",
	"57P01",
	"ECONNRESET",
];

/** Why a consumer is built anew (`RebuildReason` of the source). */
const KNOWN_REBUILDS: readonly string[] = ["crash", "stall", "position"];

const KNOWN_REASONS = Object.entries(REASONS).map(([reason, { stage }]) => ({ reason, stage }));

/** Steps of a transaction as label values; the whole is apart, so that a sum over `phase` is not twice the whole. */
const PHASES = {
	lock: "lock",
	copy: "copy",
	deadLetters: "dead_letters",
	members: "members",
	merge: "merge",
	commit: "commit",
} as const satisfies Record<Exclude<keyof FlushPhases, "total">, string>;
const PHASE_STEPS = Object.keys(PHASES) as (keyof typeof PHASES)[];

/** Each call has a registry of its own, so that engines in one process (simulation) do not meet. */
export function createMetrics(options: MetricsOptions): EngineMetrics {
	const registry = new Registry();
	if (options.processMetrics ?? true) collectDefaultMetrics({ register: registry });
	const events = defineEvents(registry);
	const gauges = defineGauges(registry);
	const recoveryReasons = options.recoveryReasons ?? [];
	startAtZero(events, recoveryReasons);
	const busyRatios = createBusyRatios();
	const boundRecovery = createLabelBound(recoveryReasons, NEW_LABELS_MAX);
	const boundRebuild = createLabelBound(KNOWN_REBUILDS, NEW_LABELS_MAX);
	const boundCode = createLabelBound(KNOWN_FLUSH_CODES, NEW_LABELS_MAX);

	return {
		committed: createCommitBooking(events),
		consumed: (records) => events.consumed.inc(records),
		batchProcessed: (seconds) => events.batches.observe(seconds),
		recovered: (reason) => events.recoveries.inc({ reason: boundRecovery(reason) }),
		consumerRebuilt: (reason) => events.consumerRebuilds.inc({ reason: boundRebuild(reason) }),
		rebalanced: () => events.rebalances.inc(),
		actorRestarted: (actor) => events.restarts.inc({ actor }),
		flushFailed: (code) => events.flushFailures.inc({ code: boundCode(code) }),
		gap: (partition, count) => events.gaps.inc({ partition }, count),
		async render() {
			const status = options.status();
			for (const { shard } of status.actors) events.restarts.inc({ actor: shard }, 0);
			readStatus(gauges, status, busyRatios, options.now());
			return registry.metrics();
		},
		contentType: registry.contentType,
	};
}

/** A counter that is born at 1 hides its first increment from `rate` and `increase`: start what is known at 0. */
function startAtZero(events: Events, recoveryReasons: readonly string[]): void {
	for (const status of ["success", "failure"]) events.received.inc({ status }, 0);
	for (const event_type of EVENT_TYPES) events.processed.inc({ event_type }, 0);
	for (const { stage, reason } of KNOWN_REASONS) {
		events.invalid.inc({ reason }, 0);
		events.deadLetters.inc({ stage, reason }, 0);
	}
	for (const reason of recoveryReasons) events.recoveries.inc({ reason }, 0);
	for (const reason of KNOWN_REBUILDS) events.consumerRebuilds.inc({ reason }, 0);
	for (const code of KNOWN_FLUSH_CODES) events.flushFailures.inc({ code }, 0);
	for (const step of PHASE_STEPS) events.flushPhases.zero({ phase: PHASES[step] });
}

function createCommitBooking(events: Events): (report: CommitReport) => void {
	const bookDeadLetters = createDeadLetterBooking(events);
	const boundAge = createLabelBound([], NEW_LABELS_MAX);
	return (report) => {
		const refused = bookDeadLetters(report.deadLetters);
		events.received.inc({ status: "success" }, report.stored);
		events.received.inc({ status: "failure" }, refused);
		for (const [index, event_type] of EVENT_TYPES.entries()) {
			events.processed.inc({ event_type }, report.eventTypes[index] ?? 0);
		}
		for (const [age, count] of Object.entries(report.lateByAge ?? {})) {
			events.late.inc({ age: boundAge(age) }, count);
		}
		events.revenue.inc((report.revenueCents ?? 0) / CENTS);
		events.payouts.inc((report.payoutCents ?? 0) / CENTS);
		bookFlush(events, report);
		// A producer's clock may be ahead of ours: an event from the future took no time, not less than none.
		for (const [seconds, count] of report.endToEndSeconds)
			events.endToEnd.observe(Math.max(0, seconds), count);
		const flushOnly = [[report.phasesSeconds.total, report.stored + refused] as const];
		for (const [seconds, count] of report.processingSeconds ?? flushOnly) {
			events.processing.observe(Math.max(0, seconds), count);
		}
	};
}

/** Gives back how many dead letters there were. */
function createDeadLetterBooking(events: Events): (deadLetters: CommitReport["deadLetters"]) => number {
	const boundReason = createLabelBound(Object.keys(REASONS), 0);
	const boundStage = createLabelBound(
		KNOWN_REASONS.map(({ stage }) => stage),
		0,
	);
	return (deadLetters) => {
		let total = 0;
		for (const [key, count] of Object.entries(deadLetters)) {
			const [stage = OTHER_LABEL, reason = OTHER_LABEL] = key.split("/", 2);
			const labels = { stage: boundStage(stage), reason: boundReason(reason) };
			events.deadLetters.inc(labels, count);
			events.invalid.inc({ reason: labels.reason }, count);
			total += count;
		}
		return total;
	};
}

function bookFlush(events: Events, { phasesSeconds, rows, bytes }: CommitReport): void {
	for (const step of PHASE_STEPS) events.flushPhases.observe({ phase: PHASES[step] }, phasesSeconds[step]);
	events.flushDuration.observe(phasesSeconds.total);
	events.flushRows.observe(rows);
	events.flushBytes.inc(bytes);
}
