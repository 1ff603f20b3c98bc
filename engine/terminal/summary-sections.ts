/** The lines around the others: who it is, what the writer does, what was bad, where to look further. Pure. */
import { ALERTS } from "../../monitoring/thresholds.ts";
import { withCommas } from "../commands/progress.ts";
import type { Section } from "./compose.ts";
import { printable } from "./printable.ts";
import { type Line, piece } from "./style.ts";
import { labelled, type View } from "./view.ts";
import { coarse, duration, percent, plural, seconds } from "./words.ts";

const DEAD_LETTER_SHARE_MAX = ALERTS.EngineDeadLetterRate.conditions[0].value;
const SNAPSHOT_SECONDS_MAX = ALERTS.EngineOldestSnapshot.conditions[0].value;

export function header({ status, style, nowMs }: View): Section {
	const { separator, arrow } = style.glyphs;
	const line: Line = [
		piece("strong", "lottery-engine"),
		` ${printable(status.version)}${separator}`,
		piece("strong", printable(status.topic)),
		` ${arrow} Postgres${separator}group ${printable(status.groupId)}`,
		`${separator}pid ${status.pid}${separator}up ${coarse(Math.max(0, nowMs - status.startedAtMs))}`,
	];
	return { priority: 3, sizes: [1], draw: () => [line] };
}

export function flush({ status, pace, nowMs, style }: View): Section {
	const { separator } = style.glyphs;
	const { queueDepth, lastCommitAtMs, lastDurationMs, lastRows, failures, lastError } = status.flush;
	const last =
		lastCommitAtMs === null || lastDurationMs === null || lastRows === null
			? "nothing committed yet"
			: `${plural(lastRows, "row")} in ${duration(lastDurationMs)}, ${coarse(Math.max(0, nowMs - lastCommitAtMs))} ago`;
	const { oldestSnapshotSeconds } = status.postgres;
	const hasOldSnapshot = oldestSnapshotSeconds !== null && oldestSnapshotSeconds > SNAPSHOT_SECONDS_MAX;
	const line = labelled(
		"flush",
		...(failures > 0
			? [piece("bad", `failed ${plural(failures, "time")}: ${printable(lastError ?? "")}`), separator]
			: []),
		last,
		...(hasOldSnapshot
			? [separator, piece("warn", `a transaction has been open for ${seconds(oldestSnapshotSeconds)}`)]
			: []),
		`${separator}${queueDepth === 0 ? "none waiting" : `${plural(queueDepth, "set")} waiting`}`,
		`${separator}writer busy ${percent(pace.writerBusy)}`,
		`${separator}${plural(status.openHours, "open hour")}`,
	);
	return { priority: 4, sizes: [1], draw: () => [line] };
}

/** Dead letters by reason, those that grow first; and late events, which are stored. */
export function bad({ status, pace, style }: View): Section {
	const { separator } = style.glyphs;
	const { deadLetters, deadLettersByReason, late } = status.totals;
	const { records, deadLetters: recent } = status.invalid;
	const isLoud = recent > records * DEAD_LETTER_SHARE_MAX;
	const fresh = (reason: string) => pace.newDeadLetters[reason] ?? 0;
	const reasons = Object.entries(deadLettersByReason)
		.sort(([a, ofA], [b, ofB]) => fresh(b) - fresh(a) || ofB - ofA)
		.map(([reason, count]): Line => {
			const more = fresh(reason) === 0 ? [] : [piece("warn", ` +${withCommas(fresh(reason))}`)];
			return [`${separator}${printable(reason)} ${withCommas(count)}`, ...more];
		});
	const share = records === 0 ? "" : ` (${percent(recent / records)} of the newest ${withCommas(records)})`;
	const line = labelled(
		"dead letters",
		deadLetters === 0 && recent === 0
			? "none"
			: piece(isLoud ? "warn" : "plain", `${withCommas(deadLetters)}${share}`),
		...reasons.flat(),
		late === 0 ? "" : `${separator}${plural(late, "late event")} stored`,
	);
	return { priority: 5, sizes: [1], draw: () => [line] };
}

export function footer({ url, style }: View): Section {
	const text = `${printable(url)}${style.glyphs.separator}Ctrl-C ends it after a last commit`;
	return { priority: 8, startsGroup: true, sizes: [1], draw: () => [[piece("dim", text)]] };
}
