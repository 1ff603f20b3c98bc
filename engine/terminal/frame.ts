/** The whole view as lines for a terminal of a given size. Pure: the same in, the same out. */
import type { EngineStatus } from "../../monitoring/status.ts";
import { actorSection } from "./actor-section.ts";
import { compose } from "./compose.ts";
import { flow } from "./flow-section.ts";
import { health } from "./health-section.ts";
import { type History, paceOf } from "./history.ts";
import { partitionSection } from "./partition-section.ts";
import { render, type Style } from "./style.ts";
import { bad, flush, footer, header } from "./summary-sections.ts";

export interface Size {
	readonly columns: number;
	readonly rows: number;
}

export interface FrameOptions {
	readonly status: EngineStatus;
	/** `status` is its newest sample. */
	readonly history: History;
	/** Wall clock, in ms since 1970. */
	readonly nowMs: number;
	/** Of the engine's HTTP port. */
	readonly url: string;
	readonly size: Size;
	readonly style: Style;
}

/** A fifth of the terminal stays for the newest lines of the log, so that they can be read above the view. */
const LOG_SHARE = 0.2;
const LOG_ROWS_MIN = 2;
/** The cursor stands below the frame. */
const CURSOR_ROWS = 1;

/**
 * At most as many lines as leave room for the log, each narrower than the terminal: a line as wide as it is would be
 * taken for one that goes on in the next row, and moved when the window is made narrower.
 */
export function frame({ status, history, nowMs, url, size, style }: FrameOptions): string[] {
	const columns = Math.max(1, size.columns - 1);
	const rows = size.rows - CURSOR_ROWS - Math.max(LOG_ROWS_MIN, Math.floor(size.rows * LOG_SHARE));
	const view = { status, history, pace: paceOf(history), nowMs, url, columns, style };
	const sections = [header, health, flow, flush, bad, partitionSection, actorSection, footer];
	const lines = compose(
		sections.map((section) => section(view)),
		Math.max(1, rows),
	);
	return lines.map((line) => render(line, columns, style));
}
