/**
 * What starting and stopping an embedded server have in common: under the lock of its home, find the one that runs or
 * start one, and stop it when its last user goes.
 */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { UnavailableError } from "../errors.ts";
import {
	type DetachedCommand,
	findRecorded,
	logTail,
	type StopStep,
	startDetached,
	stopProcess,
} from "./detached.ts";
import type { LocalLog, PartName, Progress } from "./home.ts";
import { withLock } from "./lock.ts";
import { identify, isSameProcess, type ProcessIdentity } from "./process-identity.ts";
import { endUse, otherUsers, registerUse } from "./users.ts";

export interface StartOptions {
	/** `ENGINE_HOME`; made when it is not there. */
	readonly home: string;
	readonly log: LocalLog;
	/** Hears of what takes a while: a download, initdb. Default: the log, at info. */
	readonly progress?: Progress;
}

/** One try at starting, with the ports of that try already in its arguments. */
export interface Attempt<Address> {
	readonly address: Address;
	readonly command: DetachedCommand;
}

export interface PartKind<Address> {
	readonly name: PartName;
	/** For people. */
	readonly title: string;
	readonly pidFile: string;
	readonly logFile: string;
	/** Must be in the command line of a process we take for ours. */
	readonly mark: string;
	readonly stopSteps: readonly StopStep[];
	/** Longest time until it answers, in ms. */
	readonly readyTimeoutMs: number;
	/** The address written down by the attempt that started what runs now; null when that is lost. */
	rememberedAddress(): Address | null;
	/** Chooses ports, writes them down, and says what to run. */
	attempt(): Promise<Attempt<Address>>;
	/** Whether it answers at this address, and is the one we mean. */
	isReady(address: Address, pid: number): Promise<boolean>;
}

export interface RunningPart<Address> {
	readonly address: Address;
	readonly pid: number;
	/** It was running already. */
	readonly reused: boolean;
	/**
	 * Ends our use of it, and stops it unless another living process uses it. Safe twice.
	 * @throws Error when it survives SIGKILL
	 */
	stop(): Promise<void>;
}

/** Another start may be downloading Kafka on a slow line. */
const LOCK_TIMEOUT_MS = 600_000;
/** A port taken between choosing and using it, or memory of a killed predecessor still attached: the next try helps. */
const ATTEMPTS_MAX = 4;
const READY_POLL_MS = 25;
const LOG_TAIL_LINES = 12;

export function lockOptions(title: string, progress: Progress): Parameters<typeof withLock>[1] {
	return {
		timeoutMs: LOCK_TIMEOUT_MS,
		onWait: (pid) => progress(`waiting for process ${pid}, which starts or stops the ${title}`),
	};
}

/**
 * Runs under the part's lock, which the caller holds.
 * @throws UnavailableError with the end of its log when it does not come up
 */
export async function findOrStart<Address>(
	home: string,
	kind: PartKind<Address>,
	progress: Progress,
): Promise<RunningPart<Address>> {
	registerUse(home, kind.name);
	try {
		const running = await findRunning(kind, progress);
		if (running !== null) return withStop(home, kind, running.address, running.identity, true, progress);
		const started = await startFresh(kind);
		return withStop(home, kind, started.address, started.identity, false, progress);
	} catch (error) {
		endUse(home, kind.name);
		throw error;
	}
}

/** The engine's own words for it, in the home, so that two parts do not wait for each other. */
export function lockFile(home: string, name: PartName): string {
	return join(home, `${name}.lock`);
}

interface Found<Address> {
	readonly address: Address;
	readonly identity: ProcessIdentity;
}

/** One that runs but does not answer, or whose address is lost, is of no use and holds the data: it is stopped. */
async function findRunning<Address>(
	kind: PartKind<Address>,
	progress: Progress,
): Promise<Found<Address> | null> {
	const identity = findRecorded(kind.pidFile, kind.mark);
	if (identity === null) return null;
	const address = kind.rememberedAddress();
	if (address !== null && (await becomesReady(kind, address, identity))) return { address, identity };
	progress(`the ${kind.title} (process ${identity.pid}) runs but does not answer: starting it anew`);
	await stopProcess(identity, kind.stopSteps);
	return null;
}

async function startFresh<Address>(kind: PartKind<Address>): Promise<Found<Address>> {
	for (let attemptNumber = 1; attemptNumber <= ATTEMPTS_MAX; attemptNumber += 1) {
		const { address, command } = await kind.attempt();
		const child = await startDetached(command);
		const identity = identify(child.pid);
		if (identity !== null && (await becomesReady(kind, address, identity))) return { address, identity };
		if (identity !== null && isSameProcess(identity)) {
			await stopProcess(identity, kind.stopSteps);
			throw doesNotStart(kind, `has not answered for ${Math.round(kind.readyTimeoutMs / 1000)} s`);
		}
		await sleep(attemptNumber * 250);
	}
	throw doesNotStart(kind, `ended ${ATTEMPTS_MAX} times in a row while starting`);
}

/** False when it ended or the time is over. */
async function becomesReady<Address>(
	kind: PartKind<Address>,
	address: Address,
	identity: ProcessIdentity,
): Promise<boolean> {
	const deadline = performance.now() + kind.readyTimeoutMs;
	while (performance.now() < deadline) {
		if (!isSameProcess(identity)) return false;
		if (await kind.isReady(address, identity.pid)) return isSameProcess(identity);
		await sleep(READY_POLL_MS);
	}
	return false;
}

function withStop<Address>(
	home: string,
	kind: PartKind<Address>,
	address: Address,
	identity: ProcessIdentity,
	reused: boolean,
	progress: Progress,
): RunningPart<Address> {
	let stopping: Promise<void> | null = null;
	const stop = async () => {
		if (!existsSync(home)) {
			// Somebody deleted the home under it: there is nothing left to lock, and nobody else can use it.
			await stopProcess(identity, kind.stopSteps);
			return;
		}
		await withLock(lockFile(home, kind.name), lockOptions(kind.title, progress), async () => {
			endUse(home, kind.name);
			const others = otherUsers(home, kind.name);
			if (others.length > 0) {
				progress(`the ${kind.title} keeps running for process ${others.join(", ")}`);
				return;
			}
			// Somebody may have started it anew since: what is recorded now is what is to be stopped.
			await stopProcess(findRecorded(kind.pidFile, kind.mark) ?? identity, kind.stopSteps);
			rmSync(kind.pidFile, { force: true });
		});
	};
	return {
		address,
		pid: identity.pid,
		reused,
		stop() {
			stopping ??= stop();
			return stopping;
		},
	};
}

function doesNotStart<Address>(kind: PartKind<Address>, what: string): UnavailableError {
	return new UnavailableError(
		kind.title,
		`the ${kind.title} ${what}; the end of its log:\n${logTail(kind.logFile, LOG_TAIL_LINES)}`,
		`read ${kind.logFile}`,
	);
}
