/** The end of a run as a table for people. Pure. */
import Table from "cli-table3";
import type { CampaignResult } from "./campaign.ts";
import type { RoundResult } from "./round.ts";

/** No colours: it goes into files as often as to a terminal. */
const STYLE = { head: [], border: [], compact: true };

interface Row {
	alone: number;
	combined: number;
	missed: number;
	firstMs: number;
	allMs: number;
	notRecovered: number;
}

/** Rounds by fault with the slowest recovery of each, then what the whole run came to. */
export function tableOf(result: CampaignResult): string {
	const table = new Table({
		head: ["fault", "alone", "combined", "missed", "slowest first commit", "slowest all partitions"],
		colAligns: ["left", "right", "right", "right", "right", "right"],
		style: STYLE,
	});
	for (const [fault, row] of [...rowsOf(result.rounds)].sort(([a], [b]) => (a < b ? -1 : 1))) {
		const slowest = row.notRecovered > 0 ? `${row.notRecovered} never` : seconds(row.allMs);
		table.push([fault, row.alone, row.combined, row.missed, seconds(row.firstMs), slowest]);
	}
	return `${table.toString()}\n${totalsOf(result).toString()}\n`;
}

/** What a run came to, in numbers. */
export function summaryOf({ seed, chapters, rounds, isFine }: CampaignResult) {
	const sum = (of: (chapter: CampaignResult["chapters"][number]) => number) =>
		chapters.reduce((total, chapter) => total + of(chapter), 0);
	const most = (values: readonly (number | null)[]) => Math.max(0, ...values.map((value) => value ?? 0));
	return {
		seed,
		isFine,
		chapters: chapters.length,
		rounds: rounds.length,
		strikes: rounds.flatMap(({ strikes }) => strikes).filter(({ missed }) => missed === null).length,
		messages: sum(({ messages }) => messages),
		snapshots: sum(({ snapshots }) => snapshots),
		lost: sum(({ lost }) => lost),
		behind: sum(({ behind }) => behind),
		repeated: sum(({ repeated }) => repeated),
		wrongHours: sum(({ wrongHours }) => wrongHours),
		slowestFirstCommitMs: Math.round(most(rounds.map(({ firstMs }) => firstMs))),
		slowestRecoveryMs: Math.round(most(rounds.map(({ allMs }) => allMs))),
		slowestHealingMs: Math.round(most(chapters.map(({ healedMs }) => healedMs))),
		unavailableMs: Math.round(sum(({ unavailableMs }) => unavailableMs)),
		memoryPeakMb: most(chapters.map(({ peakMb }) => peakMb)),
	};
}

function totalsOf(result: CampaignResult): Table.Table {
	const totals = summaryOf(result);
	const table = new Table({ colAligns: ["left", "right"], style: STYLE });
	table.push(
		["seed", totals.seed],
		["chapters", totals.chapters],
		["rounds", totals.rounds],
		["faults struck", totals.strikes],
		["messages", totals.messages],
		["snapshots that held", totals.snapshots],
		["lost", totals.lost],
		["not counted yet", totals.behind],
		["repeated", totals.repeated],
		["wrong hours", totals.wrongHours],
		["slowest first commit", seconds(totals.slowestFirstCommitMs)],
		["slowest recovery of all partitions", seconds(totals.slowestRecoveryMs)],
		["slowest healing", seconds(totals.slowestHealingMs)],
		["time without a commit", seconds(totals.unavailableMs)],
		["memory peak of an engine", `${totals.memoryPeakMb} MB`],
	);
	return table;
}

function rowsOf(rounds: readonly RoundResult[]): Map<string, Row> {
	const rows = new Map<string, Row>();
	for (const { strikes, firstMs, allMs } of rounds) {
		for (const { fault, missed } of strikes) {
			const row = rows.get(fault) ?? {
				alone: 0,
				combined: 0,
				missed: 0,
				firstMs: 0,
				allMs: 0,
				notRecovered: 0,
			};
			rows.set(fault, row);
			if (missed !== null) {
				row.missed++;
				continue;
			}
			if (strikes.length === 1) row.alone++;
			else row.combined++;
			row.firstMs = Math.max(row.firstMs, firstMs ?? 0);
			row.allMs = Math.max(row.allMs, allMs ?? 0);
			if (allMs === null) row.notRecovered++;
		}
	}
	return rows;
}

function seconds(ms: number): string {
	return `${(ms / 1_000).toFixed(1)} s`;
}
