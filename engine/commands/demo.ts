/** `node engine demo`: real Kafka, real Postgres, the sample file, and what became of it. */
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { rawJudge } from "../../producer/judge.ts";
import { LineSplitter } from "../../producer/lines.ts";
import { packageRoot } from "../../schema/package-root.ts";
import { EXIT } from "../exit-codes.ts";
import { createKafka } from "../kafka/client.ts";
import { createSender, type OutgoingMessage } from "../kafka/sender.ts";
import { wipeHome } from "../local/wipe-home.ts";
import { urlOf } from "../parts.ts";
import type { CommandContext } from "./context.ts";
import { runReport } from "./report.ts";
import { endOf, openSession, type Session } from "./start.ts";

export interface DemoOptions extends CommandContext {
	/** End when the result is shown. */
	readonly exits: boolean;
}

const SAMPLE_FILE = join("data", "events.jsonl");
/** The whole file is stored within a second; a machine that swaps may need longer. */
const STORED_DEADLINE_MS = 60_000;
const POLL_INTERVAL_MS = 50;
const DEMO_PARTITIONS = 4;

/** Returns the exit code: 1 when not every message was stored or dead-lettered. */
export async function runDemo(context: DemoOptions): Promise<number> {
	const home = `${context.config.engineHome}-demo`;
	const { log } = context;
	await wipeHome(home, (line) => log.info({ component: "local" }, line));
	const config = {
		...context.config,
		engineHome: home,
		kafka: { ...context.config.kafka, brokers: null },
		postgres: null,
	};
	const session = await openSession({ ...context, config, migrate: true, partitions: DEMO_PARTITIONS });
	if (session === null) return EXIT.interrupted;
	try {
		const sent = await sendSample(session, context);
		const complete = await storedAll(session, sent);
		await show(session, sent, complete);
		if (!complete || context.exits) {
			const code = await session.close();
			return complete ? code : EXIT.failure;
		}
	} catch (error) {
		await session.close();
		throw error;
	}
	tryNext(session, home);
	return await endOf(session, context);
}

/** Sends every line of the sample as it is, the bad ones too. Returns how many were acknowledged. */
async function sendSample({ parts }: Session, { config, log }: DemoOptions): Promise<number> {
	const splitter = new LineSplitter();
	const lines = splitter.next(readFileSync(join(packageRoot(), SAMPLE_FILE)));
	const rest = splitter.end();
	if (rest !== null) lines.push(rest);
	const messages = lines
		.filter((line) => line.length > 0)
		.map((line): OutgoingMessage => {
			const { key, value } = rawJudge(line);
			return { key, value };
		});
	const sender = createSender(createKafka(parts.kafka, log), config.kafka.topic);
	try {
		await sender.connect();
		await sender.send(messages);
	} finally {
		await sender.disconnect();
	}
	return messages.length;
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

async function show({ engine, parts }: Session, sent: number, complete: boolean): Promise<void> {
	const { stored, deadLetters } = engine.status().totals;
	const out = process.stdout;
	out.write("\n");
	await runReport("hourly", { settings: parts.postgres, out });
	out.write("\n");
	await runReport("quality", { settings: parts.postgres, out });
	const sign = complete ? "=" : "≠";
	out.write(
		`\n${complete ? "OK" : "NOT OK"}: sent ${sent} ${sign} stored ${stored} + dead letters ${deadLetters}\n`,
	);
}

function tryNext({ engine, parts }: Session, home: string): void {
	const url = urlOf(parts.postgres);
	const folder = relative(process.cwd(), home) || ".";
	process.stdout.write(`
Running on:
  Kafka     ${parts.kafka.brokers.join(",")}
  Postgres  ${url}
  HTTP      ${engine.url}   (/metrics, /readyz, /api/status)

Try next, in another terminal:
  node engine generate --events 100000 --seed 7 --to-kafka --home ${folder}
  node engine report daily --home ${folder}
  psql '${url}' -f schema/reports/dead-letters.sql

Ctrl-C ends it and stops Kafka and Postgres.
`);
}
