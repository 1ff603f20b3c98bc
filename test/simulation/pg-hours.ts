/** Members and hours: the tables that engines share, and so the locks they may meet in. */
import { shuffle } from "../../producer/random.ts";
import { int8, readElements, text as textOf, timestamptz } from "../support/copy-reader.ts";
import { type Backend, type Server, ServerError, type Statement } from "./pg-session.ts";
import { HOUR_COLUMNS, noTotals, type Staged } from "./pg-tables.ts";
import { splitList, unnested } from "./sql-expression.ts";

const MICROS_PER_HOUR = 3_600_000_000n;
const ARRAY_HEADER_BYTES = 20;

/** Inserts members and counts by hour those that were really inserted. */
export function insertMembers(
	server: Server,
	backend: Backend,
	staged: Staged,
	statement: Statement,
): Promise<Record<string, unknown>[]> {
	const insert = statement.text.includes("INSERT INTO hourly_users") ? insertUsers : insertSessions;
	return insert(server, backend, staged, statement);
}

async function insertUsers(server: Server, backend: Backend, staged: Staged, { text, values }: Statement) {
	const ids = elementsOf(values[1]).map((id) => textOf(id));
	const pairs = hoursOf(values[0]).map((hour, i) => ({ hour, id: ids[i]! }));
	inOrder(
		server,
		text,
		pairs,
		(a, b) => a.hour - b.hour || Buffer.compare(Buffer.from(a.id), Buffer.from(b.id)),
	);
	const added = new Map<number, number>();
	for (const { hour, id } of pairs) {
		const key = `${hour}/${id}`;
		const isThere = () => server.tables.users.has(key) || staged.users.has(key);
		if (!isThere()) await server.lock(backend, `user/${key}`);
		if (isThere()) {
			if (!text.includes("ON CONFLICT DO NOTHING")) throw new ServerError("23505", `duplicate member ${key}`);
			continue;
		}
		staged.users.add(key);
		added.set(hour, (added.get(hour) ?? 0) + 1);
	}
	return [...added].map(([hour, count]) => ({ hour, count }));
}

/** A row for 64 sessions. One that is there is locked, whatever becomes of it; what is counted are its new bits. */
async function insertSessions(server: Server, backend: Backend, staged: Staged, { text, values }: Statement) {
	const blocks = elementsOf(values[1]).map((block) => Number(int8(block)));
	const bits = elementsOf(values[2]).map((one) => int8(one));
	const rows = hoursOf(values[0]).map((hour, i) => ({ hour, block: blocks[i]!, bits: bits[i]! }));
	inOrder(server, text, rows, (a, b) => a.hour - b.hour || a.block - b.block);
	if (!text.includes("bits = t.bits | excluded.bits"))
		server.world.problem("I3: the bits of a row are not kept");
	const added = new Map<number, number>();
	const seen = new Set<string>();
	for (const row of rows) {
		const key = `${row.hour}/${row.block}`;
		if (seen.has(key)) throw new ServerError("21000", `ON CONFLICT DO UPDATE meets ${key} a second time`);
		seen.add(key);
		await server.lock(backend, `sessions/${key}`);
		for (const session of sessionsOf(row)) {
			const member = `${row.hour}/${session}`;
			if (server.tables.sessions.has(member) || staged.sessions.has(member)) {
				if (!text.includes("added = bit_count((excluded.bits & ~t.bits)"))
					server.world.problem(`I3: session ${member} counts twice`);
				continue;
			}
			staged.sessions.add(member);
			added.set(row.hour, (added.get(row.hour) ?? 0) + 1);
		}
	}
	return [...added].map(([hour, count]) => ({ hour, count }));
}

function sessionsOf({ block, bits }: { readonly block: number; readonly bits: bigint }): number[] {
	const all = Array.from({ length: 64 }, (_, bit) => bit);
	return all.filter((bit) => (bits >> BigInt(bit)) & 1n).map((bit) => block * 64 + bit);
}

/** Without an order the plan decides. */
function inOrder<T>(server: Server, text: string, rows: T[], order: (a: T, b: T) => number): void {
	if (text.includes("ORDER BY 1, 2")) rows.sort(order);
	else shuffle(rows, server.world.random);
}

function hoursOf(value: unknown): number[] {
	return elementsOf(value).map((hour) => Number(timestamptz(hour) / MICROS_PER_HOUR));
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
