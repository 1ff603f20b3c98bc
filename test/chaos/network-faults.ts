/** What happens on the wires between engines and servers: cut, silent, slow, half open, and a COMMIT lost on its way. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Fate, TcpProxy, Way } from "../support/tcp-proxy.ts";
import { waitUntil } from "../support/wait-until.ts";
import { type Fault, type Lift, nothingToLift, type Victim } from "./fault.ts";
import { MissedError } from "./missed-error.ts";
import type { World } from "./world.ts";

const CUTS = 5;
const CUT_PAUSE_MS = 600;
/** Commits come four times a second while all is well. */
const COMMIT_WITHIN_MS = 6_000;
/** The simple query protocol: the text and its end, in a packet of their own. */
const COMMIT = Buffer.from("COMMIT\0");

type WireVictim = Extract<Victim, "postgres-wire" | "kafka-wire">;

/** The same for both kinds of wire. */
function faultsOf(kind: "postgres" | "kafka"): readonly Fault[] {
	const victim: WireVictim = `${kind}-wire`;
	const silent = (way: Way) => async (world: World) => {
		const proxies = someProxies(world, victim);
		for (const proxy of proxies) proxy.freeze(way);
		return thaw(proxies);
	};
	return [
		{
			name: `${kind}-wire-cut`,
			victim,
			weight: 2,
			holdMs: [0, 0],
			async strike(world) {
				for (let time = 0; time < CUTS; time++) {
					for (const proxy of someProxies(world, victim)) proxy.cut();
					await sleep(world.random.below(CUT_PAUSE_MS));
				}
				return nothingToLift;
			},
		},
		{ name: `${kind}-wire-silent`, victim, weight: 2, holdMs: [500, 8_000], strike: silent("both") },
		{ name: `${kind}-answers-silent`, victim, weight: 1, holdMs: [500, 8_000], strike: silent("answers") },
		{ name: `${kind}-requests-silent`, victim, weight: 1, holdMs: [500, 8_000], strike: silent("requests") },
		{
			name: `${kind}-wire-slow`,
			victim,
			weight: 1,
			holdMs: [2_000, 8_000],
			async strike(world) {
				const proxies = someProxies(world, victim);
				for (const proxy of proxies) proxy.delayMs = 20 + world.random.below(180);
				return async () => {
					for (const proxy of proxies) proxy.delayMs = 0;
				};
			},
		},
		{ name: `${kind}-half-open-server`, victim, weight: 1, holdMs: [1_000, 8_000], strike: lost("client") },
		{ name: `${kind}-half-open-client`, victim, weight: 1, holdMs: [1_000, 8_000], strike: lost("server") },
	];

	/** This end is gone; the other believes for a while that it has a connection. */
	function lost(end: "client" | "server") {
		return async (world: World): Promise<Lift> => {
			const proxies = someProxies(world, victim);
			for (const proxy of proxies) proxy.lose(end);
			return thaw(proxies);
		};
	}
}

export const NETWORK_FAULTS: readonly Fault[] = [
	...faultsOf("postgres"),
	...faultsOf("kafka"),
	commitFault("commit-dropped", "drop", [0, 500]),
	commitFault("commit-answer-lost", "swallow", [0, 500]),
	commitFault("commit-answer-late", "hold", [1_000, 9_000]),
];

/** The next COMMIT of one engine meets this fate. */
function commitFault(name: string, fate: Fate, holdMs: readonly [number, number]): Fault {
	return {
		name,
		victim: "postgres-wire",
		aims: true,
		weight: 3,
		holdMs,
		async strike(world) {
			const proxies = allProxies(world, "postgres-wire");
			const struck: TcpProxy[] = [];
			for (const proxy of proxies) {
				proxy.onRequest = (chunk) => {
					if (struck.length > 0 || !chunk.includes(COMMIT)) return "pass";
					struck.push(proxy);
					return fate;
				};
			}
			try {
				await waitUntil(() => struck.length > 0, { deadlineMs: COMMIT_WITHIN_MS, everyMs: 20 });
			} catch {
				throw new MissedError("no COMMIT came by");
			} finally {
				for (const proxy of proxies) proxy.onRequest = () => "pass";
			}
			return thaw(struck);
		},
	};
}

function thaw(proxies: readonly TcpProxy[]): Lift {
	return async () => {
		for (const proxy of proxies) proxy.thaw();
	};
}

/** Those of one engine, or of all. */
function someProxies(world: World, victim: WireVictim): readonly TcpProxy[] {
	const { random, fleet } = world;
	if (random.chance(0.5)) return allProxies(world, victim);
	const seats = fleet.running;
	if (seats.length === 0) throw new MissedError("there is no engine whose wire could be struck");
	const { postgres, kafka } = random.pick(seats).wires;
	return victim === "postgres-wire" ? [postgres] : kafka.proxies;
}

function allProxies({ fleet }: World, victim: WireVictim): readonly TcpProxy[] {
	return fleet.seats.flatMap(({ wires }) =>
		victim === "postgres-wire" ? [wires.postgres] : wires.kafka.proxies,
	);
}
