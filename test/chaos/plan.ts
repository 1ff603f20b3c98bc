/** Which faults strike when: drawn from a seed, and the same for the same seed. Pure. */
import { type Random, shuffle } from "../../producer/random.ts";
import type { Fault } from "./fault.ts";

/** What the plan needs to know of a fault. */
export type Plannable = Pick<Fault, "name" | "victim" | "weight" | "holdMs" | "aims">;

export interface Strike {
	readonly fault: string;
	/** From the start of the round, in ms. */
	readonly atMs: number;
	/** From then to the lift, in ms. */
	readonly holdMs: number;
}

export type Round = readonly Strike[];

/** Two faults of a round: at the same time, or the second while the first is being recovered from. */
const SECOND_AFTER_LIFT_MS_MAX = 3_000;
const CHANCE_OF_TWO = 0.4;
const CHANCE_OF_THREE = 0.15;
const CHANCE_OF_RECOVERY = 0.5;
/** Strikes that are meant to be together do not all come in the same millisecond. */
const JITTER_MS = 700;
/** Commits come at least once a second: what aims at one has struck by then. */
const AIM_MS = 1_200;

/**
 * First every fault once, `together` at a time, the longest ones beside each other, in random order; then for ever by
 * weight, single and combined. Two faults of a round have different victims, except for up to `engines` engines.
 */
export function* plan(
	faults: readonly Plannable[],
	random: Random,
	{ together, engines }: { readonly together: number; readonly engines: number },
): Generator<Round, never> {
	const byLength = [...faults];
	shuffle(byLength, random);
	byLength.sort((a, b) => b.holdMs[1] - a.holdMs[1]);
	const groups: Plannable[][] = [];
	for (const fault of byLength) {
		const group = groups.find((one) => one.length < together && fits(one, fault, engines));
		if (group === undefined) groups.push([fault]);
		else group.push(fault);
	}
	shuffle(groups, random);
	for (const group of groups) yield timed(group, random);
	for (;;) yield timed(draw(faults, random, engines), random);
}

function draw(faults: readonly Plannable[], random: Random, engines: number): Plannable[] {
	const chance = random.float();
	const count = chance < CHANCE_OF_THREE ? 3 : chance < CHANCE_OF_THREE + CHANCE_OF_TWO ? 2 : 1;
	const chosen: Plannable[] = [];
	while (chosen.length < count) {
		const left = faults.filter((fault) => fits(chosen, fault, engines));
		if (left.length === 0) break;
		chosen.push(pickByWeight(left, random));
	}
	return chosen;
}

function fits(group: readonly Plannable[], fault: Plannable, engines: number): boolean {
	if (group.some(({ name }) => name === fault.name)) return false;
	const same = group.filter(({ victim }) => victim === fault.victim).length;
	return same < (fault.victim === "engine" ? engines : 1);
}

function pickByWeight(faults: readonly Plannable[], random: Random): Plannable {
	let rest = random.float() * faults.reduce((sum, { weight }) => sum + weight, 0);
	for (const fault of faults) {
		rest -= fault.weight;
		if (rest < 0) return fault;
	}
	return faults.at(-1)!;
}

function timed(group: readonly Plannable[], random: Random): Round {
	const inRecovery = group.length === 2 && random.chance(CHANCE_OF_RECOVERY);
	const isAimed = group.some(({ aims }) => aims);
	const strikes: Strike[] = [];
	for (const { name, holdMs, aims } of group) {
		const [least, most] = holdMs;
		const before = strikes.at(-1);
		const atMs =
			inRecovery && before !== undefined
				? before.holdMs + random.below(SECOND_AFTER_LIFT_MS_MAX)
				: random.below(JITTER_MS) + (isAimed && !aims ? AIM_MS : 0);
		strikes.push({ fault: name, atMs, holdMs: least + random.below(most - least + 1) });
	}
	return strikes;
}
