/** Keeps a label from growing without end: every new value is a new series that Prometheus holds for ever. */

/** What a value is called once there are too many. */
export const OTHER_LABEL = "other";

/**
 * Lets the `known` values and the first `newMax` others through; every later one becomes `other`.
 * Codes of Postgres and of Node are a few hundred at most, but a server or a driver may invent one per message.
 */
export function createLabelBound(known: readonly string[], newMax: number): (value: string) => string {
	const allowed = new Set(known);
	const limit = allowed.size + newMax;
	return (value) => {
		if (allowed.has(value)) return value;
		if (allowed.size >= limit) return OTHER_LABEL;
		allowed.add(value);
		return value;
	};
}
