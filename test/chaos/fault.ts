/** What a fault is: something done to one victim, and its undoing. */
import type { World } from "./world.ts";

/** Whom a fault strikes. Two faults at the same time have different victims, but for several engines. */
export type Victim = "engine" | "postgres" | "broker" | "postgres-wire" | "kafka-wire" | "messages";

/** Undoes the fault: resolves when what was done to the victim is over, not when the engines are well again. */
export type Lift = () => Promise<void>;

export interface Fault {
	readonly name: string;
	readonly victim: Victim;
	/** How often it is chosen, relative to the others. */
	readonly weight: number;
	/** Bounds of the time between strike and lift, in ms. */
	readonly holdMs: readonly [least: number, most: number];
	/** It waits for a certain moment of a healthy engine, so the faults beside it come a little later. */
	readonly aims?: true;
	/** Resolves when the victim is struck. Throws `MissedError`. */
	strike(world: World): Promise<Lift>;
}

/** For faults that are over when they are struck. */
export const nothingToLift: Lift = () => Promise.resolve();
