/**
 * When something is wrong: the thresholds of monitoring/prometheus/alerts.rules.yml, for whatever else shows them
 * (dashboards, the live page), so that nothing is red on one screen and green on another.
 *
 * test/monitoring/prometheus/rules.test.ts compares this table with the rules; change both.
 */

/** Somebody gets up, or somebody looks during the day. */
export type Severity = "page" | "ticket";

export interface Condition {
	/** A metric of the engine or a recording rule (monitoring/prometheus/recording.rules.yml), as the alert has it. */
	readonly series: string;
	readonly comparison: ">" | ">=" | "<" | "==";
	readonly value: number;
	readonly unit: "s" | "records" | "share" | "times" | "boolean" | "hour" | "money" | "per second";
	/** Why this much and not less or more. */
	readonly why: string;
}

export interface Alert {
	readonly severity: Severity;
	/** How long it must hold before anybody hears of it, in seconds. */
	readonly forSeconds: number;
	/** The first decides; the others say when the first is no trouble. */
	readonly conditions: readonly Condition[];
}

/** Every alert by its name. */
export const ALERTS = {
	EngineDown: {
		severity: "page",
		forSeconds: 60,
		conditions: [is("job:engine_up:sum", 0, "records", "nobody answers; a restart takes seconds")],
	},
	EngineNotReady: {
		severity: "page",
		forSeconds: 120,
		conditions: [is("engine_ready", 0, "boolean", "recoveries and rebalances are over in seconds")],
	},
	EngineFlushFailing: {
		severity: "page",
		forSeconds: 60,
		conditions: [
			above(
				"instance:engine_flush_consecutive_failures:max",
				0,
				"times",
				"one failure is gone with the next commit",
			),
			above(
				"instance:engine_flush_age_seconds:max",
				15,
				"s",
				"/readyz doubts a flush after 10 s; claims that fail are no failed flushes",
			),
			above("instance:engine_consumer_lag:sum", 0, "records", "a quiet topic needs no flush"),
		],
	},
	EngineFreshnessHigh: {
		severity: "page",
		forSeconds: 300,
		conditions: [
			above("topic:engine_consumer_lag_seconds:max", 300, "s", "an hourly figure may be minutes old"),
		],
	},
	EngineStalled: {
		severity: "page",
		forSeconds: 300,
		conditions: [
			above("partition:engine_consumer_lag:min2m", 0, "records", "something waits, at every look"),
			is("partition:engine_partition_durable_offset:changes2m", 0, "times", "and nothing is stored"),
			is("partition:engine_partition_halted:max", 1, "boolean", "has an alert of its own"),
		],
	},
	EnginePartitionHalted: {
		severity: "page",
		forSeconds: 60,
		conditions: [is("partition:engine_partition_halted:max", 1, "boolean", "it never ends by itself")],
	},
	EngineInstanceDown: {
		severity: "ticket",
		forSeconds: 300,
		conditions: [
			is("up", 0, "boolean", "a deployment is over by then"),
			above("job:engine_up:sum", 0, "records", "with none left it is EngineDown"),
		],
	},
	EngineLagGrowing: {
		severity: "ticket",
		forSeconds: 900,
		conditions: [
			above("topic:engine_consumer_lag:sum", 10_000, "records", "below it is a fraction of a second of work"),
			above("topic:engine_consumer_lag:deriv15m", 0, "per second", "one that falls is being dealt with"),
		],
	},
	EngineDeadLetterRate: {
		severity: "ticket",
		forSeconds: 600,
		conditions: [
			above("job:engine_dead_letters:ratio_rate5m", 0.01, "share", "single bad events are everyday life"),
		],
	},
	EngineLateEvents: {
		severity: "ticket",
		forSeconds: 900,
		conditions: [
			above("job:engine_events_late:ratio_rate15m", 0.05, "share", "phones that were offline are below it"),
		],
	},
	EngineRebalanceStorm: {
		severity: "ticket",
		forSeconds: 300,
		conditions: [
			above("job:engine_rebalances:increase10m", 5, "times", "a deployment of two engines makes four"),
		],
	},
	EngineActorRestarting: {
		severity: "ticket",
		forSeconds: 60,
		conditions: [
			above(
				"job:engine_actor_restarts:increase15m",
				2,
				"times",
				"one loss is read again and forgotten; a message that kills makes about four",
			),
		],
	},
	EngineNoEvents: {
		severity: "ticket",
		forSeconds: 1800,
		conditions: [
			is("job:engine_events_consumed:rate5m", 0, "per second", "not one event"),
			is("job:engine_ready:min", 1, "boolean", "the engine itself is well"),
			{ series: "hour()", comparison: ">=", value: 6, unit: "hour", why: "players sleep before; UTC" },
			{ series: "hour()", comparison: "<", value: 22, unit: "hour", why: "players sleep after; UTC" },
		],
	},
	EngineOldestSnapshot: {
		severity: "ticket",
		forSeconds: 300,
		conditions: [
			above("job:engine_postgres_oldest_snapshot_seconds:max", 900, "s", "the reports end after two minutes"),
		],
	},
	PayoutRatioHigh: {
		severity: "ticket",
		forSeconds: 900,
		conditions: [
			above("job:engine_payout:ratio24h", 0.8, "share", "the report payout-risk has the same limit"),
			above("job:engine_payouts:increase24h", 1000, "money", "one prize in a quiet day is no risk"),
		],
	},
} as const satisfies Readonly<Record<string, Alert>>;

export type AlertName = keyof typeof ALERTS;

function above(series: string, value: number, unit: Condition["unit"], why: string): Condition {
	return { series, comparison: ">", value, unit, why };
}

function is(series: string, value: number, unit: Condition["unit"], why: string): Condition {
	return { series, comparison: "==", value, unit, why };
}
