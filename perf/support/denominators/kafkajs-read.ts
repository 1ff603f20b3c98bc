/** Denominator 1: a bare kafkajs read of the same topic, in a process of its own. */
import { fileURLToPath } from "node:url";
import type { ScenarioContext } from "../scenario.ts";
import { runChild } from "./child.ts";

export interface ReadRequest {
	readonly brokers: string;
	readonly topic: string;
	readonly groupId: string;
	/** Records to read, all of them. */
	readonly sent: number;
}

export interface ReadResult {
	/** Behind the first batch, whose arrival begins the interval, as the engine's first commit does. */
	readonly events: number;
	readonly seconds: number;
	/** Of the reading process, in the same interval. */
	readonly cpuSeconds: number;
	/** Of all values read. */
	readonly bytes: number;
}

export interface Denominator {
	readonly eventsPerSecond: number;
	/** CPU time in µs per event of the process, and of Postgres where it takes part; null when unknown. */
	readonly cpuMicrosPerEvent: { readonly own: number | null; readonly postgres: number | null };
}

const READER = fileURLToPath(new URL("./kafkajs-reader.js", import.meta.url));

/** @throws Error when the reader fails */
export async function readWithKafkajs(
	context: Pick<ScenarioContext, "signal">,
	request: ReadRequest,
): Promise<Denominator> {
	const { stdout } = await runChild([process.execPath, READER, JSON.stringify(request)], context.signal);
	const { events, seconds, cpuSeconds } = JSON.parse(stdout) as ReadResult;
	return {
		eventsPerSecond: events / seconds,
		cpuMicrosPerEvent: { own: (cpuSeconds * 1e6) / events, postgres: null },
	};
}
