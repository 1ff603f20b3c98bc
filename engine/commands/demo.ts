/** `node engine demo`: real Kafka, real Postgres, the sample file, and what became of it. */
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { EXIT } from "../exit-codes.ts";
import { createKafka, type KafkaConnection } from "../kafka/client.ts";
import { createSender } from "../kafka/sender.ts";
import { wipeHome } from "../local/wipe-home.ts";
import { urlOf } from "../parts.ts";
import type { CommandContext } from "./context.ts";
import { chooseFile, countEvents, sampleMessages } from "./demo-input.ts";
import { runReport } from "./report.ts";
import { endOf, openSession, type Session, storedToEnd } from "./start.ts";

export interface DemoOptions extends CommandContext {
	/** End when the result is shown. */
	readonly exits: boolean;
}

/** The whole file is stored within a second; a machine that swaps may need longer. */
const STORED_DEADLINE_MS = 60_000;
const POLL_INTERVAL_MS = 50;
const DEMO_PARTITIONS = 4;

/** What went in, and whether it has come out. */
interface Outcome {
	/** How it went in, for people. */
	readonly verb: "sent" | "read";
	readonly events: number;
	readonly isComplete: boolean;
}

/** Returns the exit code: 1 when not every message was stored or dead-lettered. */
export async function runDemo(context: DemoOptions): Promise<number> {
	const home = `${context.config.engineHome}-demo`;
	const { log } = context;
	const say = (line: string): void => log.info({ component: "local" }, line);
	await wipeHome(home, say);
	const file = await chooseFile(context, home, say);
	const config = {
		...context.config,
		engineHome: home,
		kafka: { ...context.config.kafka, brokers: null },
		sourceFile: file?.path ?? null,
		postgres: null,
	};
	const session = await openSession({
		...context,
		config,
		migrate: true,
		partitions: DEMO_PARTITIONS,
		untilEnd: file !== null && !file.isOurs,
	});
	if (typeof session === "number") return session;
	let outcome: Outcome;
	try {
		outcome =
			session.kafka === null
				? await readFile(session, config.sourceFile!)
				: await sendSample(session, session.kafka.kafka, context);
		await show(session, outcome);
		if (!outcome.isComplete || context.exits) {
			const code = await session.close();
			return outcome.isComplete ? code : EXIT.failure;
		}
	} catch (error) {
		await session.close();
		throw error;
	}
	tryNext(session, home, file?.path ?? null);
	return await endOf(session, context);
}

/** Sends every line of the sample as it is, the bad ones too, and waits until they are stored. */
async function sendSample(
	session: Session,
	kafka: KafkaConnection,
	{ config, log }: DemoOptions,
): Promise<Outcome> {
	const messages = sampleMessages();
	const sender = createSender(createKafka(kafka, log), config.kafka.topic);
	try {
		await sender.connect();
		await sender.send(messages);
	} finally {
		await sender.disconnect();
	}
	return { verb: "sent", events: messages.length, isComplete: await storedAll(session, messages.length) };
}

/** Waits until the file is stored, and counts its events by other means than the engine's. */
async function readFile(session: Session, path: string): Promise<Outcome> {
	const isAtEnd = await storedToEnd(session);
	const { partitions, totals } = session.engine.status();
	const events = await countEvents(path, partitions[0]?.durableOffset ?? 0);
	const isComplete = isAtEnd && totals.stored + totals.deadLetters === events;
	return { verb: "read", events, isComplete };
}

/** False when not all were stored in time, or a signal came first. Rejects when the engine cannot go on. */
async function storedAll({ engine, over }: Session, sent: number): Promise<boolean> {
	const deadlineMs = Date.now() + STORED_DEADLINE_MS;
	let isOver = false;
	const ended = over.then(() => {
		isOver = true;
	});
	while (Date.now() < deadlineMs && !isOver) {
		const { stored, deadLetters } = engine.status().totals;
		if (stored + deadLetters >= sent) return stored + deadLetters === sent;
		await Promise.race([sleep(POLL_INTERVAL_MS), ended]);
	}
	return false;
}

async function show({ engine, parts }: Session, { verb, events, isComplete }: Outcome): Promise<void> {
	const { stored, deadLetters } = engine.status().totals;
	const out = process.stdout;
	out.write("\n");
	await runReport("hourly", { settings: parts.postgres, out });
	out.write("\n");
	await runReport("quality", { settings: parts.postgres, out });
	const sign = isComplete ? "=" : "≠";
	out.write(
		`\n${isComplete ? "OK" : "NOT OK"}: ${verb} ${events} ${sign} stored ${stored} + dead letters ${deadLetters}\n`,
	);
}

function tryNext({ engine, parts, kafka }: Session, home: string, file: string | null): void {
	const url = urlOf(parts.postgres);
	const folder = relative(process.cwd(), home) || ".";
	const isOurs = file === join(home, "events.jsonl");
	const more =
		kafka !== null
			? `  node engine generate --events 100000 --seed 7 --to-kafka --home ${folder}\n`
			: isOurs
				? `  node engine generate --events 100000 --seed 7 >> ${join(folder, "events.jsonl")}\n`
				: "";
	process.stdout.write(`
Running on:
  ${kafka === null ? `Source    ${file} (no Kafka)` : `Kafka     ${kafka.kafka.brokers.join(",")}`}
  Postgres  ${url}
  HTTP      ${engine.url}   (the live page; /metrics, /readyz, /api/status)

Try next, in another terminal:
${more}  node engine report daily --home ${folder}
  psql '${url}' -f schema/reports/dead-letters.sql

Ctrl-C ends it and stops ${kafka === null ? "Postgres" : "Kafka and Postgres"}.
`);
}
