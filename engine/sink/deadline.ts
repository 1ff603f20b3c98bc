import type pg from "pg";
import { DeadlineError } from "../core-errors.ts";
import { destroy } from "./connect.ts";

/**
 * Waits for one step of a transaction, and not longer than `deadlineMs`: then the socket is destroyed, which is the only
 * thing that ends a query on a frozen backend (node-postgres #3399: `query_timeout` leaves the dead client in use).
 */
export async function within<T>(
	client: pg.Client,
	step: string,
	deadlineMs: number,
	work: Promise<T>,
): Promise<T> {
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<never>((_, reject) => {
		timer = setTimeout(() => {
			reject(new DeadlineError(step, deadlineMs));
			destroy(client);
		}, deadlineMs);
	});
	try {
		return await Promise.race([work, late]);
	} finally {
		clearTimeout(timer);
		// The loser of the race may still fail, with nobody listening.
		work.catch(() => {});
	}
}
