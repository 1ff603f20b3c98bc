/**
 * Our COPY binary against Postgres's own COPY text: the same random rows through both, into tables of one shape,
 * must be the same rows. Needs a real Postgres, named by the usual `PG*` variables.
 */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import fc from "fast-check";
import type pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import t from "tap";
import { EVENT_TYPES } from "../../schema/event.ts";
import { REASONS, type Reason, stageOf } from "../../schema/reasons.ts";
import type { EventFields } from "../../schema/validate.ts";
import { DeadLetterEncoder } from "../../workers/copy-dead-letters.ts";
import { COPY_HEADER, COPY_TRAILER, DEAD_LETTER_COLUMNS, EVENT_COLUMNS } from "../../workers/copy-layout.ts";
import { RowEncoder } from "../../workers/copy-rows.ts";
import { SliceReader } from "../../workers/slice.ts";
import { createDatabase } from "../support/database.ts";
import { eventFields, foldedEvent } from "../support/event-fields.ts";
import { pack, record } from "../support/slices.ts";

const seed = Number(process.env["FC_SEED"] ?? Date.now() % 2 ** 31);
t.comment(`fast-check seed ${seed} (FC_SEED repeats it)`);
const ROWS = 3000;

const EVENT_SHAPE = `(event_time timestamptz NOT NULL, event_type text NOT NULL, user_id text NOT NULL,
	session_id bigint NOT NULL, amount numeric(14, 2), kafka_partition int NOT NULL, kafka_offset bigint NOT NULL)`;
const DEAD_LETTER_SHAPE = `(topic text NOT NULL, kafka_partition int NOT NULL, kafka_offset bigint NOT NULL,
	kafka_timestamp timestamptz, key bytea, value bytea, headers jsonb, stage text NOT NULL, reason text NOT NULL,
	pointer text, detail text)`;

type Cell = string | null;

/** A value of COPY text: NULL is \N, and backslash, tab, newline and return are escaped. */
function escaped(cell: Cell): string {
	if (cell === null) return "\\N";
	return cell.replace(/[\\\t\n\r]/g, (c) => ({ "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" })[c]!);
}

async function copy(client: pg.Client, sql: string, chunks: readonly Uint8Array[]): Promise<void> {
	await pipeline(Readable.from(chunks.map((chunk) => Buffer.from(chunk))), client.query(copyFrom(sql)));
}

/** Loads both forms into temporary tables; gives how many rows each has that the other lacks. */
async function compare(
	client: pg.Client,
	shape: string,
	columns: readonly string[],
	binary: readonly Uint8Array[],
	rows: readonly (readonly Cell[])[],
): Promise<{ binaryRows: number; textRows: number; onlyBinary: number; onlyText: number }> {
	await client.query(`CREATE TEMP TABLE by_binary ${shape}; CREATE TEMP TABLE by_text ${shape}`);
	const list = columns.join(", ");
	await copy(client, `COPY by_binary (${list}) FROM STDIN (FORMAT binary)`, [
		COPY_HEADER,
		...binary,
		COPY_TRAILER,
	]);
	const lines = rows.map((row) => Buffer.from(`${row.map(escaped).join("\t")}\n`));
	await copy(client, `COPY by_text (${list}) FROM STDIN`, lines);
	const count = async (sql: string) =>
		Number((await client.query(`SELECT count(*) FROM ${sql}`)).rows[0].count);
	const result = {
		binaryRows: await count("by_binary"),
		textRows: await count("by_text"),
		onlyBinary: await count("(TABLE by_binary EXCEPT ALL TABLE by_text) x"),
		onlyText: await count("(TABLE by_text EXCEPT ALL TABLE by_binary) x"),
	};
	return result;
}

/** ISO 8601 with six decimals, from BigInt microseconds; years above 9999 as Postgres reads them. */
function isoMicros(seconds: number, micros: number): string {
	const date = new Date(seconds * 1000);
	const pad = (value: number, width: number) => String(value).padStart(width, "0");
	const day = `${pad(date.getUTCFullYear(), 4)}-${pad(date.getUTCMonth() + 1, 2)}-${pad(date.getUTCDate(), 2)}`;
	return `${day} ${date.toISOString().slice(-13, -5)}.${pad(micros, 6)}+00`;
}

const decimal = (cents: number) => `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, "0")}`;
const hex = (bytes: Uint8Array | null) =>
	bytes === null ? null : `\\x${Buffer.from(bytes).toString("hex")}`;

t.test("rows of events are the same through COPY binary and COPY text", async (t) => {
	const { client } = await createDatabase(t);
	const rows = fc.sample(fc.tuple(eventFields, fc.maxSafeNat()), { numRuns: ROWS, seed });
	const edges: [Partial<EventFields>, number][] = [
		[{ seconds: -50_400 }, 0],
		[{ seconds: 253_402_351_199, micros: 999_999 }, 2 ** 53 - 1],
		[{ typeIndex: 2, cents: 0 }, 1],
		[{ typeIndex: 2, cents: 10 ** 14 - 1 }, 2],
		[{ typeIndex: 3, cents: 10_000 }, 3],
		[{ typeIndex: 3, cents: 1 }, 4],
	];
	const plain: EventFields = { typeIndex: 0, userId: "u", sessionId: 0, cents: -1, seconds: 0, micros: 0 };
	for (const [fields, offset] of edges) rows.push([{ ...plain, ...fields }, offset]);

	const encoder = new RowEncoder(12);
	for (const [event, offset] of rows) encoder.add(foldedEvent(event), offset);
	const cells = rows.map(([event, offset]) => [
		isoMicros(event.seconds, event.micros),
		EVENT_TYPES[event.typeIndex]!,
		event.userId,
		String(event.sessionId),
		event.cents < 0 ? null : decimal(event.cents),
		"12",
		String(offset),
	]);
	const result = await compare(client, EVENT_SHAPE, EVENT_COLUMNS, encoder.take(), cells);
	t.same(result, { binaryRows: rows.length, textRows: rows.length, onlyBinary: 0, onlyText: 0 });
	const sizes = await client.query(
		"SELECT (SELECT sum(pg_column_size(amount)) FROM by_binary) - (SELECT sum(pg_column_size(amount)) FROM by_text) AS d",
	);
	t.equal(Number(sizes.rows[0].d), 0, "amounts are stored in as many bytes");
});

t.test("dead letters are the same through COPY binary and COPY text", async (t) => {
	const { client } = await createDatabase(t);
	const bytes = fc.option(fc.uint8Array({ maxLength: 100 }), { freq: 4 });
	const words = fc.option(fc.string({ unit: "grapheme", maxLength: 60 }).map((s) => s.replaceAll("\0", "")));
	// Headers as the engine writes them: values in base64, since jsonb refuses U+0000.
	const headers = fc.array(fc.record({ key: fc.string({ maxLength: 9 }), value: fc.base64String() }));
	const letters = fc.sample(
		fc.record({
			offset: fc.maxSafeNat(),
			timestampMs: fc.oneof(
				fc.integer({ min: 0, max: 2 ** 42 }),
				fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }),
				fc.constantFrom(-1, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
			),
			value: bytes,
			key: bytes,
			headers: fc.option(headers.map((list) => JSON.stringify(list).replaceAll("\\u0000", ""))),
			reason: fc.constantFrom(...(Object.keys(REASONS) as Reason[])),
			pointer: words,
			detail: words,
		}),
		{ numRuns: ROWS, seed },
	);
	const encoder = new DeadLetterEncoder("user_events", 5);
	const records = letters.map((letter) =>
		record({
			...letter,
			partition: 5,
			headers: letter.headers === null ? null : Buffer.from(letter.headers),
		}),
	);
	const reader = new SliceReader(pack(records));
	for (const letter of letters) {
		reader.next();
		encoder.add(reader, letter);
	}
	const timestamp = (ms: number) => {
		if (ms === -1 || Math.abs(ms) === Number.MAX_SAFE_INTEGER) return null;
		const seconds = Math.floor(ms / 1000);
		return isoMicros(seconds, (ms - seconds * 1000) * 1000);
	};
	const cells = letters.map((letter) => [
		"user_events",
		"5",
		String(letter.offset),
		timestamp(letter.timestampMs),
		hex(letter.key),
		hex(letter.value),
		letter.headers,
		stageOf(letter.reason),
		letter.reason,
		letter.pointer,
		letter.detail,
	]);
	const result = await compare(client, DEAD_LETTER_SHAPE, DEAD_LETTER_COLUMNS, encoder.take(), cells);
	t.same(result, { binaryRows: ROWS, textRows: ROWS, onlyBinary: 0, onlyText: 0 });
});
