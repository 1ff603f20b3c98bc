/** Members and hours: the tables that engines share, and so the locks they may meet in. */
import { int8, readElements, text as textOf, timestamptz } from "../support/copy-reader.ts";
import { type Backend, type Server, ServerError, type Statement } from "./pg-session.ts";
import { HOUR_COLUMNS, noTotals, type Staged } from "./pg-tables.ts";
import { splitList, unnested } from "./sql-expression.ts";

const MICROS_PER_HOUR = 3_600_000_000n;
const ARRAY_HEADER_BYTES = 20;

/** Inserts distinct pairs and counts by hour those that were really inserted. */
export async function insertMembers(
	server: Server,
	backend: Backend,
	staged: Staged,
	{ text, values }: Statement,
): Promise<Record<string, unknown>[]> {
	const isUsers = text.includes("INSERT INTO hourly_users");
	const ids = elementsOf(values[1]).map((id) => (isUsers ? textOf(id) : String(int8(id))));
	const hours = elementsOf(values[0]).map((hour) => Number(timestamptz(hour) / MICROS_PER_HOUR));
	let pairs = hours.map((hour, i) => ({ hour, id: ids[i]! }));
	if (text.includes("ORDER BY 1, 2")) pairs.sort((a, b) => a.hour - b.hour || order(a.id, b.id, isUsers));
	else if (text.includes("DISTINCT")) pairs = pairs.sort(() => server.world.random.float() - 0.5);
	const [committed, own] = isUsers
		? [() => server.tables.users, staged.users]
		: [() => server.tables.sessions, staged.sessions];
	const added = new Map<number, number>();
	for (const { hour, id } of pairs) {
		const key = `${hour}/${id}`;
		if (!committed().has(key) && !own.has(key)) await server.lock(backend, `${isUsers}/${key}`);
		if (committed().has(key) || own.has(key)) {
			if (!text.includes("ON CONFLICT DO NOTHING")) throw new ServerError("23505", `duplicate member ${key}`);
			continue;
		}
		own.add(key);
		added.set(hour, (added.get(hour) ?? 0) + 1);
	}
	return [...added].map(([hour, count]) => ({ hour, count }));
}

function order(a: string, b: string, isText: boolean): number {
	return isText ? Buffer.compare(Buffer.from(a), Buffer.from(b)) : Number(a) - Number(b);
}

function elementsOf(value: unknown): (Buffer | null)[] {
	const array = value as Buffer;
	return array.length < ARRAY_HEADER_BYTES ? [] : readElements(array.subarray(ARRAY_HEADER_BYTES));
}

/** Adds the deltas to the hours' rows; money must come as whole cents (I10). */
export async function mergeHours(
	server: Server,
	backend: Backend,
	staged: Staged,
	{ text, values }: Statement,
): Promise<void> {
	const rows = unnested(text, values);
	if (!text.includes("ORDER BY v.hour")) rows.sort(() => server.world.random.float() - 0.5);
	const columns = splitList(/\(([^)]*)\)/.exec(text)![1]!);
	const selected = splitList(/SELECT (.*?)\s+FROM unnest/s.exec(text)![1]!);
	const sources = columns.map((name, i) => [name, /v\.(\w+)/.exec(selected[i]!)![1]!] as const);
	for (const row of rows) {
		const hour = Number(row["hour"]);
		await server.lock(backend, `hour:${hour}`);
		const totals = staged.hours.get(hour) ?? noTotals();
		for (const [name, source] of sources) {
			const column = HOUR_COLUMNS.find((one) => one === name);
			if (column === undefined) continue;
			const value = row[source];
			if (!/^\d+$/.test(String(value))) server.world.problem(`I10: ${column} is raised by ${String(value)}`);
			if (!text.includes(`${column} = t.${column} + excluded.${column}`)) {
				server.world.problem(`I3: the merge does not add up ${column}`);
			}
			totals[column] += Number(value);
		}
		staged.hours.set(hour, totals);
	}
}
