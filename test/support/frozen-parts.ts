/** Frozen parts for tests, without an actor: only what the test is about has to be given. */
import { type FrozenPart, type PartitionFold, WINDOW, WINDOW_STRIDE } from "../../workers/part.ts";

export function fold(fields: Partial<PartitionFold> & { partition: number }): PartitionFold {
	return {
		epoch: 1,
		rowCount: 0,
		rows: [],
		deadLetterCount: 0,
		deadLetters: [],
		reasons: {},
		eventTypes: [0, 0, 0, 0, 0],
		windows: new Float64Array(0),
		users: { count: 0, hours: new Uint8Array(0), ids: new Uint8Array(0) },
		sessions: { count: 0, hours: new Uint8Array(0), ids: new Uint8Array(0) },
		newestEventSeconds: Number.NEGATIVE_INFINITY,
		late: [],
		...fields,
	};
}

export function part(shard: number, folds: readonly PartitionFold[] = [], byteLength = 0): FrozenPart {
	return { shard, folds, byteLength };
}

/** Windows by the names of their columns; what is not given is 0. */
export function windowsOf(
	rows: readonly Partial<Record<keyof typeof WINDOW, number>>[],
): Float64Array<ArrayBuffer> {
	const windows = new Float64Array(rows.length * WINDOW_STRIDE);
	for (const [i, row] of rows.entries()) {
		for (const [column, value] of Object.entries(row)) {
			windows[i * WINDOW_STRIDE + WINDOW[column as keyof typeof WINDOW]] = value;
		}
	}
	return windows;
}
