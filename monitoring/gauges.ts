/**
 * Fills the gauges from the engine's status, after a reset: what the engine no longer has (a partition that was
 * revoked, an actor that is gone) has no series, and nothing on the page is older than the scrape.
 */
import type { Gauge } from "prom-client";
import type { createBusyRatios } from "./busy-ratio.ts";
import type { Gauges } from "./catalogue.ts";
import type { EngineStatus, PartitionStatus } from "./status.ts";

/** Why Kafka is paused when the engine cannot keep up; other reasons (a claim, a recovery) are not back-pressure. */
const BACKPRESSURE_REASONS: readonly string[] = ["actors", "flush"];

/** Sets every gauge from one snapshot. `busyRatios` keeps the last scrape. */
export function readStatus(
	gauges: Gauges,
	status: EngineStatus,
	busyRatios: ReturnType<typeof createBusyRatios>,
	nowMs: number,
): void {
	for (const gauge of Object.values(gauges)) gauge.reset();
	for (const partition of status.partitions) readPartition(gauges, status.topic, partition);
	const ratios = busyRatios(status.actors, nowMs);
	for (const { shard, mailboxSlices } of status.actors) {
		gauges.mailbox.set({ actor: shard }, mailboxSlices);
		gauges.busy.set({ actor: shard }, ratios.get(shard) ?? 0);
	}
	const { actorBytes, actorBytesMax, setBytes, setBytesMax } = status.credit;
	gauges.inFlight.set({ hop: "actors" }, actorBytes);
	gauges.inFlight.set({ hop: "sets" }, setBytes);
	gauges.inFlightLimit.set({ hop: "actors" }, actorBytesMax);
	gauges.inFlightLimit.set({ hop: "sets" }, setBytesMax);
	readFlush(gauges, status);
	gauges.openWindows.set(status.openHours);
	const { oldestSnapshotSeconds } = status.postgres;
	if (oldestSnapshotSeconds === null) gauges.oldestSnapshot.remove({});
	else gauges.oldestSnapshot.set(oldestSnapshotSeconds);
	const { records, deadLetters, ratioMax } = status.invalid;
	gauges.invalidRatio.set(records === 0 ? 0 : deadLetters / records);
	gauges.invalidRatioMax.set(ratioMax);
	const pausedFor = status.partitions.flatMap((partition) => partition.pausedReasons);
	gauges.backpressure.set(pausedFor.some((reason) => BACKPRESSURE_REASONS.includes(reason)) ? 1 : 0);
	gauges.ready.set(status.notReady.length === 0 ? 1 : 0);
	gauges.buildInfo.set({ version: status.version, node: process.versions.node }, 1);
}

function readPartition(gauges: Gauges, topic: string, status: PartitionStatus): void {
	const labels = { topic, partition: status.partition };
	// What is not known has no series: a lag of 0 before the first look at Kafka would be a lie. A partition without
	// a row has a newest event time of -Infinity (workers/part.ts).
	const set = (gauge: Gauge<"topic" | "partition">, value: number | null) => {
		if (value !== null && Number.isFinite(value)) gauge.set(labels, value);
	};
	set(gauges.lag, status.lag);
	set(gauges.lagSeconds, status.lagSeconds);
	set(gauges.durableOffset, status.durableOffset);
	set(gauges.polledAt, toSeconds(status.watermarksAtMs));
	set(gauges.lastEventAt, toSeconds(status.lastRecordMs));
	set(gauges.watermark, toSeconds(status.newestEventMs));
	set(gauges.paused, status.pausedReasons.length > 0 ? 1 : 0);
	set(gauges.halted, status.state === "halted" ? 1 : 0);
	for (const reason of status.pausedReasons) gauges.pausedReason.set({ ...labels, reason }, 1);
}

function readFlush({ lastFlushAt, flushQueue, flushFailing }: Gauges, { flush }: EngineStatus): void {
	// prom-client resets a gauge without labels to 0, which would read as 1970: take it away until there is a value.
	if (flush.lastCommitAtMs === null) lastFlushAt.remove({});
	else lastFlushAt.set(flush.lastCommitAtMs / 1000);
	flushQueue.set(flush.queueDepth);
	flushFailing.set(flush.failures);
}

function toSeconds(ms: number | null): number | null {
	return ms === null ? null : ms / 1000;
}
