import type pg from "pg";
import { NotCommittedError } from "../core-errors.ts";

/** A failed transaction answers COMMIT with the tag ROLLBACK and without an error. */
export async function commit(client: pg.Client): Promise<void> {
	const { command } = await client.query("COMMIT");
	if (command !== "COMMIT")
		throw new NotCommittedError(`COMMIT was answered by ${command}: nothing was stored`);
}
