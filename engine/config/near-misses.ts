/** Names in the environment that look like a slip of the pen: `KAFKA_BROKER`, `PG_HOST`. */
import { definitionOf, VARIABLE_NAMES } from "./variables.ts";

/** Letters that may differ; with three, `HTTP_PROXY` would be taken for `HTTP_PORT`. */
const DISTANCE_MAX = 2;

/** Shorter names are too close to everything. */
const LENGTH_MIN = 6;

const KNOWN: readonly string[] = VARIABLE_NAMES.flatMap((name) => {
	const { aliases = [], hasFile } = definitionOf(name);
	return [name, ...aliases].flatMap((each) => (hasFile ? [each, `${each}_FILE`] : [each]));
});

/** Names that look like slips and belong to somebody else: Kafka's own scripts, Docker, libpq. */
const FOREIGN = new Set([
	"KAFKA_OPTS",
	"PGSSLKEY",
	"PGSSLCERT",
	"PGSSLCRL",
	"PGOPTIONS",
	"PGHOSTADDR",
	"PGPASSFILE",
]);

/** Pairs of an unknown name and the known one it resembles, in the order of the environment. */
export function nearMisses(names: Iterable<string>): { readonly name: string; readonly meant: string }[] {
	const known = new Set(KNOWN);
	const found: { name: string; meant: string }[] = [];
	for (const name of names) {
		if (name.length < LENGTH_MIN || known.has(name) || FOREIGN.has(name)) continue;
		const meant = KNOWN.find((each) => isNear(name.toUpperCase(), each));
		if (meant !== undefined) found.push({ name, meant });
	}
	return found;
}

/** Whether the edit distance is at most `DISTANCE_MAX` (Levenshtein, one row at a time). */
function isNear(a: string, b: string): boolean {
	if (Math.abs(a.length - b.length) > DISTANCE_MAX) return false;
	let row = Array.from({ length: b.length + 1 }, (_, column) => column);
	for (let i = 1; i <= a.length; i++) {
		const next = [i];
		for (let j = 1; j <= b.length; j++) {
			const substituted = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
			next.push(Math.min(substituted, row[j]! + 1, next[j - 1]! + 1));
		}
		row = next;
	}
	return row[b.length]! <= DISTANCE_MAX;
}
