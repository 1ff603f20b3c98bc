import { once } from "node:events";
import type pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import { COPY_HEADER, COPY_TRAILER } from "../../workers/copy-layout.ts";
import { destroy } from "./connect.ts";

/**
 * One COPY in binary format: header, the actors' tuples as they are, trailer. Waits for the socket whenever it is full,
 * which is the backpressure of Postgres. Resolves with the rows Postgres took; rejects with its error, and then the
 * connection is gone.
 *
 * `meanwhile` is called once, when all but the end is handed to the socket: Postgres mostly has some milliseconds of rows to
 * take then.
 */
export async function copyBinary(
	client: pg.Client,
	table: string,
	columns: readonly string[],
	chunks: readonly Uint8Array[],
	meanwhile?: () => void,
): Promise<number> {
	const stream = client.query(copyFrom(`COPY ${table} (${columns.join(", ")}) FROM STDIN (FORMAT binary)`));
	const finished = new Promise<void>((resolve, reject) => {
		stream.once("finish", resolve);
		stream.once("error", (error) => {
			// What is still queued would be written to a connection that pg has taken away: an uncaught TypeError.
			destroy(client);
			reject(error);
		});
	});
	finished.catch(() => {});
	stream.write(COPY_HEADER);
	for (const chunk of chunks) {
		if (!stream.write(chunk)) await Promise.race([once(stream, "drain"), finished]);
	}
	stream.end(COPY_TRAILER);
	meanwhile?.();
	await finished;
	return stream.rowCount;
}
