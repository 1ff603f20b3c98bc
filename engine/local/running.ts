/** Finding the embedded parts of a home without starting anything. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { PostgresSettings } from "../sink/settings.ts";
import { findRecorded } from "./detached.ts";
import { LOOPBACK } from "./free-port.ts";
import { readJson } from "./home.ts";
import { openPlace } from "./run-as.ts";

/** Whether the embedded Postgres of this home runs. */
export function isPostgresRunning(home: string): boolean {
	return findRecorded(join(openPlace(home).folder, "pid"), "postgres") !== null;
}

/** Brokers of the embedded Kafka that runs under this home, or null. */
export function runningKafka(home: string): readonly string[] | null {
	const folder = join(home, "kafka");
	const address = readJson<{ port: number }>(join(folder, "address.json"));
	const isRunning = findRecorded(join(folder, "pid"), join(folder, "server.properties")) !== null;
	return isRunning && address !== null ? [`${LOOPBACK}:${address.port}`] : null;
}

/**
 * How to reach the embedded Postgres of this home, or null when it never ran there. Whether it runs now is seen by
 * connecting: as root its files are somewhere else.
 */
export function rememberedPostgres(home: string): PostgresSettings | null {
	const state = readJson<{ port: number; user: string }>(join(home, "postgres.json"));
	if (state === null) return null;
	try {
		const password = readFileSync(join(home, "postgres.password"), "utf8").trim();
		return { host: LOOPBACK, port: state.port, user: state.user, password, database: "lottery", ssl: false };
	} catch {
		return null;
	}
}
