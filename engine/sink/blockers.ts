/**
 * An engine that freezes in mid-transaction keeps its row locks: no time-out of the server ends a backend that waits for
 * its client within a COPY, and a shared row of members is enough to keep every other engine from flushing. So whoever
 * waits too long for a lock terminates the engine's backend that holds it. The frozen one loses a transaction that was
 * never committed, and asks the rows when it wakes.
 */
import type pg from "pg";

/** A flush holds its locks for well under a second; one that holds them this long has nobody to end it. */
export const LOCK_WAIT_MS_MAX = 5_000;
/** How often a work that takes long is looked at, once it has taken `LOCK_WAIT_MS_MAX`. */
const LOOK_EVERY_MS = 1_000;

/**
 * Only backends of an engine's connections that lock, and only such as wait for their client: a frozen engine's does, whatever
 * it was about to do. One that waits for a lock is not to blame: whoever holds that one is, so the chain is followed (an
 * operator's `erase` that waits for a frozen flush holds offset rows meanwhile). One that works on a slow disk or waits for
 * a replica must be left to finish, or the same transaction would be begun for ever.
 */
const TERMINATE_BLOCKERS = `
	WITH RECURSIVE blockers (pid) AS (
		SELECT unnest(pg_blocking_pids(l.pid)) FROM pg_locks AS l
		WHERE l.pid = $1 AND NOT l.granted AND l.waitstart < clock_timestamp() - $2 * interval '1 ms'
		UNION SELECT unnest(pg_blocking_pids(b.pid)) FROM blockers AS b
	)
	SELECT a.pid, a.application_name AS owner, pg_terminate_backend(a.pid)
	FROM pg_stat_activity AS a JOIN blockers USING (pid)
	WHERE a.datname = current_database()
		AND a.application_name ~ '^lottery-engine (writer|claimer|days) '
		AND a.wait_event_type = 'Client'`;

/** Frees the backend `pid` from engines that have kept it waiting for a lock for longer than `LOCK_WAIT_MS_MAX`. */
export async function terminateBlockers(client: pg.Client, pid: number): Promise<void> {
	await client.query(TERMINATE_BLOCKERS, [pid, LOCK_WAIT_MS_MAX]);
}

/**
 * Returns what `work`, which runs on `client`, returns. When it takes long, `free` is called with the number of its
 * backend every second; it must not reject, and looks from another connection.
 */
export async function freeingLocks<T>(
	client: pg.Client,
	free: (pid: number) => Promise<void>,
	work: Promise<T>,
): Promise<T> {
	// pg keeps it from the server's BackendKeyData; its types do not know.
	const { processID } = client as unknown as { processID: number };
	let isOver = false;
	let timer = setTimeout(look, LOCK_WAIT_MS_MAX);
	async function look(): Promise<void> {
		await free(processID);
		if (!isOver) timer = setTimeout(look, LOOK_EVERY_MS);
	}
	try {
		return await work;
	} finally {
		isOver = true;
		clearTimeout(timer);
	}
}
