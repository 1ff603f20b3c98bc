/** Kafka and Postgres for a scenario: those of the environment, else embedded ones that outlive the engine. */
import { join } from "node:path";
import { packageRoot } from "../../schema/package-root.ts";
import { runCommand } from "./program.ts";

export interface Places {
	/** As in KAFKA_BROKERS. */
	readonly brokers: string;
	readonly databaseUrl: string;
	/** Stops what was started for the scenario; what was given goes on. */
	release(): Promise<void>;
}

/** Of its own, so that a measurement neither meets nor touches the data of `node engine start`. */
const HOME = ".engine-perf";

/**
 * @throws Error when only one of KAFKA_BROKERS and DATABASE_URL is set, or when the embedded parts do not start.
 */
export async function findPlaces(environment: NodeJS.ProcessEnv): Promise<Places> {
	const { KAFKA_BROKERS: brokers, DATABASE_URL: databaseUrl } = environment;
	if (brokers && databaseUrl) return { brokers, databaseUrl, release: async () => {} };
	if (brokers || databaseUrl) {
		throw new Error(
			"Set both KAFKA_BROKERS and DATABASE_URL to measure your own, or neither for embedded ones.",
		);
	}
	const home = { ENGINE_HOME: join(packageRoot(), HOME) };
	const answer: unknown = JSON.parse(await runCommand(["local", "up", "--json"], home));
	const { brokers: started, databaseUrl: url } = answer as {
		brokers: string | string[];
		databaseUrl: string;
	};
	return {
		brokers: String(started),
		databaseUrl: url,
		release: async () => {
			await runCommand(["local", "down", "--json"], home);
		},
	};
}
