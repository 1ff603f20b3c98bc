import { join } from "node:path";
import { systemClock } from "../clock.ts";
import { messageOf } from "../core-errors.ts";
import { type Engine, startEngine } from "../engine.ts";
import { EngineError } from "../errors.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { ensureEmbeddedTopic, openParts, type Parts } from "../parts.ts";
import { nextSignal } from "../signals.ts";
import { describeSettings } from "../sink/connect.ts";
import { migrate } from "../sink/migrate.ts";
import { waitFor } from "../wait-for.ts";
import type { CommandContext } from "./context.ts";

export interface StartOptions extends CommandContext {
	/** Bring the schema of an external database up to date first. */
	readonly migrate: boolean;
	/** Partitions of the topic, if it has to be made on the embedded broker. */
	readonly partitions: number;
}

/** A running engine on its parts, and what to wait for. */
export interface Session {
	readonly engine: Engine;
	readonly parts: Parts;
	/** Resolves when a signal comes, rejects when the engine cannot go on. */
	readonly over: Promise<NodeJS.Signals>;
	/** Last commit, leave the group, stop the parts that are ours. Returns the exit code. */
	close(): Promise<ExitCode>;
}

/** `node engine start`: runs until a signal. */
export async function runStart(options: StartOptions): Promise<number> {
	const session = await openSession(options);
	if (session === null) return EXIT.interrupted;
	welcome(session, options);
	return await endOf(session, options);
}

/**
 * Starts parts and engine. A signal meanwhile stops what was started until then: null.
 * @throws UnavailableError and others of startEngine, with nothing left running
 */
export async function openSession(options: StartOptions): Promise<Session | null> {
	const { config, log } = options;
	let running: Engine | null = null;
	const signal = nextSignal((name) => {
		const left = running === null ? 0 : pendingRecords(running);
		log.error(`second ${name}: ending at once${left === 0 ? "" : `; ${leftOver(left)}`}`);
		process.exit(EXIT.failure);
	});
	const parts = await openParts(config, log);
	let fail: (error: unknown) => void = () => {};
	const failed = new Promise<never>((_, reject) => {
		fail = reject;
	});
	failed.catch(() => {});
	try {
		const started = prepareAndStart(options, parts, fail);
		started.catch(() => {});
		// Waiting for Kafka or Postgres can take a minute; nobody who pressed Ctrl-C wants to.
		const engine = await Promise.race([started, signal.then(() => null)]);
		if (engine === null) {
			await parts.release();
			return null;
		}
		running = engine;
		const close = async (): Promise<ExitCode> => {
			const { abandonedRecords } = await engine.stop(config.shutdownTimeoutMs);
			await parts.release();
			if (abandonedRecords === 0) return EXIT.ok;
			log.error(leftOver(abandonedRecords));
			return EXIT.failure;
		};
		const over = Promise.race([signal, failed]);
		// Nobody listens while `demo` sends.
		over.catch(() => {});
		return { engine, parts, over, close };
	} catch (error) {
		await parts.release();
		throw error;
	}
}

/** In sets that no acknowledged commit covers. */
function pendingRecords(engine: Engine): number {
	const { open, waiting, committing } = engine.status().sets;
	return [open, waiting, committing].reduce((sum, set) => sum + (set?.records ?? 0), 0);
}

function leftOver(records: number): string {
	return `${records} records were read and not committed; the next start reads them again`;
}

async function prepareAndStart(
	{ config, log, ...options }: StartOptions,
	parts: Parts,
	onFatal: (error: unknown) => void,
): Promise<Engine> {
	if (parts.postgresIsEmbedded || options.migrate) {
		const waiting = { timeoutMs: config.startupTimeoutMs, clock: systemClock, log };
		const onNotice = (text: string) => log.warn({ component: "start" }, text);
		const { applied } = await waitFor(
			"postgres",
			"Postgres",
			() => migrate(parts.postgres, { onNotice }),
			waiting,
		);
		if (applied.length > 0) log.info({ component: "start" }, `applied ${applied.join(", ")}`);
	}
	await ensureEmbeddedTopic(parts, config.kafka.topic, options.partitions, log);
	return await startEngine({ config, kafka: parts.kafka, postgres: parts.postgres, log, onFatal });
}

/** Waits for the end, whichever comes, and tells what is left. */
export async function endOf(session: Session, { log }: CommandContext): Promise<ExitCode> {
	try {
		const signal = await session.over;
		log.info({ component: "stop" }, `${signal}: last commit, then leaving the group (again to end at once)`);
		const code = await session.close();
		const { totals } = session.engine.status();
		log.info(
			{ component: "stop" },
			`stopped: ${totals.stored} stored, ${totals.deadLetters} dead letters since the start`,
		);
		return code;
	} catch (error) {
		// Of an error for people the stack tells nothing.
		log.fatal(
			error instanceof EngineError ? {} : { err: error },
			`the engine cannot go on: ${messageOf(error)}`,
		);
		if (error instanceof EngineError && error.nextStep !== null) log.fatal(`next: ${error.nextStep}`);
		await session.close();
		return error instanceof EngineError ? error.exitCode : EXIT.failure;
	}
}

function welcome({ engine, parts }: Session, { config, log }: StartOptions): void {
	const { topic, groupId } = config.kafka;
	const where = describeSettings(parts.postgres);
	const secret = parts.postgresIsEmbedded
		? `, password in ${join(config.engineHome, "postgres.password")}`
		: "";
	log.info(`engine is running: topic ${topic}, group ${groupId}, ${config.actors} actors`);
	log.info(`Kafka      ${parts.kafka.brokers.join(",")}${parts.kafkaIsEmbedded ? " (embedded)" : ""}`);
	log.info(`Postgres   ${where}${parts.postgresIsEmbedded ? " (embedded)" : ""}${secret}`);
	log.info(`HTTP       ${engine.url} (/metrics, /readyz, /api/status)`);
	const brokers = parts.kafkaIsEmbedded ? "" : `KAFKA_BROKERS=${parts.kafka.brokers.join(",")} `;
	log.info(`send events with: ${brokers}node engine produce data/events.jsonl --raw`);
}
