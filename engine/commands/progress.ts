/** Progress of a long command on stderr: a bar on a terminal, else a line now and then. */
import { SingleBar } from "cli-progress";
import type { ReplayCounts } from "../../producer/replay.ts";

export interface Progress {
	stop(): void;
}

/** Often enough for a log to show that it lives, seldom enough not to fill it. */
const LINE_INTERVAL_MS = 5_000;
const BAR_INTERVAL_MS = 200;

/** 1234567 as `1,234,567`. */
export function withCommas(value: number): string {
	return Math.round(value).toLocaleString("en-US");
}

/** @param totalBytes null when the end is not known (stdin, `--loop`): then there is no bar to fill */
export function startProgress(counts: ReplayCounts, totalBytes: number | null): Progress {
	const isTerminal = process.stderr.isTTY === true;
	return isTerminal && totalBytes !== null && totalBytes > 0
		? startBar(counts, totalBytes)
		: startLines(counts);
}

function startBar(counts: ReplayCounts, totalBytes: number): Progress {
	const bar = new SingleBar({
		format: "{bar} {percentage} % | {sent} sent, {rate}/s | {eta_formatted} left",
		barCompleteChar: "█",
		barIncompleteChar: "░",
		hideCursor: true,
		stream: process.stderr,
	});
	const startedMs = performance.now();
	const payload = () => ({
		sent: withCommas(counts.sent),
		rate: withCommas((counts.sent * 1000) / Math.max(performance.now() - startedMs, 1)),
	});
	bar.start(totalBytes, 0, payload());
	const timer = setInterval(() => bar.update(Math.min(counts.bytes, totalBytes), payload()), BAR_INTERVAL_MS);
	return {
		stop() {
			clearInterval(timer);
			bar.update(Math.min(counts.bytes, totalBytes), payload());
			bar.stop();
		},
	};
}

function startLines(counts: ReplayCounts): Progress {
	let lastSent = 0;
	let lastMs = performance.now();
	const timer = setInterval(() => {
		const nowMs = performance.now();
		const rate = ((counts.sent - lastSent) * 1000) / (nowMs - lastMs);
		process.stderr.write(
			`${withCommas(counts.sent)} sent, ${withCommas(rate)}/s, ${withCommas(counts.invalid)} invalid\n`,
		);
		lastSent = counts.sent;
		lastMs = nowMs;
	}, LINE_INTERVAL_MS);
	timer.unref();
	return { stop: () => clearInterval(timer) };
}
