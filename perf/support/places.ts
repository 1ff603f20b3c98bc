/** Kafka and Postgres for a scenario: those of the environment, else embedded ones that outlive the engine. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { packageRoot } from "../../schema/package-root.ts";
import { listenerPid } from "./process-usage.ts";
import { runCommand } from "./program.ts";

/** Processes of the servers when they run on this machine and may be looked at, else null. */
export interface ServerPids {
	/** Postgres's first process; its others are children of it. */
	readonly postgres: number | null;
	readonly kafka: number | null;
}

export interface Places {
	/** As in KAFKA_BROKERS. */
	readonly brokers: string;
	/** Of a database to connect to first; the runs have databases of their own on the same server. */
	readonly databaseUrl: string;
	/** Started for this run, and ours to stop or freeze; false: somebody's own. */
	readonly embedded: boolean;
	readonly pids: ServerPids;
	readonly versions: { readonly postgres: string; readonly kafka: string | null };
	/** Stops what was started for the scenario; what was given goes on. Safe twice. */
	release(): Promise<void>;
}

/** Of its own, so that a measurement neither meets nor touches the data of `node engine start`. */
const HOME = ".engine-perf";

/** @throws Error when only one of KAFKA_BROKERS and DATABASE_URL is set, or when the embedded parts do not start. */
export async function findPlaces(environment: NodeJS.ProcessEnv, signal?: AbortSignal): Promise<Places> {
	const { KAFKA_BROKERS: brokers, DATABASE_URL: databaseUrl } = environment;
	if (brokers && databaseUrl) return describe({ brokers, databaseUrl }, null);
	if (brokers || databaseUrl) {
		throw new Error(
			"Set both KAFKA_BROKERS and DATABASE_URL to measure your own, or neither for embedded ones.",
		);
	}
	const home = environment["ENGINE_HOME"] || join(packageRoot(), HOME);
	const release = async () => {
		await runCommand(["local", "down", "--json"], { ENGINE_HOME: home, LOG_LEVEL: "warn" });
	};
	try {
		const answer = await runCommand(
			["local", "up", "--json"],
			{ ENGINE_HOME: home, LOG_LEVEL: "warn" },
			signal,
		);
		return await describe(JSON.parse(answer) as Addresses, { home, release });
	} catch (error) {
		await release();
		throw error;
	}
}

interface Addresses {
	readonly brokers: string;
	readonly databaseUrl: string;
}

interface Embedded {
	readonly home: string;
	release(): Promise<void>;
}

async function describe({ brokers, databaseUrl }: Addresses, own: Embedded | null): Promise<Places> {
	let releasing: Promise<void> | null = null;
	return {
		brokers,
		databaseUrl,
		embedded: own !== null,
		pids: {
			postgres: localListener(new URL(databaseUrl), "5432"),
			kafka: localListener(new URL(`kafka://${brokers.split(",")[0]}`), "9092"),
		},
		versions: {
			postgres: await postgresVersion(databaseUrl),
			kafka: own === null ? null : kafkaVersion(),
		},
		release() {
			releasing ??= own === null ? Promise.resolve() : own.release();
			return releasing;
		},
	};
}

async function postgresVersion(connectionString: string): Promise<string> {
	const client = new pg.Client({ connectionString, application_name: "lottery-perf" });
	await client.connect();
	try {
		const { rows } = await client.query<{ server_version: string }>("SHOW server_version");
		return rows[0]?.server_version ?? "unknown";
	} finally {
		await client.end();
	}
}

/** No request of Kafka's protocol tells its release: of the embedded one it is what we fetch. */
function kafkaVersion(): string | null {
	const pom = readFileSync(join(packageRoot(), "engine/local/pom.xml"), "utf8");
	return /<artifactId>kafka_[\d.]+<\/artifactId>\s*<version>([^<]+)</.exec(pom)?.[1] ?? null;
}

/** The server's process, when it runs on this machine and may be looked at. */
function localListener({ hostname, port }: URL, defaultPort: string): number | null {
	if (!["127.0.0.1", "localhost", "[::1]"].includes(hostname)) return null;
	return listenerPid(Number(port || defaultPort));
}
