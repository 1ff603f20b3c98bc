/**
 * Preloaded into an engine (`NODE_OPTIONS=--import=...`): events of certain users kill the actor that folds them, each in
 * its own way. What runs is otherwise the real engine, which has no switch for this.
 */
import { register } from "node:module";
import { getEnvironmentData, isMainThread, setEnvironmentData } from "node:worker_threads";
import type { PartitionState } from "../../workers/partition-state.ts";

/** `crash` throws, `exit` ends the thread, `hang` never returns, `memory` allocates until there is none. */
export type Death = "crash" | "exit" | "hang" | "memory";

/** Deaths of one kind that users may cause: all of them, or a number, after which such events are harmless. */
export type Times = number | "always";

/** The user whose event kills its actor so often. Each `name` has an account of its own, over all threads. */
export function deadlyUser(death: Death, times: Times, name = 0): string {
	return `deadly ${death} ${times} ${name}`;
}

export interface DeadlyOptions {
	/** Which starts of actor threads fail, counted from 1. */
	readonly startsThatFail?: readonly number[];
	/** An actor is silent after this long: a test has no time for the real 30 s, twice, and 5 s, three times. */
	readonly silenceMs?: number;
}

/** Environment for an engine with deadly events. */
export function deadlyEnvironment(options: DeadlyOptions = {}): Record<string, string> {
	const { startsThatFail = [], silenceMs = 60_000 } = options;
	return {
		NODE_OPTIONS: `--import=${import.meta.url}`,
		DEADLY_STARTS: startsThatFail.join() || "none",
		DEADLY_SILENCE_MS: String(silenceMs),
	};
}

const KEY = "deaths so far";
const NAMES_MAX = 64;
const failing = process.env["DEADLY_STARTS"];

// A test that imports the names is no engine, and stays well.
if (failing !== undefined) {
	if (isMainThread) {
		setEnvironmentData(KEY, new SharedArrayBuffer(4 * (NAMES_MAX + 1)));
		changeSilence(Number(process.env["DEADLY_SILENCE_MS"]));
	} else {
		const counts = new Int32Array(getEnvironmentData(KEY) as unknown as SharedArrayBuffer);
		const start = Atomics.add(counts, NAMES_MAX, 1) + 1;
		if (failing.split(",").includes(String(start))) throw new Error(`start ${start} of a thread fails`);
		await poison(counts);
	}
}

async function poison(counts: Int32Array): Promise<void> {
	const { PartitionState } = await import("../../workers/partition-state.ts");
	const { addEvent } = PartitionState.prototype;
	PartitionState.prototype.addEvent = function (this: PartitionState, event, ...rest) {
		const userId = Buffer.from(event.user.subarray(event.userStart, event.userEnd)).toString("utf8");
		if (userId.startsWith("deadly ")) {
			const [, death, times, name] = userId.split(" ");
			const deaths = Atomics.add(counts, Number(name), 1);
			if (times === "always" || deaths < Number(times)) die(death as Death);
		}
		addEvent.call(this, event, ...rest);
	};
}

function die(death: Death): void {
	switch (death) {
		case "crash":
			throw new Error("a deadly event");
		case "exit":
			process.exit(7);
			break;
		case "hang":
			for (;;);
		case "memory": {
			const hoard: unknown[] = [];
			for (;;) hoard.push(new Array(1_000_000).fill(hoard.length));
		}
	}
}

/** Rewrites two constants of engine/limits.js as it is loaded. */
function changeSilence(silenceMs: number): void {
	const hooks = `export async function load(url, context, next) {
		const loaded = await next(url, context);
		if (!url.endsWith("/engine/limits.js")) return loaded;
		let found = 0;
		const source = String(loaded.source).replace(/(actor|suspect)SilenceMsMax: [0-9_]+/g, (_, whose) => {
			found++;
			return whose + "SilenceMsMax: ${silenceMs}";
		});
		if (found !== 2) throw new Error("engine/limits.js has no silence to change");
		return { ...loaded, source };
	}`;
	register(`data:text/javascript,${encodeURIComponent(hooks)}`);
}
