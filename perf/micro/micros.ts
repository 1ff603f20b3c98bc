/** All micro-benchmarks, in the order in which an event meets them. */
import { ACTOR, ENCODE, FOLD, JUDGE, MEMBERS, PARSE, VALIDATE } from "./actor-thread.ts";
import { DECODE, ROUTE, TRANSFER } from "./main-thread.ts";
import type { Micro } from "./micro.ts";

export const MICROS: readonly Micro[] = [
	DECODE,
	ROUTE,
	TRANSFER,
	PARSE,
	VALIDATE,
	FOLD,
	MEMBERS,
	ENCODE,
	ACTOR,
	JUDGE,
];
