import { EXIT } from "../exit-codes.ts";
import { isMarked } from "../local/home.ts";
import { isPostgresRunning, runningKafka } from "../local/running.ts";
import { ensureEmbeddedTopic, openParts, urlOf } from "../parts.ts";
import type { CommandContext } from "./context.ts";

function isAnythingRunning(home: string): boolean {
	return isMarked(home) && (runningKafka(home) !== null || isPostgresRunning(home));
}

export interface LocalOptions extends CommandContext {
	readonly action: "up" | "down";
	readonly partitions: number;
}

/**
 * `node engine local up|down`: the embedded parts alone, for load scenarios and for a look at the data while no engine
 * runs. `up` prints where they are as JSON and leaves them running; `down` stops them.
 */
export async function runLocal({ action, config, log, partitions }: LocalOptions): Promise<number> {
	if (action === "down" && !isAnythingRunning(config.engineHome)) {
		log.info(`nothing runs under ${config.engineHome}`);
		return EXIT.ok;
	}
	const own = { ...config, kafka: { ...config.kafka, brokers: null }, postgres: null };
	const parts = await openParts(own, log);
	if (action === "down") {
		await parts.release();
		return EXIT.ok;
	}
	await ensureEmbeddedTopic(parts, config.kafka.topic, partitions, log);
	process.stdout.write(
		`${JSON.stringify({ brokers: parts.kafka.brokers.join(","), databaseUrl: urlOf(parts.postgres) })}\n`,
	);
	return EXIT.ok;
}
