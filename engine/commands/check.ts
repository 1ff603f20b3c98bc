/** `node engine check`: a doctor. Every part is examined, whatever became of the one before, and one line says how it is. */
import type { Config } from "../config/config.ts";
import { ConfigError, EngineError } from "../errors.ts";
import { EXIT } from "../exit-codes.ts";
import { requireRegularFile } from "../file-source/open-regular-file.ts";
import { createKafka } from "../kafka/client.ts";
import { viewCluster } from "../kafka/cluster-view.ts";
import { kafkaUnavailable } from "../kafka/unavailable.ts";
import { checkPrerequisites } from "../local/prerequisites.ts";
import { rememberedPostgres, runningKafka } from "../local/running.ts";
import type { Log } from "../log.ts";
import { isCurrent, migrationStatus } from "../sink/migrate.ts";
import { probePostgres } from "../sink/probe.ts";
import type { CommandContext } from "./context.ts";

export interface CheckOptions {
	/** Loads the configuration; what it throws is a finding. */
	open(): CommandContext;
	readonly json: boolean;
}

interface Finding {
	readonly part: string;
	readonly ok: boolean;
	readonly text: string;
	/** What to do about a problem. */
	readonly nextStep: string | null;
}

const fine = (part: string, text: string): Finding => ({ part, ok: true, text, nextStep: null });

const problem = (part: string, text: string, nextStep: string | null): Finding => ({
	part,
	ok: false,
	text,
	nextStep,
});

function problemOf(part: string, error: unknown): Finding {
	const nextStep = error instanceof EngineError ? error.nextStep : null;
	return problem(part, error instanceof Error ? error.message : String(error), nextStep);
}

/** Prints findings to stdout; 0 when all is well, 3 when not. */
export async function runCheck({ open, json }: CheckOptions): Promise<number> {
	const findings = await examine(open);
	const problems = findings.filter(({ ok }) => !ok).length;
	if (json) process.stdout.write(`${JSON.stringify({ ok: problems === 0, problems, findings }, null, 2)}\n`);
	else {
		for (const { part, ok, text, nextStep } of findings) {
			process.stdout.write(`${ok ? "ok     " : "problem"}  ${part.padEnd(13)}  ${text}\n`);
			if (nextStep !== null) process.stdout.write(`${" ".repeat(24)}next: ${nextStep}\n`);
		}
	}
	return problems === 0 ? EXIT.ok : EXIT.problems;
}

async function examine(open: () => CommandContext): Promise<Finding[]> {
	let context: CommandContext;
	try {
		context = open();
	} catch (error) {
		if (error instanceof ConfigError) return [problemOf("configuration", error)];
		throw error;
	}
	const { config, entries, log } = context;
	const set = entries.filter(({ origin }) => origin !== "default" && origin !== "not set").length;
	return [
		fine("configuration", `valid, ${set} of ${entries.length} variables set`),
		...(config.sourceFile === null
			? await examineKafka(config, log)
			: [await examineFile(config.sourceFile)]),
		...(await examinePostgres(config)),
	];
}

/** Whether it is the one that was counted is asked at the start: that means counting its lines. */
async function examineFile(path: string): Promise<Finding> {
	try {
		await requireRegularFile(path);
		return fine("source", `${path} is a plain file and can be read; Kafka is not needed`);
	} catch (error) {
		return problemOf("source", error);
	}
}

/** Sooner than the engine itself gives up: somebody is looking at the screen. */
const RETRY = { initialRetryTime: 200, retries: 2 };

async function examineKafka({ kafka: settings, engineHome }: Config, log: Log): Promise<Finding[]> {
	const brokers = settings.brokers ?? runningKafka(engineHome);
	if (brokers === null) return [embeddedKafka(engineHome)];
	const where = brokers.join(", ");
	try {
		const kafka = createKafka({ ...settings, brokers }, log, RETRY);
		const view = await viewCluster(kafka, settings.topic);
		const version = view.versionHint === null ? "" : `, Kafka ${view.versionHint}`;
		const reached = fine(
			"kafka",
			`${where} answers: ${view.brokerCount} broker(s), cluster ${view.clusterId}${version}`,
		);
		if (view.partitionCount !== null) {
			return [reached, fine("topic", `${settings.topic} has ${view.partitionCount} partition(s)`)];
		}
		const create = `create it: node engine produce FILE --create-topic --partitions 8, or kafka-topics.sh --create --topic ${settings.topic}`;
		return [reached, problem("topic", `${settings.topic} does not exist`, create)];
	} catch (error) {
		return [problemOf("kafka", kafkaUnavailable(brokers, error))];
	}
}

/** Nothing configured and nothing running is fine, as long as `start` could start it. */
function embeddedKafka(home: string): Finding {
	const { missing, installCommand } = checkPrerequisites();
	if (missing.length === 0) {
		return fine("kafka", `none configured; node engine start will start the embedded one under ${home}`);
	}
	const text = `none configured, and the embedded one needs ${missing.join(" and ")}`;
	return problem("kafka", text, `${installCommand}, or set KAFKA_BROKERS`);
}

async function examinePostgres({ postgres, engineHome }: Config): Promise<Finding[]> {
	const settings = postgres ?? rememberedPostgres(engineHome);
	if (settings === null) {
		return [
			fine("postgres", `none configured; node engine start will start the embedded one under ${engineHome}`),
		];
	}
	try {
		const view = await probePostgres(settings);
		const findings = [
			fine("postgres", `PostgreSQL ${view.version}, database ${view.database} as ${view.user}`),
			view.isReadOnly
				? problem("writable", "the database is read-only (a standby?)", "point DATABASE_URL at the primary")
				: fine("writable", "yes"),
			view.fsync === "on"
				? fine("durable", `synchronous_commit is ${view.synchronousCommit}, fsync is on`)
				: problem(
						"durable",
						"fsync is off: a crash of the server loses commits",
						"turn fsync on in postgresql.conf",
					),
		];
		const status = await migrationStatus(settings);
		if (isCurrent(status))
			return [...findings, fine("schema", `current (${status.applied.at(-1) ?? "empty"})`)];
		if (!view.mayCreate) {
			const text = `${view.user} may not create tables in schema ${view.schema ?? "(none)"}`;
			findings.push(
				problem("rights", text, `GRANT CREATE ON SCHEMA ${view.schema ?? "public"} TO ${view.user}`),
			);
		}
		const text = `not current: ${status.pending.length} pending, ${status.changed.length} changed, ${status.unknown.length} unknown`;
		return [
			...findings,
			problem("schema", text, "node engine migrate (node engine migrate --status says more)"),
		];
	} catch (error) {
		// The embedded one leaves its address behind when it stops with the engine: that is its normal state.
		if (postgres === null && error instanceof EngineError && error.exitCode === EXIT.unavailable) {
			return [
				fine("postgres", `the embedded one under ${engineHome} is stopped; node engine start starts it`),
			];
		}
		return [problemOf("postgres", error)];
	}
}
