/**
 * The real Kafka and Postgres for tests, with a topic and a database of its own for each test. `test/run.js` starts
 * one of each for the whole run; a file run by hand starts its own, and stops them at its end.
 */
import { randomBytes } from "node:crypto";
import { resolve } from "node:path";
import { Kafka, logLevel } from "kafkajs";
import type { Test } from "tap";
import { createTopicAndWait } from "../../engine/kafka/new-topic.ts";
import { startKafka } from "../../engine/local/kafka.ts";
import { startPostgres } from "../../engine/local/postgres.ts";
import { packageRoot } from "../../schema/package-root.ts";

export interface PostgresAddress {
	readonly host: string;
	readonly port: number;
	readonly user: string;
	readonly password: string;
	readonly database: string;
}

export interface TestParts {
	readonly brokers: string[];
	/** A superuser and the database that `freshDatabase` connects to; tests leave it alone. */
	readonly postgres: PostgresAddress;
}

let started: Promise<TestParts> | null = null;

/**
 * The parts of this run. Starts them when the environment names none.
 * @param t a test that ends last, for a file run by hand: `import t from "tap"`
 */
export function testParts(t: Test): Promise<TestParts> {
	started ??= partsOfTheRun() ?? startOwn(t);
	return started;
}

/** A topic with this many empty partitions, deleted when `t` ends. */
export async function freshTopic(
	t: Test,
	partitions: number,
	root: Test = t,
): Promise<{ readonly brokers: string[]; readonly topic: string }> {
	const { brokers } = await testParts(root);
	const topic = `test-${randomBytes(6).toString("hex")}`;
	const admin = new Kafka({ clientId: "test", brokers, logLevel: logLevel.NOTHING }).admin();
	await admin.connect();
	t.teardown(async () => {
		await admin.deleteTopics({ topics: [topic] }).catch(() => {});
		await admin.disconnect();
	});
	await createTopicAndWait(admin, { topic, numPartitions: partitions, replicationFactor: 1 });
	return { brokers, topic };
}

/**
 * The environment for a program a test starts: ours less tap's loaders and less every setting of the engine, so that
 * only `settings` decide.
 */
export function environmentFor(settings: Readonly<Record<string, string>>): Record<string, string> {
	const outside =
		/^(NODE_OPTIONS|TAP.*|_TAPJS_.*|PG[A-Z]+|KAFKA_.*|DATABASE_URL|POSTGRES_.*|BOOTSTRAP_SERVERS|ENGINE_.*|HTTP_.*)$/;
	const kept = Object.entries(process.env).filter(
		([name, value]) => value !== undefined && !outside.test(name),
	);
	return { ...(Object.fromEntries(kept) as Record<string, string>), ...settings };
}

function partsOfTheRun(): Promise<TestParts> | null {
	const { KAFKA_BROKERS, PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE } = process.env;
	if (!KAFKA_BROKERS || !PGHOST) return null;
	return Promise.resolve({
		brokers: KAFKA_BROKERS.split(","),
		postgres: {
			host: PGHOST,
			port: Number(PGPORT),
			user: PGUSER ?? "",
			password: PGPASSWORD ?? "",
			database: PGDATABASE ?? "",
		},
	});
}

async function startOwn(t: Test): Promise<TestParts> {
	const home = resolve(packageRoot(), process.env["ENGINE_TEST_HOME"] || ".engine-test-by-hand");
	const say = (line: string) => console.error(`# ${line}`);
	const options = { home, log: { info: say, warn: say } };
	const [kafka, postgres] = await Promise.all([startKafka(options), startPostgres(options)]);
	t.teardown(async () => {
		await Promise.all([kafka.stop(), postgres.stop()]);
	});
	return { brokers: kafka.brokers, postgres };
}
