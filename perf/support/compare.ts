/** Two results of the same scenario side by side: what is better, what is worse, and what fell too far. */
import type { Better, Figure, ScenarioResult } from "./result.ts";

/** The part of a result that is compared, and all that a baseline keeps. */
export type Comparable = Pick<
	ScenarioResult,
	"scenario" | "at" | "command" | "machine" | "versions" | "options" | "figures" | "ratios"
>;

export type Verdict = "better" | "worse" | "same" | "fallen" | "gone" | null;

/** One line of a comparison. */
export interface Line {
	readonly name: string;
	readonly unit: string;
	readonly isRatio: boolean;
	readonly before: number;
	/** Null: it is not in the newer result. */
	readonly after: number | null;
	/** Change in the good direction as a share of `before`: -0.3 is 30 % worse; null when there is no good direction. */
	readonly gain: number | null;
	/** Null where nothing can be said: no good direction, or figures of another machine. */
	readonly verdict: Verdict;
}

export interface Comparison {
	readonly scenario: string;
	readonly lines: readonly Line[];
	/** Why figures or ratios cannot be compared plainly, as sentences. */
	readonly warnings: readonly string[];
	/** Ratios that fell by more than the tolerance or are gone, as sentences. */
	readonly fallen: readonly string[];
}

/** What repeated runs on a quiet machine differ by. */
const SAME_WITHIN = 0.05;

/**
 * @param tolerance a ratio that is worse by more than this share has fallen; 0.25 is a quarter
 * @throws RangeError for results of different scenarios
 */
export function compare(before: Comparable, after: Comparable, tolerance: number): Comparison {
	if (before.scenario !== after.scenario)
		throw new RangeError(`${before.scenario} and ${after.scenario} are different scenarios`);
	const isSameMachine =
		before.machine.cpu === after.machine.cpu && before.machine.cores === after.machine.cores;
	const ratios = before.ratios.map((ratio) => lineOf(ratio, after.ratios, { isRatio: true, tolerance }));
	const figures = before.figures
		.filter(({ name }) => after.figures.some((figure) => figure.name === name))
		.map((figure) => lineOf(figure, after.figures, { isRatio: false, tolerance, isSameMachine }));
	return {
		scenario: before.scenario,
		lines: [...ratios, ...figures],
		warnings: warningsOf(before, after, isSameMachine),
		fallen: ratios.flatMap((line) => fallenSentence(before.scenario, line, tolerance)),
	};
}

interface Judging {
	readonly isRatio: boolean;
	readonly tolerance: number;
	readonly isSameMachine?: boolean;
}

function lineOf(figure: Figure, others: readonly Figure[], judging: Judging): Line {
	const { name, unit, value: before } = figure;
	const other = others.find((candidate) => candidate.name === name);
	const after = other?.value ?? null;
	// The newer run may say itself that its value is not to be judged, as a drain on a machine without psql does.
	const better = other?.better === null ? null : figure.better;
	const gain = after === null ? null : gainOf(before, after, better);
	return {
		name,
		unit,
		isRatio: judging.isRatio,
		before,
		after,
		gain,
		verdict: verdictOf(better, after, gain, judging),
	};
}

/**
 * Both directions on one scale: half as fast and twice the cost are both -0.5.
 * @returns null when nothing is better or the scale has no zero to start from
 */
export function gainOf(before: number, after: number, better: Better): number | null {
	if (better === null) return null;
	const [from, to] = better === "higher" ? [before, after] : [after, before];
	if (from === to) return 0;
	return from === 0 ? null : to / from - 1;
}

function verdictOf(
	better: Better,
	after: number | null,
	gain: number | null,
	{ isRatio, tolerance, isSameMachine = true }: Judging,
): Verdict {
	if (better === null) return null;
	if (after === null) return "gone";
	if (gain === null || !isSameMachine) return null;
	if (isRatio && gain < -tolerance) return "fallen";
	if (Math.abs(gain) <= SAME_WITHIN) return "same";
	return gain > 0 ? "better" : "worse";
}

function fallenSentence(scenario: string, line: Line, tolerance: number): string[] {
	const { name, before, after, gain, verdict } = line;
	if (verdict === "gone") return [`${scenario}: ${name} is gone; it was ${before.toFixed(3)}`];
	if (verdict !== "fallen" || after === null || gain === null) return [];
	const allowed = `${Math.round(tolerance * 100)} % is allowed`;
	return [
		`${scenario}: ${name} fell from ${before.toFixed(3)} to ${after.toFixed(3)}: ${Math.round(-gain * 100)} % worse, ${allowed}`,
	];
}

function warningsOf(before: Comparable, after: Comparable, isSameMachine: boolean): string[] {
	const warnings: string[] = [];
	if (!isSameMachine) {
		const [a, b] = [before, after].map(({ machine }) => `${machine.cores} × ${machine.cpu}`);
		warnings.push(`other machines (${a}; ${b}): only ratios are compared`);
	}
	const names = new Set([...Object.keys(before.options), ...Object.keys(after.options)]);
	const differing = [...names].filter((name) => before.options[name] !== after.options[name]);
	if (differing.length > 0) {
		const list = differing.map((name) => `${name} ${before.options[name]} and ${after.options[name]}`);
		warnings.push(`other options: ${list.join(", ")}`);
	}
	return warnings;
}
