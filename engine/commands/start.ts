import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../clock.ts";
import { messageOf } from "../core-errors.ts";
import { type Engine, startEngine } from "../engine.ts";
import { EngineError, UsageError } from "../errors.ts";
import { EXIT, type ExitCode, exitCodeOf } from "../exit-codes.ts";
import { requireRegularFile } from "../file-source/open-regular-file.ts";
import type { Origin } from "../input.ts";
import type { Log } from "../log.ts";
import { ensureEmbeddedTopic, openParts, openPostgres, type Parts, type PostgresPart } from "../parts.ts";
import { nextSignal } from "../signals.ts";
import { describeSettings } from "../sink/connect.ts";
import { migrate } from "../sink/migrate.ts";
import { openTerminal } from "../terminal/terminal.ts";
import { waitFor } from "../wait-for.ts";
import type { CommandContext } from "./context.ts";

export interface StartOptions extends CommandContext {
	/** Bring the schema of an external database up to date first. */
	readonly migrate: boolean;
	/** Partitions of the topic, if it has to be made on the embedded broker. */
	readonly partitions: number;
	/** With a file for a source: end, with 0, when everything in it is stored. */
	readonly untilEnd: boolean;
}

const END_POLL_MS = 50;

/** A running engine on its parts, and what to wait for. */
export interface Session {
	readonly engine: Engine;
	readonly parts: PostgresPart;
	/** Null when a file is read. */
	readonly kafka: Pick<Parts, "kafka" | "kafkaIsEmbedded"> | null;
	/** Resolves when a signal comes, rejects when the engine cannot go on. */
	readonly over: Promise<NodeJS.Signals>;
	/** Last commit, leave the group, stop the parts that are ours. Returns the exit code. */
	close(): Promise<ExitCode>;
}

export interface RunStartOptions extends StartOptions {
	/** Show the live view, where there is a terminal for it. */
	readonly tui: boolean;
}

/**
 * `node engine start`: runs until a signal, or to the end of a file.
 * @throws UsageError, and what `openSession` throws
 */
export async function runStart(given: RunStartOptions): Promise<number> {
	if (given.untilEnd && given.config.sourceFile === null) {
		throw new UsageError("--until-end needs --source FILE: a topic has no end");
	}
	const terminal = openTerminal(given.log, {
		wanted: given.tui,
		settings: given.config.log,
		clock: systemClock,
	});
	const options = { ...given, log: terminal.log };
	try {
		const session = await openSession(options);
		if (typeof session === "number") return session;
		welcome(session, options);
		terminal.show(session.engine);
		if (options.untilEnd && (await storedToEnd(session))) return await endOfFile(session, options);
		return await endOf(session, options);
	} finally {
		terminal.close();
	}
}

/**
 * Starts parts and engine. A signal meanwhile stops what was started until then, and its exit code is returned.
 * @throws UnavailableError and others of startEngine, with nothing left running
 */
export async function openSession(options: StartOptions): Promise<Session | ExitCode> {
	const { config, log } = options;
	let running: Engine | null = null;
	const signal = nextSignal((name) => {
		const left = running === null ? 0 : pendingRecords(running);
		log.error(`second ${name}: ending at once${left === 0 ? "" : `; ${leftOver(left)}`}`);
		process.exit(EXIT.failure);
	});
	if (config.sourceFile !== null) await requireRegularFile(config.sourceFile);
	const kafka = config.sourceFile === null ? await openParts(config, log) : null;
	const parts = kafka ?? (await openPostgres(config, log));
	let fail: (error: unknown) => void = () => {};
	const failed = new Promise<never>((_, reject) => {
		fail = reject;
	});
	failed.catch(() => {});
	try {
		const started = prepareAndStart(options, parts, kafka, fail);
		started.catch(() => {});
		// Waiting for Kafka or Postgres can take a minute; nobody who pressed Ctrl-C wants to.
		const engine = await Promise.race([started, signal]);
		if (typeof engine === "string") {
			await parts.release();
			return exitCodeOf(engine);
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
		return { engine, parts, kafka, over, close };
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
	{ config, entries, log, ...options }: StartOptions,
	parts: PostgresPart,
	kafka: Parts | null,
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
	if (kafka !== null) await ensureEmbeddedTopic(kafka, config.kafka.topic, options.partitions, log);
	const origin: Origin =
		kafka === null
			? { kind: "file", path: config.sourceFile!, untilEnd: options.untilEnd }
			: { kind: "kafka", kafka: kafka.kafka };
	return await startEngine({ config, entries, origin, postgres: parts.postgres, log, onFatal });
}

/** Waits for the end, whichever comes, and tells what is left. */
export async function endOf(session: Session, { log }: CommandContext): Promise<ExitCode> {
	try {
		const signal = await session.over;
		log.info({ component: "stop" }, `${signal}: last commit, then leaving the group (again to end at once)`);
		return await closeAndTell(session, log);
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

async function closeAndTell(session: Session, log: Log): Promise<ExitCode> {
	const code = await session.close();
	const { totals } = session.engine.status();
	log.info(
		{ component: "stop" },
		`stopped: ${totals.stored} stored, ${totals.deadLetters} dead letters since the start`,
	);
	return code;
}

/** Waits until every line of the file is stored; false when a signal or an error comes first, or the partition is halted. */
export async function storedToEnd({ engine, over }: Session): Promise<boolean> {
	let isOver = false;
	const end = (): void => {
		isOver = true;
	};
	const ended = over.then(end, end);
	while (!isOver) {
		const [partition] = engine.status().partitions;
		if (partition?.state === "halted") return true;
		const { durableOffset = null, highWatermark = null } = partition ?? {};
		if (durableOffset !== null && durableOffset === highWatermark) return true;
		await Promise.race([sleep(END_POLL_MS), ended]);
	}
	return false;
}

async function endOfFile(session: Session, { config, log }: StartOptions): Promise<ExitCode> {
	const [partition] = session.engine.status().partitions;
	if (partition?.state === "halted") {
		log.error(`${config.sourceFile} was not read to its end: ${partition.haltReason}`);
		await closeAndTell(session, log);
		return EXIT.failure;
	}
	log.info(
		{ component: "stop" },
		`${config.sourceFile} is stored to its end: ${partition?.durableOffset ?? 0} lines`,
	);
	return await closeAndTell(session, log);
}

function welcome({ engine, parts, kafka }: Session, { config, log }: StartOptions): void {
	const { topic, groupId } = config.kafka;
	const where = describeSettings(parts.postgres);
	const secret = parts.postgresIsEmbedded
		? `, password in ${join(config.engineHome, "postgres.password")}`
		: "";
	if (kafka === null) {
		log.info(`engine is running: a file as partition 0 of topic ${topic}, ${config.actors} actors`);
		log.info(`Source     ${config.sourceFile} (no Kafka)`);
	} else {
		log.info(`engine is running: topic ${topic}, group ${groupId}, ${config.actors} actors`);
		log.info(`Kafka      ${kafka.kafka.brokers.join(",")}${kafka.kafkaIsEmbedded ? " (embedded)" : ""}`);
	}
	log.info(`Postgres   ${where}${parts.postgresIsEmbedded ? " (embedded)" : ""}${secret}`);
	log.info(`HTTP       ${engine.url} (the live page; /metrics, /readyz, /api/status)`);
	if (kafka === null) {
		log.info(`send events with: cat more.jsonl >> ${config.sourceFile}`);
		return;
	}
	const brokers = kafka.kafkaIsEmbedded ? "" : `KAFKA_BROKERS=${kafka.kafka.brokers.join(",")} `;
	log.info(`send events with: ${brokers}node engine produce data/events.jsonl --raw`);
}
