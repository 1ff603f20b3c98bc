/** What comes in, what is stored, how far behind it is, how long it takes; curves when there is room. Pure. */

import { totalLag, worstLagSeconds } from "../../monitoring/lag-totals.ts";
import { ALERTS } from "../../monitoring/thresholds.ts";
import { withCommas } from "../commands/progress.ts";
import type { Section } from "./compose.ts";
import { curve } from "./curves.ts";
import { ratesOf } from "./history.ts";
import { type Line, type Piece, piece, type Tone } from "./style.ts";
import { padEnd, padStart, widthOf } from "./text.ts";
import { columnsBehindLabel, labelled, type View } from "./view.ts";
import { perSecond, plural, seconds } from "./words.ts";

const LAG_SECONDS_MAX = ALERTS.EngineFreshnessHigh.conditions[0].value;
const LAG_EVENTS_MAX = ALERTS.EngineLagGrowing.conditions[0].value;
/** `1,234,567/s`. */
const RATE_COLUMNS = 11;
const GAP = "  ";

export function flow(view: View): Section {
	const { status, history, pace, style } = view;
	const lag = totalLag(status);
	const behind = worstLagSeconds(status);
	const lagPiece = (text: string): Piece =>
		lag === null ? piece("dim", "not known yet") : piece(lagTone(lag, behind), text);
	const short = labelled(
		"read",
		`${perSecond(pace.consumedPerSecond)}  `,
		piece("dim", "stored "),
		`${perSecond(pace.storedPerSecond)}  `,
		piece("dim", "lag "),
		lagPiece(lag === 0 ? "0" : `${withCommas(lag ?? 0)}, ${seconds(behind ?? 0)}`),
	);
	const withCurve = (label: string, value: Piece, values: readonly (number | null)[]): Line => {
		const text = padEnd(padStart(value.text, RATE_COLUMNS), RATE_COLUMNS);
		const room = columnsBehindLabel(view) - widthOf(text) - GAP.length;
		return labelled(label, { ...value, text }, GAP, piece("busy", curve(values, room, style.glyphs)));
	};
	const curves = (): Line[] => [
		withCurve("read", piece("plain", perSecond(pace.consumedPerSecond)), ratesOf(history, "consumed")),
		withCurve("stored", piece("plain", perSecond(pace.storedPerSecond)), ratesOf(history, "stored")),
		withCurve(
			"lag",
			lagPiece(lag === 0 ? "0" : `${plural(lag ?? 0, "event")}, oldest ${seconds(behind ?? 0)}`),
			history.map((sample) => sample.lag),
		),
	];
	const lines = { 1: () => [short], 3: curves, 4: () => [...curves(), latencyOf(view)] } as const;
	return {
		priority: 2,
		startsGroup: true,
		sizes: [1, 3, 4],
		draw: (count) => lines[count as keyof typeof lines](),
	};
}

/** As the alerts see it: a page's threshold is bad, a ticket's a warning. */
export function lagTone(lag: number, behindSeconds: number | null): Tone {
	if ((behindSeconds ?? 0) > LAG_SECONDS_MAX) return "bad";
	return lag > LAG_EVENTS_MAX ? "warn" : "plain";
}

function latencyOf({ status: { latency } }: View): Line {
	if (latency === null) return labelled("latency", piece("dim", "nothing stored lately"));
	const { p50Seconds, p99Seconds } = latency;
	return labelled(
		"latency",
		`half within ${seconds(p50Seconds)}, 99 % within ${seconds(p99Seconds)}`,
		piece("dim", " from Kafka to commit"),
	);
}
