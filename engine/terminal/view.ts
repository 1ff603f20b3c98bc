import type { EngineStatus } from "../../monitoring/status.ts";
import type { History, Pace } from "./history.ts";
import type { Line, Style } from "./style.ts";
import { piece } from "./style.ts";

/** What a frame shows. */
export interface View {
	readonly status: EngineStatus;
	readonly history: History;
	readonly pace: Pace;
	/** Wall clock. */
	readonly nowMs: number;
	/** Of the engine's HTTP port. */
	readonly url: string;
	readonly columns: number;
	readonly style: Style;
}

/** Behind the labels of all lines values begin in the same column. */
const LABEL_COLUMNS = 14;

/** A line with a label before it. */
export function labelled(label: string, ...parts: Line): Line {
	return [piece("dim", label.padEnd(LABEL_COLUMNS)), ...parts];
}

/** What is left of a line behind its label. */
export function columnsBehindLabel({ columns }: Pick<View, "columns">): number {
	return columns - LABEL_COLUMNS;
}
