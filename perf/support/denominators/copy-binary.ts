/**
 * Denominator 2: `COPY … FROM STDIN` in binary by psql, of the rows a drain has stored, into a table with the same
 * columns and the same BRIN index on the same server. Nothing can write those rows into that table much faster.
 */
import { spawnSync } from "node:child_process";
import { closeSync, createReadStream, createWriteStream, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import pg from "pg";
import { from as copyFrom, to as copyTo } from "pg-copy-streams";
import { type RunDatabase, withClient } from "../database.ts";
import type { ScenarioContext } from "../scenario.ts";
import { serverCpuSeconds } from "../usage.ts";
import { runChild } from "./child.ts";
import type { Denominator } from "./kafkajs-read.ts";

export interface CopyBaseline {
	/** Who copies: `psql`, or `pg-copy-streams` where there is no psql. */
	readonly by: string;
	/** Rows in the file. */
	readonly rows: number;
	/** Copies all rows into a fresh table once. @throws Error when not all of them arrive */
	run(): Promise<Denominator>;
}

/** What the engine sends; `ingested_at` is left to its default, there as here. */
const COLUMNS = "event_time, event_type, user_id, session_id, amount, kafka_partition, kafka_offset";
const TABLE = "perf_copied";
/** One table as `events` is: its columns, defaults and index; without partitions, which cost each row a little more. */
const MAKE_TABLE = [
	`DROP TABLE IF EXISTS ${TABLE}`,
	`CREATE TABLE ${TABLE} (LIKE events INCLUDING DEFAULTS)`,
	`CREATE INDEX ON ${TABLE} USING brin (event_time)`,
];
const COPY_IN = `COPY ${TABLE} (${COLUMNS}) FROM STDIN (FORMAT binary)`;
const CHUNK_BYTES = 256 * 1024;

/**
 * Takes the rows of `database` out, once, into a file that is gone at the end of the run.
 * The tables are made in the same database: the server, its settings and its disk are the same anyway.
 */
export async function openCopyBaseline(
	context: ScenarioContext,
	database: RunDatabase,
): Promise<CopyBaseline> {
	const folder = mkdtempSync(join(tmpdir(), "lottery-perf-"));
	context.onCleanup(async () => rmSync(folder, { recursive: true, force: true }));
	const file = join(folder, "rows.bin");
	const rows = await copyOut(database.url, file);
	const hasPsql = spawnSync("psql", ["--version"], { stdio: "ignore" }).status === 0;
	return {
		by: hasPsql ? "psql" : "pg-copy-streams",
		rows,
		async run() {
			context.signal.throwIfAborted();
			await withClient(database.url, async (client) => {
				for (const statement of MAKE_TABLE) await client.query(statement);
			});
			const { postgres } = context.places.pids;
			const before = serverCpuSeconds(postgres);
			const { seconds, cpuSeconds } = hasPsql
				? await copyWithPsql(context, database.url, file)
				: await copyWithStreams(database.url, file);
			const after = serverCpuSeconds(postgres);
			await expectRows(database.url, rows);
			const perRow = (cpu: number | null) => (cpu === null ? null : (cpu * 1e6) / rows);
			return {
				eventsPerSecond: rows / seconds,
				cpuMicrosPerEvent: {
					own: perRow(cpuSeconds),
					postgres: perRow(before === null || after === null ? null : after - before),
				},
			};
		},
	};
}

async function copyOut(url: string, file: string): Promise<number> {
	return withClient(url, async (client) => {
		const source = client.query(copyTo(`COPY (SELECT ${COLUMNS} FROM events) TO STDOUT (FORMAT binary)`));
		await pipeline(source, createWriteStream(file));
		return source.rowCount;
	});
}

interface Copied {
	readonly seconds: number;
	readonly cpuSeconds: number | null;
}

/** psql times the statement itself, from sending it to the answer of its COMMIT: starting psql is no part of it. */
async function copyWithPsql({ signal }: ScenarioContext, url: string, file: string): Promise<Copied> {
	const stdin = openSync(file, "r");
	try {
		const { stdout, cpuSeconds } = await runChild(
			["psql", "--no-psqlrc", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", "\\timing on", "-c", COPY_IN],
			signal,
			// The line with the time must not depend on anybody's language.
			{ stdin, env: { LC_ALL: "C", PGAPPNAME: "lottery-perf" } },
		);
		return { seconds: secondsIn(stdout), cpuSeconds };
	} finally {
		closeSync(stdin);
	}
}

/** `Time: 2204.123 ms`, with `(00:02.204)` behind it when it took long. @throws Error when there is no such line */
export function secondsIn(psqlOutput: string): number {
	const milliseconds = /^Time: ([\d.]+) ms/m.exec(psqlOutput)?.[1];
	if (milliseconds === undefined) throw new Error(`psql told no time: ${psqlOutput.trim()}`);
	return Number(milliseconds) / 1000;
}

async function copyWithStreams(connectionString: string, file: string): Promise<Copied> {
	const client = new pg.Client({ connectionString, application_name: "lottery-perf" });
	await client.connect();
	try {
		const cpuBefore = process.cpuUsage();
		const startedAtMs = performance.now();
		await pipeline(createReadStream(file, { highWaterMark: CHUNK_BYTES }), client.query(copyFrom(COPY_IN)));
		const { user, system } = process.cpuUsage(cpuBefore);
		return { seconds: (performance.now() - startedAtMs) / 1000, cpuSeconds: (user + system) / 1e6 };
	} finally {
		await client.end();
	}
}

async function expectRows(url: string, rows: number): Promise<void> {
	const stored = await withClient(url, async (client) => {
		const result = await client.query<{ count: string }>(`SELECT count(*) FROM ${TABLE}`);
		return Number(result.rows[0]?.count);
	});
	if (stored !== rows) throw new Error(`COPY stored ${stored} rows of ${rows}`);
}
