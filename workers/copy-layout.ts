/**
 * What the actors' bytes and the engine's COPY statements must agree on.
 *
 * Format: https://www.postgresql.org/docs/18/sql-copy.html, "Binary Format".
 */

/** Signature `PGCOPY\n\xff\r\n\0`, 32-bit flags 0, 32-bit header extension length 0. */
export const COPY_HEADER: Uint8Array = Uint8Array.of(
	0x50,
	0x47,
	0x43,
	0x4f,
	0x50,
	0x59,
	0x0a,
	0xff,
	0x0d,
	0x0a,
	0x00,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
);

/** A tuple with field count -1 ends the data. */
export const COPY_TRAILER: Uint8Array = Uint8Array.of(0xff, 0xff);

/** Columns of an `events` tuple, in order; `ingested_at` is left to its default. */
export const EVENT_COLUMNS = [
	"event_time",
	"event_type",
	"user_id",
	"session_id",
	"amount",
	"kafka_partition",
	"kafka_offset",
] as const;

/** Columns of a `dead_letters` tuple, in order; `created_at` is left to its default. */
export const DEAD_LETTER_COLUMNS = [
	"topic",
	"kafka_partition",
	"kafka_offset",
	"kafka_timestamp",
	"key",
	"value",
	"headers",
	"stage",
	"reason",
	"pointer",
	"detail",
] as const;

/** Postgres counts time from 2000-01-01 UTC. */
export const POSTGRES_EPOCH_SECONDS = 946_684_800;
