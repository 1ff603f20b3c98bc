-- The tables behind the engine. Public relations (their names and columns stay as they are): events, dead_letters,
-- source_offsets, and the views of 0002. The rest is the engine's own.
--
-- Nothing here is newer than PostgreSQL 14. Names carry no schema: everything goes where search_path says.
-- A migration holds no BEGIN or COMMIT: the runner wraps each file in one transaction.

CREATE TABLE ledger (
	singleton boolean PRIMARY KEY DEFAULT true,
	generation bigint NOT NULL DEFAULT 0,
	cluster_id text NOT NULL,
	topic text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT ledger_is_one_row CHECK (singleton)
);

COMMENT ON TABLE ledger IS 'One row: which topic of which Kafka cluster this database has counted';
COMMENT ON COLUMN ledger.singleton IS 'Always true: there is one row';
COMMENT ON COLUMN ledger.generation IS 'Raised by recompute and erase, so that no engine goes on with what it remembers';
COMMENT ON COLUMN ledger.cluster_id IS 'Id of the Kafka cluster; "file" when the source is a file';
COMMENT ON COLUMN ledger.topic IS 'The topic; another one needs another database';
COMMENT ON COLUMN ledger.created_at IS 'When the first engine claimed this database';

-- One hot row per partition, rewritten by every flush. Room on the page keeps those updates HOT (no index is touched),
-- and vacuum comes early and in full speed: behind a snapshot that was held open, dead versions of a hot row pile up
-- and every flush walks over them. Vacuum never truncates, for that would lock out the next flush.
CREATE TABLE source_offsets (
	topic text COLLATE "C" NOT NULL,
	kafka_partition int NOT NULL,
	start_offset bigint NOT NULL,
	next_offset bigint NOT NULL,
	gap_count bigint NOT NULL DEFAULT 0,
	stored_count bigint NOT NULL DEFAULT 0,
	dead_letter_count bigint NOT NULL DEFAULT 0,
	epoch bigint NOT NULL DEFAULT 0,
	owner text,
	last_record_offset bigint,
	last_record_timestamp bigint,
	last_record_hash bytea,
	newest_event_time timestamptz,
	updated_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (topic, kafka_partition),
	CONSTRAINT source_offsets_never_run_backwards CHECK (next_offset >= start_offset),
	CONSTRAINT source_offsets_counts_are_not_negative CHECK (
		gap_count >= 0 AND stored_count >= 0 AND dead_letter_count >= 0
	),
	CONSTRAINT source_offsets_conserve_records CHECK (
		next_offset - start_offset - gap_count = stored_count + dead_letter_count
	)
) WITH (
	fillfactor = 20,
	autovacuum_vacuum_threshold = 500,
	autovacuum_vacuum_scale_factor = 0,
	autovacuum_vacuum_cost_delay = 0,
	vacuum_truncate = off
);

COMMENT ON TABLE source_offsets IS 'Per partition of the topic: how far this database has counted it. Moved in the transaction that stores what lies between, whatever the consumer group is called';
COMMENT ON COLUMN source_offsets.topic IS 'Kafka topic';
COMMENT ON COLUMN source_offsets.kafka_partition IS 'Kafka partition';
COMMENT ON COLUMN source_offsets.start_offset IS 'Offset counting began at: the start of the log when the partition was first seen';
COMMENT ON COLUMN source_offsets.next_offset IS 'Everything before this offset is counted; the next record to store has at least this offset';
COMMENT ON COLUMN source_offsets.gap_count IS 'Offsets between start and next that hold no record: transaction markers, aborted and compacted records';
COMMENT ON COLUMN source_offsets.stored_count IS 'Records stored in events';
COMMENT ON COLUMN source_offsets.dead_letter_count IS 'Records stored in dead_letters';
COMMENT ON COLUMN source_offsets.epoch IS 'Raised by every claim; a flush under an older epoch is refused';
COMMENT ON COLUMN source_offsets.owner IS 'Who claimed the partition last, for people';
COMMENT ON COLUMN source_offsets.last_record_offset IS 'Offset of the last record counted; null before the first';
COMMENT ON COLUMN source_offsets.last_record_timestamp IS 'Kafka timestamp of that record, in ms since 1970';
COMMENT ON COLUMN source_offsets.last_record_hash IS 'Hash of that record, by which a recreated topic is recognised';
COMMENT ON COLUMN source_offsets.newest_event_time IS 'Newest event_time stored from this partition';
COMMENT ON COLUMN source_offsets.updated_at IS 'When the row last moved';

-- No unique index: the offset row is what keeps a record from being stored twice, and a key would cost more than half
-- of the rate. BRIN is nearly free; autosummarize lets it cover the newest pages without waiting for a vacuum.
CREATE TABLE events (
	event_time timestamptz NOT NULL,
	event_type text NOT NULL,
	user_id text NOT NULL,
	session_id bigint NOT NULL,
	amount numeric(14, 2),
	kafka_partition int NOT NULL,
	kafka_offset bigint NOT NULL,
	ingested_at timestamptz NOT NULL DEFAULT now()
) PARTITION BY RANGE (event_time);

CREATE INDEX events_event_time_brin ON events USING brin (event_time) WITH (autosummarize = on);

-- Takes every day that has no partition of its own. Days are attached ahead of need, outside flushes.
CREATE TABLE events_default PARTITION OF events DEFAULT;

COMMENT ON TABLE events IS 'Every valid event, one row a Kafka record; partitioned by the UTC day of event_time';
COMMENT ON COLUMN events.event_time IS 'When it happened, as the event says, to the microsecond';
COMMENT ON COLUMN events.event_type IS 'login, view_numbers, ticket_purchased, claim_reward or logout';
COMMENT ON COLUMN events.user_id IS 'The user';
COMMENT ON COLUMN events.session_id IS 'The session';
COMMENT ON COLUMN events.amount IS 'Money: the price of a ticket_purchased, the payout of a claim_reward; null for the other types';
COMMENT ON COLUMN events.kafka_partition IS 'Kafka partition of the record';
COMMENT ON COLUMN events.kafka_offset IS 'Kafka offset of the record';
COMMENT ON COLUMN events.ingested_at IS 'Start of the transaction that stored it';
COMMENT ON TABLE events_default IS 'Events of the days that have no partition of their own';

-- One row an hour, written by every flush that holds an event of that hour; hot like source_offsets.
CREATE TABLE hourly_totals (
	hour timestamptz PRIMARY KEY,
	revenue numeric(24, 2) NOT NULL DEFAULT 0,
	ticket_count bigint NOT NULL DEFAULT 0,
	payouts numeric(24, 2) NOT NULL DEFAULT 0,
	payout_events bigint NOT NULL DEFAULT 0,
	logins bigint NOT NULL DEFAULT 0,
	events bigint NOT NULL DEFAULT 0,
	active_users bigint NOT NULL DEFAULT 0,
	new_sessions bigint NOT NULL DEFAULT 0,
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT hourly_totals_hours_are_whole CHECK (hour = date_trunc('hour', hour, 'UTC'))
) WITH (
	fillfactor = 30,
	autovacuum_vacuum_threshold = 500,
	autovacuum_vacuum_scale_factor = 0,
	autovacuum_vacuum_cost_delay = 0,
	vacuum_truncate = off
);

COMMENT ON TABLE hourly_totals IS 'Sums and counts of each UTC hour; read them through hourly_business_metrics';
COMMENT ON COLUMN hourly_totals.hour IS 'Start of the hour';
COMMENT ON COLUMN hourly_totals.revenue IS 'Sum of the amounts of ticket_purchased';
COMMENT ON COLUMN hourly_totals.ticket_count IS 'Number of ticket_purchased';
COMMENT ON COLUMN hourly_totals.payouts IS 'Sum of the amounts of claim_reward';
COMMENT ON COLUMN hourly_totals.payout_events IS 'Number of claim_reward';
COMMENT ON COLUMN hourly_totals.logins IS 'Number of login';
COMMENT ON COLUMN hourly_totals.events IS 'Number of events of any type';
COMMENT ON COLUMN hourly_totals.active_users IS 'Rows of hourly_users with this hour';
COMMENT ON COLUMN hourly_totals.new_sessions IS 'Rows of hourly_sessions with this hour';
COMMENT ON COLUMN hourly_totals.updated_at IS 'Start of the transaction that last changed the row';

-- Who was seen in which hour. The primary key decides who is new, whatever the flush borders, restarts or engines.
-- Byte order ("C") is cheap to compare, the same on every machine, and the order in which two engines take row locks.
CREATE TABLE hourly_users (
	hour timestamptz NOT NULL,
	user_id text COLLATE "C" NOT NULL,
	PRIMARY KEY (hour, user_id)
);

COMMENT ON TABLE hourly_users IS 'Users with any event in the hour, each once';
COMMENT ON COLUMN hourly_users.hour IS 'Start of the hour';
COMMENT ON COLUMN hourly_users.user_id IS 'The user';

CREATE TABLE hourly_sessions (
	hour timestamptz NOT NULL,
	session_id bigint NOT NULL,
	PRIMARY KEY (hour, session_id)
);

COMMENT ON TABLE hourly_sessions IS 'Sessions that logged in within the hour, each once';
COMMENT ON COLUMN hourly_sessions.hour IS 'Start of the hour';
COMMENT ON COLUMN hourly_sessions.session_id IS 'The session';

CREATE TABLE dead_letters (
	topic text COLLATE "C" NOT NULL,
	kafka_partition int NOT NULL,
	kafka_offset bigint NOT NULL,
	kafka_timestamp timestamptz,
	key bytea,
	value bytea,
	headers jsonb,
	stage text NOT NULL,
	reason text NOT NULL,
	pointer text,
	detail text,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (topic, kafka_partition, kafka_offset)
);

CREATE INDEX dead_letters_created_at_brin ON dead_letters USING brin (created_at) WITH (autosummarize = on);

COMMENT ON TABLE dead_letters IS 'Every record that is not a valid event, with its original bytes and the reason';
COMMENT ON COLUMN dead_letters.topic IS 'Kafka topic of the record';
COMMENT ON COLUMN dead_letters.kafka_partition IS 'Kafka partition of the record';
COMMENT ON COLUMN dead_letters.kafka_offset IS 'Kafka offset of the record';
COMMENT ON COLUMN dead_letters.kafka_timestamp IS 'Kafka timestamp of the record; null when it has none or one that no calendar holds';
COMMENT ON COLUMN dead_letters.key IS 'The key, byte for byte; null when the record has none';
COMMENT ON COLUMN dead_letters.value IS 'The value, byte for byte; null when the record has none';
COMMENT ON COLUMN dead_letters.headers IS 'The headers, their values in base64; null when the record has none';
COMMENT ON COLUMN dead_letters.stage IS 'Step that refused the record';
COMMENT ON COLUMN dead_letters.reason IS 'Why, as one of the documented codes';
COMMENT ON COLUMN dead_letters.pointer IS 'JSON pointer to the offending field; null when there is none';
COMMENT ON COLUMN dead_letters.detail IS 'What exactly was wrong, for people';
COMMENT ON COLUMN dead_letters.created_at IS 'Start of the transaction that stored it';
