/** Where versions of rows lie (`ctid`) in the simulated Postgres. */

/** For a new version: a place that no row of the table has now, but that one may have had. */
export function freePlace(taken: readonly string[]): string {
	let place = 1;
	while (taken.includes(`(0,${place})`)) place++;
	return `(0,${place})`;
}
