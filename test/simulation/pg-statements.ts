/** What the engine's statements do in the simulated Postgres. A statement it does not know is a problem of the run. */

import { shuffle } from "../../producer/random.ts";
import { copyDeadLetters, copyEvents, refuseOnce } from "./pg-copy.ts";
import { addToHours, addUserNumbers, insertMembers, userNumbers } from "./pg-hours.ts";
import { freePlace } from "./pg-places.ts";
import { type Backend, type Result, type Server, ServerError, type Statement } from "./pg-session.ts";
import { copyRow, type OffsetRow, Staged } from "./pg-tables.ts";
import { type Context, type Expression, parseExpression, splitList, unnested } from "./sql-expression.ts";

/**
 * The erasure of one user's rows, as a command must do it: with a new generation, under `LOCK TABLE source_offsets IN EXCLUSIVE
 * MODE`. The locks of the rows that are there would not do: a claim may add one meanwhile, and a flush of it may take the
 * erased user for stored (found by seed 139204723). What nobody has claimed yet is locked here by its key.
 */
export const ERASE = "sim: erase";

const done = (command: string, rowCount = 0): Result => ({ command, rowCount, rows: [] });

export async function execute(server: Server, backend: Backend, statement: Statement): Promise<Result> {
	const { text } = statement;
	if (text.startsWith("BEGIN")) {
		backend.txn = { staged: new Staged(), beganMs: server.world.nowMs, failed: false };
		return done("BEGIN");
	}
	if (text === "COMMIT") return done(server.commit(backend));
	if (text === "ROLLBACK") {
		server.rollback(backend);
		return done("ROLLBACK");
	}
	if (text.startsWith("SET application_name")) {
		backend.applicationName = /= '([^']*)'/.exec(text)?.[1] ?? "";
		return done("SET");
	}
	if (text.includes("server_version_num")) {
		return { ...done("SELECT", 1), rows: [{ version: "18.0", number: 180_000, durable: "on" }] };
	}
	if (text.includes("transaction_read_only")) return { ...done("SELECT", 1), rows: [{ readonly: "off" }] };
	if (text.includes("pg_terminate_backend")) return terminateBlockers(server, statement);
	if (text.startsWith("CREATE TEMP TABLE")) return done("CREATE TABLE");
	const { staged } = backend.txn ?? { staged: new Staged() };
	if (/^COPY (events|refused_rows) /.test(text)) {
		if (text.startsWith("COPY events") && staged.rows.size > 0) refuseOnce(server, statement);
		const events = copyEvents(server, statement);
		if (text.startsWith("COPY events")) staged.events.push(...events);
		return done("COPY", events.length);
	}
	if (text.startsWith("COPY dead_letters ")) {
		const dead = copyDeadLetters(server, statement);
		staged.dead.push(...dead);
		return done("COPY", dead.length);
	}
	if (text.startsWith("INSERT INTO ledger")) {
		await insertLedger(server, backend, staged, statement);
		return done("INSERT");
	}
	if (text.startsWith("SELECT pg_advisory_xact_lock(")) {
		await server.lock(backend, text);
		return done("SELECT", 1);
	}
	if (text.startsWith("INSERT INTO source_offsets")) {
		await insertOffsets(server, backend, staged, statement);
		return done("INSERT");
	}
	if (/^SELECT .*FROM source_offsets\s.*FOR UPDATE/s.test(text))
		return lockOffsets(server, backend, statement);
	if (/^SELECT .*FROM ledger/s.test(text)) {
		const ledger = staged.ledger ?? server.tables.ledger;
		const rows = ledger === null ? [] : [{ ...ledger, generation: String(ledger.generation) }];
		return { ...done("SELECT", rows.length), rows };
	}
	if (text.startsWith("UPDATE source_offsets")) return updateOffsets(server, backend, staged, statement);
	if (text.includes("nextval('user_number_blocks')")) {
		const blocks = Array.from({ length: Number(statement.values[0]) }, () => server.tables.nextUserBlock++);
		return { ...done("SELECT", blocks.length), rows: blocks.map((block) => ({ block: String(block) })) };
	}
	if (text.startsWith("SELECT add_user_numbers(")) {
		const count = await addUserNumbers(server, backend, staged, statement);
		return { ...done("SELECT", 1), rows: [{ count }] };
	}
	if (/^SELECT .*FROM unnest.*JOIN user_numbers/s.test(text)) {
		return { ...done("SELECT", 1), rows: [{ numbers: userNumbers(server, staged, statement) }] };
	}
	if (/INSERT INTO hourly_(users|sessions)/.test(text)) {
		return { ...done("SELECT"), rows: await insertMembers(server, backend, staged, statement) };
	}
	if (text.startsWith("SELECT add_to_hours(")) {
		return { ...done("SELECT", 1), rows: [{ places: await addToHours(server, backend, staged, statement) }] };
	}
	if (text === ERASE) {
		for (const partition of server.topic.logs.keys()) await server.lock(backend, `row:${partition}`);
		const { ledger } = server.tables;
		if (ledger !== null) staged.ledger = { ...ledger, generation: ledger.generation + 1 };
		staged.erased = String(statement.values[0]);
		return done("DELETE");
	}
	server.world.problem(`the simulated Postgres does not know this statement: ${text}`);
	throw new ServerError("42601", "unknown statement");
}

/** The row as this transaction sees it. */
function rowOf(server: Server, staged: Staged, partition: number): OffsetRow | undefined {
	return staged.rows.get(partition) ?? server.tables.rows.get(partition);
}

/** The two inserts of a first claim wait for each other, as the key makes them. */
async function insertLedger(
	server: Server,
	backend: Backend,
	staged: Staged,
	{ values }: Statement,
): Promise<void> {
	if (server.tables.ledger !== null) return;
	await server.lock(backend, "ledger");
	if (server.tables.ledger !== null) return;
	staged.ledger = { generation: 0, clusterId: String(values[0]), topic: String(values[1]) };
}

async function insertOffsets(server: Server, backend: Backend, staged: Staged, { text, values }: Statement) {
	const v = unnested(text, values);
	for (const { kafka_partition: partition, low } of v as { kafka_partition: number; low: number }[]) {
		if (rowOf(server, staged, partition) !== undefined) continue;
		await server.lock(backend, `row:${partition}`);
		if (rowOf(server, staged, partition) !== undefined) continue;
		staged.rows.set(partition, {
			partition,
			start_offset: low,
			next_offset: low,
			gap_count: 0,
			stored_count: 0,
			dead_letter_count: 0,
			epoch: 0,
			others: new Map([["ctid", freeRowPlace(server, staged)]]),
		});
	}
}

/** By key, or by place (`ctid`). */
async function lockOffsets(server: Server, backend: Backend, { text, values }: Statement): Promise<Result> {
	const places = text.includes("ctid = ANY ($1::tid[])") ? (values[0] as string[]) : undefined;
	const partitions = places === undefined ? [...(values[1] as number[])] : [...server.tables.rows.keys()];
	// Without an order the plan decides.
	if (/ORDER BY \(?topic, kafka_partition/.test(text)) partitions.sort((a, b) => a - b);
	else partitions.sort(() => server.world.random.float() - 0.5);
	const { staged } = backend.txn!;
	const rows: Record<string, unknown>[] = [];
	for (const partition of partitions) {
		const before = rowOf(server, staged, partition);
		if (before === undefined || places?.includes(placeOfRow(before)) === false) continue;
		await server.lock(backend, `row:${partition}`);
		const now = rowOf(server, staged, partition)!;
		// Moved while it was waited for: versions of Postgres differ in whether a place is compared again.
		if (places !== undefined && placeOfRow(now) !== placeOfRow(before) && server.world.random.chance(0.5))
			continue;
		rows.push({ topic: columnOf(now, "topic"), kafka_partition: partition, ctid: placeOfRow(now) });
	}
	return { command: "SELECT", rowCount: rows.length, rows };
}

const placeOfRow = (row: OffsetRow): string => String(row.others.get("ctid"));

function freeRowPlace(server: Server, staged: Staged): string {
	return freePlace([...server.tables.rows.values(), ...staged.rows.values()].map(placeOfRow));
}

interface Update {
	readonly sets: readonly { readonly column: string; readonly value: Expression }[];
	readonly where: Expression;
	readonly returning: readonly { readonly name: string; readonly value: Expression }[];
	readonly hasRows: boolean;
}

const UPDATE =
	/^UPDATE source_offsets(?: s)? SET (.*?)(?: FROM unnest\(.*?\) AS v\(.*?\))? WHERE (.*?)(?: RETURNING (.*))?$/;
const updates = new Map<string, Update>();

function parsedUpdate(text: string): Update {
	const known = updates.get(text);
	if (known !== undefined) return known;
	const found = UPDATE.exec(text.replace(/\s+/g, " ").trim());
	if (found === null) throw new Error(`cannot read the update: ${text}`);
	const [, sets, where, returning] = found as unknown as [string, string, string, string | undefined];
	const update = {
		sets: splitList(sets).map((one) => {
			const at = one.indexOf("=");
			return { column: one.slice(0, at).trim(), value: parseExpression(one.slice(at + 1)) };
		}),
		where: parseExpression(where),
		returning: (returning === undefined ? [] : splitList(returning)).map((one) => {
			const [expression, alias] = one.split(/ AS /i) as [string, string | undefined];
			return { name: (alias ?? expression).replace(/"/g, "").trim(), value: parseExpression(expression) };
		}),
		hasRows: text.includes("AS v("),
	};
	updates.set(text, update);
	return update;
}

/** READ COMMITTED: rows that match are locked, and looked at again once the lock is there. */
async function updateOffsets(
	server: Server,
	backend: Backend,
	staged: Staged,
	statement: Statement,
): Promise<Result> {
	const { sets, where, returning, hasRows } = parsedUpdate(statement.text);
	const v: Record<string, unknown>[] = hasRows ? unnested(statement.text, statement.values) : [{}];
	const contextOf = (row: OffsetRow, given: Record<string, unknown>): Context => ({
		scope: (alias, column) => (alias === "v" ? given[column] : columnOf(row, column)),
		values: statement.values,
		ledger: (column) => (server.tables.ledger as unknown as Record<string, unknown>)[column],
	});
	// In the order of the plan, which nobody can rely on.
	shuffle(v, server.world.random);
	const rows: Record<string, unknown>[] = [];
	const partitions = new Set([...server.tables.rows.keys(), ...staged.rows.keys()]);
	for (const given of v) {
		for (const partition of partitions) {
			if (where(contextOf(rowOf(server, staged, partition)!, given)) !== true) continue;
			await server.lock(backend, `row:${partition}`);
			const row = rowOf(server, staged, partition)!;
			if (where(contextOf(row, given)) !== true) continue;
			const changed = copyRow(row);
			for (const { column, value } of sets) setColumn(changed, column, value(contextOf(row, given)));
			changed.others.set("ctid", freeRowPlace(server, staged));
			staged.rows.set(partition, changed);
			rows.push(
				Object.fromEntries(returning.map(({ name, value }) => [name, value(contextOf(changed, given))])),
			);
		}
	}
	return { command: "UPDATE", rowCount: rows.length, rows };
}

const COLUMNS = [
	"start_offset",
	"next_offset",
	"gap_count",
	"stored_count",
	"dead_letter_count",
	"epoch",
] as const;

function columnOf(row: OffsetRow, column: string): unknown {
	if (column === "topic") return "t";
	if (column === "kafka_partition") return row.partition;
	const known = COLUMNS.find((one) => one === column);
	return known === undefined ? (row.others.get(column) ?? null) : row[known];
}

function setColumn(row: OffsetRow, column: string, value: unknown): void {
	const known = COLUMNS.find((one) => one === column);
	if (known === undefined) row.others.set(column, value);
	else row[known] = Number(value);
}

/** As the statement says: the chain of who waits for whom, backends of engines only, and only such as wait for their client. */
function terminateBlockers(server: Server, { text, values }: Statement): Result {
	const waiter = [...server.backends].find(({ pid }) => pid === Number(values[0]));
	if (waiter?.waitingFor == null || server.world.nowMs - waiter.waitingSinceMs < Number(values[1]))
		return done("SELECT");
	let blocker = server.holder(waiter.waitingFor);
	while (text.includes("RECURSIVE") && blocker?.waitingFor != null)
		blocker = server.holder(blocker.waitingFor);
	if (blocker === null || !/^lottery-engine (writer|claimer) /.test(blocker.applicationName))
		return done("SELECT");
	if (text.includes("wait_event_type = 'Client'") && blocker.state !== "client") return done("SELECT");
	server.world.note("blocker terminated");
	server.end(blocker, new ServerError("57P01", "terminated by another engine", "FATAL"));
	return done("SELECT", 1);
}
