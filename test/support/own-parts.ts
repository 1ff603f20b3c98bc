/**
 * A Postgres and a Kafka that belong to one test, to be stopped under a running engine. The shared ones of the run are
 * never touched: other files may be using them.
 */
import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { resolve } from "node:path";
import type { Test } from "tap";
import { type LocalKafka, startKafka } from "../../engine/local/kafka.ts";
import { type LocalPostgres, startPostgres } from "../../engine/local/postgres.ts";
import { wipeHome } from "../../engine/local/wipe-home.ts";
import { packageRoot } from "../../schema/package-root.ts";
import { waitUntil } from "./wait-until.ts";

/** Orderly: clients are disconnected, a checkpoint is written. `crash`: as after a power cut, recovery at the next start. */
export type HowToStop = "orderly" | "crash";

export interface OwnPart<Running> {
	/** As it was started first; addresses stay the same over restarts. */
	readonly at: Running;
	/** Of the process that runs now. */
	readonly pid: number;
	/** Its folder, with its log in it. Gone after the test. */
	readonly home: string;
	/** Resolves when the process is gone. */
	stop(how: HowToStop): Promise<void>;
	/** On the same port, with the same data. */
	startAgain(): Promise<void>;
}

const GONE_WITHIN_MS = 30_000;

const QUIET = { info: () => {}, warn: () => {} };

/** SIGINT is `pg_ctl -m fast`, SIGQUIT is `-m immediate`. */
export function ownPostgres(t: Test): Promise<OwnPart<LocalPostgres>> {
	return ownPart(t, startPostgres, { orderly: "SIGINT", crash: "SIGQUIT" });
}

export function ownKafka(t: Test): Promise<OwnPart<LocalKafka>> {
	return ownPart(t, startKafka, { orderly: "SIGTERM", crash: "SIGKILL" });
}

async function ownPart<
	Running extends { readonly pid: number; readonly port: number; stop(): Promise<void> },
>(
	t: Test,
	start: (options: { home: string; log: typeof QUIET }) => Promise<Running>,
	signals: Readonly<Record<HowToStop, NodeJS.Signals>>,
): Promise<OwnPart<Running>> {
	const home = resolve(packageRoot(), `.engine-test-${randomBytes(4).toString("hex")}`);
	const options = { home, log: QUIET };
	let running = await start(options);
	const at = running;
	t.teardown(async () => {
		await running.stop();
		await wipeHome(home);
		await rm(home, { recursive: true, force: true });
	});
	return {
		at,
		home,
		get pid() {
			return running.pid;
		},
		async stop(how) {
			const { pid } = running;
			process.kill(pid, signals[how]);
			await waitUntil(() => !isAlive(pid), { deadlineMs: GONE_WITHIN_MS });
		},
		async startAgain() {
			running = await start(options);
			if (running.port !== at.port)
				throw new Error(`came back on port ${running.port} instead of ${at.port}`);
		},
	};
}

function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch {
		return false;
	}
}
