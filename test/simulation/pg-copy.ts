/** The two COPY statements: bytes of the actors to rows, read by the format's description alone. */
import { COPY_HEADER, COPY_TRAILER } from "../../workers/copy-layout.ts";
import { int4, int8, numeric, readTuples, text, timestamptz } from "../support/copy-reader.ts";
import { type Server, ServerError, type Statement } from "./pg-session.ts";
import { placeOf, type StoredDeadLetter, type StoredEvent } from "./pg-tables.ts";
import { POISON_USER } from "./sim-topic.ts";

const MICROS_PER_HOUR = 3_600_000_000n;

type Tuple = (Buffer | null)[];

export function copyEvents(server: Server, statement: Statement): StoredEvent[] {
	return tuplesOf(statement).map((fields, i) => {
		const at = columns(statement, fields);
		const user = text(at("user_id"));
		if (user === POISON_USER) {
			// The context names the line; a server of another language may not.
			const where = server.world.random.chance(0.8)
				? `COPY events, line ${i + 1}, column user_id`
				: undefined;
			throw new ServerError("22021", "invalid byte sequence for encoding", "ERROR", where);
		}
		return {
			partition: int4(at("kafka_partition")),
			offset: Number(int8(at("kafka_offset"))),
			hour: Number(timestamptz(at("event_time")) / MICROS_PER_HOUR),
			type: text(at("event_type")),
			user,
			session: Number(int8(at("session_id"))),
			cents: at("amount") === null ? null : Number(numeric(at("amount")).unscaled),
		};
	});
}

export function copyDeadLetters(server: Server, statement: Statement): StoredDeadLetter[] {
	const letters = tuplesOf(statement).map((fields) => {
		const at = columns(statement, fields);
		const offset = Number(int8(at("kafka_offset")));
		return { partition: int4(at("kafka_partition")), offset, reason: text(at("reason")) };
	});
	for (const { partition, offset } of letters) {
		if (server.tables.dead.has(placeOf(partition, offset))) {
			throw new ServerError("23505", "duplicate key value violates unique constraint of dead_letters");
		}
	}
	return letters;
}

/**
 * A row is refused that the next try stores: a day partition was attached in mid-COPY, or a limit was met that passes.
 * Never the same row twice.
 */
export function refuseOnce(server: Server, statement: Statement): void {
	const isDay = server.world.fault("day attached in mid-COPY", 0.01);
	if (!isDay && !server.world.fault("row refused once", 0.01)) return;
	const tuples = tuplesOf(statement);
	const line = server.world.random.below(tuples.length);
	const at = columns(statement, tuples[line]!);
	const place = placeOf(int4(at("kafka_partition")), Number(int8(at("kafka_offset"))));
	if (server.refusedOnce.has(place)) return;
	server.refusedOnce.add(place);
	throw new ServerError(
		isDay ? "23514" : "54000",
		isDay ? "new row violates partition constraint" : "a limit is exceeded",
		"ERROR",
		`COPY events, line ${line + 1}`,
	);
}

function columns({ text }: Statement, fields: Tuple): (name: string) => Buffer | null {
	const names = /\(([^)]*)\)/.exec(text)![1]!.split(", ");
	return (name) => fields[names.indexOf(name)] ?? null;
}

function tuplesOf({ copied }: Statement): Tuple[] {
	const bytes = Buffer.concat(copied ?? []);
	const header = bytes.subarray(0, COPY_HEADER.length);
	const trailer = bytes.subarray(bytes.length - COPY_TRAILER.length);
	if (!header.equals(COPY_HEADER) || !trailer.equals(COPY_TRAILER)) {
		throw new ServerError("22P04", "COPY file signature not recognized");
	}
	return readTuples([bytes.subarray(COPY_HEADER.length, bytes.length - COPY_TRAILER.length)]);
}
