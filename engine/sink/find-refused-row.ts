import type pg from "pg";
import { EVENT_COLUMNS } from "../../workers/copy-layout.ts";
import type { RecordPlace } from "../../workers/messages.ts";
import { destroy } from "./connect.ts";
import { copyBinary } from "./copy.ts";
import { within } from "./deadline.ts";
import { isRefusal, placeOfTuple, tuplesOf } from "./refused-row.ts";

/** One try: a COPY of at most one set. */
const TRY_DEADLINE_MS = 30_000;

/**
 * Finds the first row that Postgres refuses, when its error did not say which: by halves, into a temporary table of the
 * same types and checks, since every failed COPY leaves dead rows behind. Null when that table takes them all (a rule
 * of the operator's, such as a trigger on `events`): then nobody can be blamed, and trying goes on.
 *
 * `connect` gives a connection of its own for each try (a failed COPY costs its connection); all are closed here.
 */
export async function findRefusedRow(
	rows: readonly Uint8Array[],
	connect: () => Promise<pg.Client>,
): Promise<RecordPlace | null> {
	const tuples = [...tuplesOf(rows)];
	if (!(await refuses(tuples, connect))) return null;
	let low = 0;
	let high = tuples.length;
	// The first refused row is at or above `low` and below `high`.
	while (high - low > 1) {
		const middle = (low + high) >> 1;
		if (await refuses(tuples.slice(low, middle), connect)) high = middle;
		else low = middle;
	}
	return placeOfTuple(tuples, low + 1);
}

async function refuses(tuples: readonly Uint8Array[], connect: () => Promise<pg.Client>): Promise<boolean> {
	const client = await connect();
	try {
		await within(client, "find the refused row", TRY_DEADLINE_MS, copyAside(client, tuples));
		return false;
	} catch (error) {
		if (isRefusal(error)) return true;
		throw error;
	} finally {
		// `end` waits for the server's farewell, which a silent connection never brings.
		destroy(client);
	}
}

async function copyAside(client: pg.Client, tuples: readonly Uint8Array[]): Promise<void> {
	await client.query("CREATE TEMP TABLE refused_rows (LIKE events INCLUDING CONSTRAINTS INCLUDING DEFAULTS)");
	await copyBinary(client, "refused_rows", EVENT_COLUMNS, tuples);
}
