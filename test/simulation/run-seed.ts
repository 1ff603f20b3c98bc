/** One seed: a world in which things fail, then a calm one in which everything must come right. */
import type { Log } from "../../engine/log.ts";
import { createLog } from "../../engine/log.ts";
import { type Host, installVirtualTimers } from "./host.ts";
import { installSimulatedClient } from "./pg-client.ts";
import { SimServer } from "./pg-server.ts";
import { placeOf } from "./pg-tables.ts";
import { installDeadlyValidator } from "./sim-actors.ts";
import type { Surroundings } from "./sim-engine.ts";
import { Fleet, injure } from "./sim-faults.ts";
import { SimGroup } from "./sim-group.ts";
import { SimTopic } from "./sim-topic.ts";
import { isAtRest, isSettled, judge } from "./sim-verdict.ts";
import { World } from "./world.ts";

/** Virtual time in which things fail. */
const FAULTS_MS = 12_000;
/** When the last record is written: after it the topic is quiet, and nothing new tells an engine what it has missed. */
const FILLED_MS = 9_000;
/** I7: virtual time after the last fault in which everything must be stored. */
const CALM_MS_MAX = 60_000;
/** A record that kills, or hangs, its actor goes on doing so: five times, each with a recovery, until it is condemned. */
const DEADLY_MS_MAX = 25_000;
const STEP_MS = 100;
/** In some seeds nothing dies of a record, so that the other faults are met without it. */
const DEADLY_SHARE = 0.4;

/** In these the database goes back once more when all is stored. */
const RESTORED_AT_REST_SHARE = 0.15;

const SILENT: Log = createLog({ level: "silent", format: "json" });

export interface SeedResult {
	readonly seed: number;
	readonly problems: readonly string[];
	/** How often each kind of fault, and each other thing of note, happened. */
	readonly met: ReadonlyMap<string, number>;
	/** Events that happened. */
	readonly steps: number;
	readonly virtualMs: number;
	/** Over the whole trace: the same for two runs of a seed. */
	readonly hash: number;
}

/** Replaces what the engine takes from the process (timers, the driver's client); undone by calling what it returns. */
export function installSimulation(): () => void {
	const undo = [installVirtualTimers(), installSimulatedClient(), installDeadlyValidator()];
	return () => {
		for (const each of undo) each();
	};
}

/** `onSay` is told every line of the trace, the engines' log lines among them. Needs `installSimulation`. */
export async function runSeed(
	seed: number,
	onSay: ((line: string) => void) | null = null,
): Promise<SeedResult> {
	const world = new World(seed);
	world.onSay = onSay;
	const unhandled = (reason: unknown) =>
		world.problem(`unhandled rejection: ${(reason as Error)?.stack ?? reason}`);
	process.on("unhandledRejection", unhandled);
	try {
		await live(world, onSay === null ? () => SILENT : (host) => tracingLog(world, host));
	} finally {
		process.off("unhandledRejection", unhandled);
	}
	const { met, steps, nowMs, hash } = world;
	return { seed, problems: [...world.problems], met, steps, virtualMs: nowMs, hash };
}

async function live(world: World, logOf: (host: Host) => Log): Promise<void> {
	const topic = new SimTopic(world, FILLED_MS, world.random.chance(DEADLY_SHARE));
	const group = new SimGroup(world, topic);
	const server = new SimServer(world, topic);
	const around: Surroundings = { world, topic, group, server, logOf };
	const fleet = new Fleet(around, 1 + world.random.below(3));
	server.onClaimed = (process, beganMs) => {
		const claimer = fleet.engines.find(({ host }) => host === process);
		if (claimer !== undefined) group.claimed(claimer.source, beganMs);
	};
	const step = async () => {
		await world.advance(STEP_MS);
		fleet.attend();
	};
	while (world.nowMs < FAULTS_MS && world.problems.size === 0) {
		await step();
		injure(fleet, around);
	}
	world.faults = false;
	if (topic.count < topic.logs.length) {
		topic.count = topic.logs.length;
		group.rebalance();
	}
	while (!fleet.whole && world.problems.size === 0) await step();
	for (const partition of topic.recreated.keys()) {
		// Whatever came in between: while it is deleted it is nobody's, and then somebody claims it.
		group.rebalance(partition);
		for (let i = 0; i < 5; i++) await step();
		group.rebalance();
	}
	await converge(around, fleet, step);
	if (world.problems.size > 0 || !world.random.chance(RESTORED_AT_REST_SHARE)) return;
	// Nothing will be sent any more: whoever is to notice must do so by itself.
	world.note("restored at rest");
	server.restart(true);
	await converge(around, fleet, step);
}

/** I7, and then everything else. */
async function converge(around: Surroundings, fleet: Fleet, step: () => Promise<void>): Promise<void> {
	const { world, topic, server } = around;
	const sinceMs = world.nowMs;
	const deadly = topic.deadly.filter(
		({ partition, offset }) => !server.tables.dead.has(placeOf(partition, offset)),
	);
	const untilMs = sinceMs + CALM_MS_MAX + deadly.length * DEADLY_MS_MAX;
	const isDone = () => fleet.whole && isSettled(around, fleet.engines) && isAtRest(around, fleet.engines);
	while (!isDone() && world.problems.size === 0 && world.nowMs < untilMs) await step();
	if (world.problems.size > 0) return;
	if (isDone()) {
		judge(around);
		return;
	}
	const rows = topic.logs.map(({ end }, partition) => {
		return { end, low: topic.lows[partition], next: server.tables.rows.get(partition)?.next_offset };
	});
	const engines = fleet.engines.map((engine) => engine.describe());
	const state = JSON.stringify({ rows, locks: server.describe(), engines });
	world.problem(
		`I7: HANG: not everything is stored and at rest ${untilMs - sinceMs} ms after the last fault: ${state}`,
	);
}

function tracingLog(world: World, host: Host): Log {
	const write = (line: string) => {
		const { level, component, msg } = JSON.parse(line);
		world.onSay?.(`${world.nowMs.toFixed(1).padStart(9)} ${host.name} ${level} ${component}: ${msg}`);
	};
	return createLog({ level: "debug", format: "json" }, { write });
}
