/** What happens to engines: killed, restarted, frozen, joined by another. */
import { setTimeout as sleep } from "node:timers/promises";
import { holdStep, type Step } from "../support/hold-step.ts";
import { close, connectTo } from "./database-client.ts";
import { type Fault, type Lift, nothingToLift } from "./fault.ts";
import type { Seat } from "./fleet.ts";
import { MissedError } from "./missed-error.ts";
import type { World } from "./world.ts";

/** Past the session time-out of 6 s: the group gives its partitions away. */
const PAST_SESSION_MS = [7_500, 10_000] as const;
const COMMIT_STEPS: readonly Step[] = ["move offsets", "COPY events", "users", "sessions", "hours", "COMMIT"];
/** Commits come several times a second while all is well. */
const COMMIT_WITHIN_MS = 6_000;
/** An engine starts, joins and claims. */
const CLAIM_WITHIN_MS = 25_000;
/** The session of 6 s, the patience of 5 s with a lock, and what else strikes meanwhile. */
const REPLACED_WITHIN_MS = 60_000;
const KILLS = 3;

export const ENGINE_FAULTS: readonly Fault[] = [
	{
		name: "engine-kill",
		victim: "engine",
		weight: 4,
		holdMs: [0, 3_000],
		strike: (world) => withSeat(world, (seat) => killed(world, seat)),
	},
	{
		name: "engine-kill-for-long",
		victim: "engine",
		weight: 1,
		holdMs: PAST_SESSION_MS,
		strike: (world) => withSeat(world, (seat) => killed(world, seat)),
	},
	{
		name: "engine-kill-loop",
		victim: "engine",
		weight: 2,
		holdMs: [0, 500],
		strike: (world) =>
			withSeat(world, async (seat) => {
				for (let time = 1; time < KILLS; time++) {
					await world.fleet.kill(seat);
					world.fleet.start(seat);
					await sleep(500 + world.random.below(2_000));
				}
				return await killed(world, seat);
			}),
	},
	{
		name: "engines-kill-all",
		victim: "engine",
		weight: 1,
		holdMs: [0, 2_000],
		async strike({ fleet }) {
			const seats = fleet.running.filter(({ isTaken }) => !isTaken);
			if (seats.length === 0) throw new MissedError("no engine is free to be struck");
			for (const seat of seats) seat.isTaken = true;
			await Promise.all(seats.map((seat) => fleet.kill(seat)));
			return async () => {
				for (const seat of seats) {
					fleet.start(seat);
					seat.isTaken = false;
				}
			};
		},
	},
	{
		name: "engine-restart",
		victim: "engine",
		weight: 3,
		holdMs: [0, 3_000],
		strike: (world) =>
			withSeat(world, async (seat) => {
				await world.fleet.stop(seat);
				return async () => void world.fleet.start(seat);
			}),
	},
	{
		name: "engine-joins",
		victim: "engine",
		weight: 3,
		holdMs: [1_000, 7_000],
		async strike({ fleet }) {
			const seat = fleet.takeEmpty();
			fleet.start(seat);
			return async () => {
				await fleet.stop(seat);
				seat.isTaken = false;
			};
		},
	},
	{
		name: "engine-freeze",
		victim: "engine",
		weight: 2,
		holdMs: [200, 4_000],
		strike: (world) => withSeat(world, frozen),
	},
	{
		name: "engine-freeze-past-session",
		victim: "engine",
		weight: 2,
		holdMs: PAST_SESSION_MS,
		strike: (world) => withSeat(world, frozen),
	},
	{
		name: "engine-freeze-in-a-step",
		victim: "engine",
		aims: true,
		weight: 3,
		holdMs: PAST_SESSION_MS,
		strike: (world) =>
			withSeat(world, (seat) => frozenAt(world, seat, world.random.pick(COMMIT_STEPS), COMMIT_WITHIN_MS)),
	},
	{
		name: "engine-freeze-until-replaced",
		victim: "engine",
		aims: true,
		weight: 2,
		holdMs: [0, 0],
		async strike(world) {
			if (world.fleet.running.length < 2) throw new MissedError("nobody is there to take over");
			return await withSeat(world, async (seat) => {
				const thaw = await frozenAt(world, seat, world.random.pick(COMMIT_STEPS), COMMIT_WITHIN_MS);
				return async () => {
					try {
						await untilReplaced(world);
					} finally {
						await thaw();
					}
				};
			});
		},
	},
	{
		name: "engine-freeze-in-its-claim",
		victim: "engine",
		weight: 1,
		holdMs: PAST_SESSION_MS,
		strike: (world) =>
			withSeat(world, async (seat) => {
				await world.fleet.stop(seat);
				world.fleet.start(seat);
				return await frozenAt(world, seat, "claim", CLAIM_WITHIN_MS);
			}),
	},
];

async function withSeat(world: World, strike: (seat: Seat) => Promise<Lift>): Promise<Lift> {
	const seat = world.fleet.take();
	try {
		const lift = await strike(seat);
		return async () => {
			await lift();
			seat.isTaken = false;
		};
	} catch (error) {
		seat.isTaken = false;
		throw error;
	}
}

async function killed({ fleet }: World, seat: Seat): Promise<Lift> {
	await fleet.kill(seat);
	return async () => void fleet.start(seat);
}

async function frozen({ engine }: Seat): Promise<Lift> {
	if (engine === null) return nothingToLift;
	engine.kill("SIGSTOP");
	return async () => engine.kill("SIGCONT");
}

/** Stops it while its transaction stands at a step; the statement then goes on in the server, with nobody to end it. */
async function frozenAt({ database }: World, seat: Seat, step: Step, deadlineMs: number): Promise<Lift> {
	const { engine } = seat;
	if (engine === null) throw new MissedError("its engine is gone");
	const client = await connectTo(database, "chaos hold").catch((error) => {
		throw new MissedError(`no hold without Postgres: ${error.message}`);
	});
	try {
		const held = await holdStep(client, step, engine.pid);
		try {
			await held.reached({ deadlineMs });
		} catch (error) {
			await held.release();
			throw error;
		}
		engine.kill("SIGSTOP");
		// When Postgres has died meanwhile, the lock has died with it.
		await held.release().catch(() => {});
	} catch (error) {
		throw new MissedError(`the step "${step}" did not come: ${(error as Error).message}`);
	} finally {
		close(client);
	}
	return async () => engine.kill("SIGCONT");
}

/** While its partitions and the locks of its open transaction are a frozen engine's, the others must get going again. */
async function untilReplaced({ watch }: World): Promise<void> {
	const { allMs } = await watch.recovered(performance.now(), REPLACED_WITHIN_MS);
	if (allMs === null)
		throw new Error(
			`not every partition went on within ${REPLACED_WITHIN_MS} ms while an engine stayed frozen`,
		);
}
