/** The worker threads: how full their mailboxes are, how much they fold, how busy they are. Pure. */

import type { ActorStatus } from "../../monitoring/status.ts";
import { ALERTS } from "../../monitoring/thresholds.ts";
import { withCommas } from "../commands/progress.ts";
import { type Section, tableSizes } from "./compose.ts";
import { bar } from "./curves.ts";
import { type Line, piece, type Tone } from "./style.ts";
import { table } from "./table.ts";
import { labelled, type View } from "./view.ts";
import { kilobytes, percent, perSecond, plural } from "./words.ts";

const BAR_COLUMNS = 10;
/** Above it a thread is what limits the rate. */
const BUSY_SHARE = 0.9;
const RESTARTS_MAX = ALERTS.EngineActorRestarting.conditions[0].value;

export function actorSection(view: View): Section {
	const { actors } = view.status;
	return {
		priority: 7,
		startsGroup: true,
		sizes: tableSizes(actors.length),
		draw(lines) {
			if (lines === 1) return [labelled("actors", ...summaryOf(view))];
			if (lines === actors.length + 1) return tableOf(actors, view);
			const shown = actors.slice(0, lines - 2);
			const more = `and ${withCommas(actors.length - shown.length)} more; all: `;
			return [...tableOf(shown, view), [piece("dim", more), ...summaryOf(view)]];
		},
	};
}

function summaryOf({ status: { actors }, pace, style }: View): Line {
	if (actors.length === 0) return ["none"];
	const { separator } = style.glyphs;
	const busy = actors.map((_, shard) => pace.actors[shard]?.busy ?? 0);
	const bytes = actors.reduce((sum, { mailboxBytes }) => sum + mailboxBytes, 0);
	const restarts = actors.reduce((sum, actor) => sum + actor.restarts, 0);
	return [
		`${withCommas(actors.length)}${separator}busy `,
		actors.length <= 4
			? busy.map(percent).join(" ")
			: `${percent(busy.reduce((sum, share) => sum + share, 0) / busy.length)}, the busiest ${percent(Math.max(...busy))}`,
		`${separator}mailboxes ${kilobytes(bytes)}`,
		...(restarts > 0 ? [separator, piece(restartTone(restarts), plural(restarts, "restart"))] : []),
	];
}

function tableOf(shown: readonly ActorStatus[], { status, pace, columns, style }: View): Line[] {
	const { credit, actors } = status;
	/** At an even share of what may be under way, the mailbox counts as full. */
	const fullBytes = credit.actorBytesMax / Math.max(1, actors.length);
	const paceOf = (shard: number) => pace.actors[shard] ?? { busy: 0, recordsPerSecond: 0 };
	return table(
		[
			{
				title: "actor",
				align: "right",
				importance: 9,
				cells: shown.map(({ shard }) => piece("plain", String(shard))),
			},
			{
				title: "mailbox",
				align: "left",
				importance: 8,
				cells: shown.map(({ mailboxBytes }) => {
					const share = Math.min(1, mailboxBytes / fullBytes);
					return piece(share >= BUSY_SHARE ? "warn" : "busy", bar(share, BAR_COLUMNS, style.glyphs));
				}),
			},
			{
				title: "waiting",
				align: "right",
				importance: 4,
				cells: shown.map(({ mailboxSlices, mailboxBytes }) =>
					piece("plain", `${plural(mailboxSlices, "slice")}, ${kilobytes(mailboxBytes)}`),
				),
			},
			{
				title: "events",
				align: "right",
				importance: 5,
				cells: shown.map(({ shard }) => piece("plain", perSecond(paceOf(shard).recordsPerSecond))),
			},
			{
				title: "busy",
				align: "right",
				importance: 7,
				cells: shown.map(({ shard }) => {
					const { busy } = paceOf(shard);
					return piece(busy >= BUSY_SHARE ? "warn" : "plain", percent(busy));
				}),
			},
			{
				title: "restarts",
				align: "right",
				importance: 6,
				cells: shown.map(({ restarts }) => piece(restartTone(restarts), withCommas(restarts))),
			},
		],
		columns,
	);
}

function restartTone(restarts: number): Tone {
	return restarts > RESTARTS_MAX ? "warn" : "plain";
}
