/** One round: the faults of a plan strike and are lifted, then the engines have to go on. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Fault } from "./fault.ts";
import { MissedError } from "./missed-error.ts";
import type { Round, Strike } from "./plan.ts";
import type { Recovery } from "./watch.ts";
import type { World } from "./world.ts";

export interface StrikeResult {
	readonly fault: string;
	/** Why it struck nothing; null when it did. */
	readonly missed: string | null;
	/** What went wrong with the striking itself, which is our own defect; null when all is well. */
	readonly broken: string | null;
}

export interface RoundResult extends Recovery {
	readonly strikes: readonly StrikeResult[];
	/** When its last fault was lifted, as of `performance.now()`. */
	readonly liftedAtMs: number;
}

export async function playRound(
	round: Round,
	faults: ReadonlyMap<string, Fault>,
	world: World,
	patienceMs: number,
): Promise<RoundResult> {
	const strikes = await Promise.all(round.map((strike) => play(strike, faults.get(strike.fault)!, world)));
	const liftedAtMs = performance.now();
	const recovery = await world.watch.recovered(liftedAtMs, patienceMs);
	return { strikes, liftedAtMs, ...recovery };
}

async function play({ fault, atMs, holdMs }: Strike, { strike }: Fault, world: World): Promise<StrikeResult> {
	await sleep(atMs);
	try {
		const lift = await strike(world);
		await sleep(holdMs);
		await lift();
		return { fault, missed: null, broken: null };
	} catch (error) {
		const { message } = error as Error;
		return error instanceof MissedError
			? { fault, missed: message, broken: null }
			: { fault, missed: null, broken: message };
	}
}
