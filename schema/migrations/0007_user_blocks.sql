-- Users of an hour as bits, like its sessions (0006). Users have no numbers, so they get one when they are first seen,
-- and keep it. A pair of hour and user was a row and an index entry of its own, 3.8 us and 200 bytes of WAL where the
-- hours are many; now it is a bit in a row that hundreds of users share, 0.7 us and 43 bytes.
--
-- What is stored is converted here, at about a minute for ten million pairs.

-- Whoever reads a view locks the view first, then its tables: in the other order this would meet readers in a circle.
LOCK TABLE rolling_24h_metrics, daily_event_summary, hourly_active_users IN ACCESS EXCLUSIVE MODE;

-- Rows are never changed and never go: engines remember numbers that were committed. An engine takes the numbers of a
-- whole row of hourly_users at a time, so that new users of different engines share no rows. Numbers have gaps. Only the
-- sequence keeps them apart: whoever copies the tables without it (logical replication) must set it.
CREATE TABLE user_numbers (
	user_id text COLLATE "C" PRIMARY KEY,
	number bigint NOT NULL
);

CREATE SEQUENCE user_number_blocks MINVALUE 0 START 0 OWNED BY user_numbers.number;

-- Gives each user his number unless he has one, and says how many had none. Who expects only new ones pays 2.8 us for each
-- instead of 4.4: ON CONFLICT looks for each before it is put in, and marks him as not yet certain. When somebody was known
-- after all, the first try is undone. In a function, because the engine would wait for each step of a savepoint.
CREATE FUNCTION add_user_numbers(ids text[], new_numbers bigint[], expect_new boolean) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	added int;
BEGIN
	IF expect_new THEN
		BEGIN
			INSERT INTO user_numbers (user_id, number)
			SELECT c.id COLLATE "C", c.number
			FROM (SELECT unnest(ids) AS id, unnest(new_numbers) AS number) AS c
			ORDER BY 1;
			GET DIAGNOSTICS added = ROW_COUNT;
			RETURN added;
		EXCEPTION WHEN unique_violation THEN
			NULL;
		END;
	END IF;
	INSERT INTO user_numbers (user_id, number)
	SELECT c.id COLLATE "C", c.number
	FROM (SELECT unnest(ids) AS id, unnest(new_numbers) AS number) AS c
	ORDER BY 1
	ON CONFLICT DO NOTHING;
	GET DIAGNOSTICS added = ROW_COUNT;
	RETURN added;
END $$;

ALTER TABLE hourly_users RENAME TO hourly_users_one_by_one;
ALTER TABLE hourly_users_one_by_one RENAME CONSTRAINT hourly_users_pkey TO hourly_users_one_by_one_pkey;

-- Every set of an hour changes its rows until everybody was there once: half of each page is room for that (HOT).
CREATE TABLE hourly_users (
	hour timestamptz NOT NULL,
	block bigint NOT NULL,
	added int NOT NULL,
	bits bit(1024) NOT NULL,
	PRIMARY KEY (hour, block)
) WITH (fillfactor = 50);

-- Its rows change as often, and with a tenth of each page left most changes wrote another index entry. Holds for new pages.
ALTER TABLE hourly_sessions SET (fillfactor = 50);

INSERT INTO user_numbers (user_id, number)
SELECT user_id, row_number() OVER (ORDER BY user_id) - 1
FROM (SELECT DISTINCT user_id FROM hourly_users_one_by_one) AS u
ORDER BY user_id;

SELECT setval('user_number_blocks', max(number) >> 10) FROM user_numbers HAVING count(*) > 0;

INSERT INTO hourly_users (hour, block, added, bits)
SELECT o.hour, n.number >> 10, count(*), bit_or(set_bit(0::bit(1024), (n.number & 1023)::int, 1))
FROM hourly_users_one_by_one AS o
JOIN user_numbers AS n USING (user_id)
GROUP BY o.hour, n.number >> 10
ORDER BY 1, 2;

COMMENT ON TABLE user_numbers IS 'The number of each user ever seen, by which hourly_users knows him';
COMMENT ON COLUMN user_numbers.user_id IS 'The user';
COMMENT ON COLUMN user_numbers.number IS 'From 0 up, about in the order in which users were first seen, with gaps';
COMMENT ON FUNCTION add_user_numbers IS 'Numbers of the engine for users it does not know; how many of them are new';
COMMENT ON SEQUENCE user_number_blocks IS 'Blocks of 1024 numbers, each given to one engine';
COMMENT ON TABLE hourly_users IS 'Users with any event in the hour, each once: a row for 1024 neighbouring numbers, a bit for each; read it through hourly_active_users';
COMMENT ON COLUMN hourly_users.hour IS 'Start of the hour';
COMMENT ON COLUMN hourly_users.block IS 'Number of the user (user_numbers) divided by 1024, rounded down';
COMMENT ON COLUMN hourly_users.added IS 'How many bits the last change set: what it added to hourly_totals.active_users';
COMMENT ON COLUMN hourly_users.bits IS 'Bit n, from the left: user number 1024 * block + n was there';
COMMENT ON COLUMN hourly_totals.active_users IS 'Bits set in hourly_users with this hour';

-- Distinct users of several hours: the bits of each block put together, and counted.
CREATE OR REPLACE VIEW rolling_24h_metrics AS
SELECT
	w.hour,
	w.total_revenue,
	w.avg_24h_revenue,
	w.avg_24h_users,
	w.revenue_24h,
	w.payouts_24h,
	w.tickets_24h,
	(
		SELECT coalesce(sum(bit_count(b.bits)), 0)::bigint
		FROM (
			SELECT bit_or(u.bits) AS bits
			FROM hourly_users AS u
			WHERE u.hour > w.hour - interval '24 hours' AND u.hour <= w.hour
			GROUP BY u.block
		) AS b
	) AS active_users_24h
FROM (
	SELECT
		hour,
		revenue AS total_revenue,
		round(avg(revenue) OVER day, 2) AS avg_24h_revenue,
		round(avg(active_users) OVER day, 2) AS avg_24h_users,
		(sum(revenue) OVER day)::numeric(26, 2) AS revenue_24h,
		(sum(payouts) OVER day)::numeric(26, 2) AS payouts_24h,
		(sum(ticket_count) OVER day)::bigint AS tickets_24h
	FROM hourly_totals
	WHERE events > 0
	WINDOW day AS (ORDER BY hour RANGE BETWEEN interval '23 hours' PRECEDING AND CURRENT ROW)
) AS w;

CREATE OR REPLACE VIEW daily_event_summary AS
SELECT
	d.date,
	d.total_revenue,
	d.total_payouts,
	d.ticket_count,
	d.payout_events,
	d.total_logins,
	(
		SELECT coalesce(sum(bit_count(b.bits)), 0)::bigint
		FROM (
			SELECT bit_or(u.bits) AS bits
			FROM hourly_users AS u
			WHERE u.hour >= d.date::timestamp AT TIME ZONE 'UTC'
				AND u.hour < (d.date + 1)::timestamp AT TIME ZONE 'UTC'
			GROUP BY u.block
		) AS b
	) AS active_users,
	d.avg_revenue,
	d.avg_users,
	d.sample_size
FROM (
	SELECT
		(hour AT TIME ZONE 'UTC')::date AS date,
		sum(revenue)::numeric(26, 2) AS total_revenue,
		sum(payouts)::numeric(26, 2) AS total_payouts,
		sum(ticket_count)::bigint AS ticket_count,
		sum(payout_events)::bigint AS payout_events,
		sum(logins)::bigint AS total_logins,
		round(avg(revenue), 2) AS avg_revenue,
		round(avg(active_users), 2) AS avg_users,
		count(*) AS sample_size
	FROM hourly_totals
	WHERE events > 0
	GROUP BY (hour AT TIME ZONE 'UTC')::date
) AS d;

-- Joined by a hash of the blocks: an index on the number would be paid for by every new user.
CREATE OR REPLACE VIEW hourly_active_users AS
SELECT u.hour, n.user_id
FROM hourly_users AS u
JOIN user_numbers AS n ON n.number >> 10 = u.block AND get_bit(u.bits, (n.number & 1023)::int) = 1;

-- Adds to hours, one after the other as given. Each row is looked up where it was last (ctid), and by its key when it is not
-- there: while somebody holds a snapshot open, the key leads to every version written since. Returns where the rows are now.
-- Money is high * 2^52 + low cents. In a function, because the engine would wait for each hour.
CREATE FUNCTION add_to_hours(
	hours bigint[], revenue_high bigint[], revenue_low bigint[], new_tickets bigint[], payouts_high bigint[], payouts_low bigint[],
	new_payout_events bigint[], new_logins bigint[], new_events bigint[], new_users bigint[], sessions bigint[], places tid[]
) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
	carry CONSTANT numeric := 4503599627370496;
	place tid;
	found_at text[] := '{}';
BEGIN
	FOR i IN 1 .. cardinality(hours) LOOP
		-- Compared as what no index knows: the plan would go by the key.
		UPDATE hourly_totals AS t SET
			revenue = t.revenue + (revenue_high[i] * carry + revenue_low[i]) * 0.01,
			ticket_count = t.ticket_count + new_tickets[i],
			payouts = t.payouts + (payouts_high[i] * carry + payouts_low[i]) * 0.01,
			payout_events = t.payout_events + new_payout_events[i],
			logins = t.logins + new_logins[i],
			events = t.events + new_events[i],
			active_users = t.active_users + new_users[i],
			new_sessions = t.new_sessions + sessions[i],
			updated_at = now()
		WHERE t.ctid = places[i] AND extract(epoch FROM t.hour) = hours[i] * 3600
		RETURNING t.ctid INTO place;
		IF NOT FOUND THEN
			INSERT INTO hourly_totals AS t
				(hour, revenue, ticket_count, payouts, payout_events, logins, events, active_users, new_sessions)
			VALUES (
				timestamptz 'epoch' + hours[i] * interval '1 hour',
				(revenue_high[i] * carry + revenue_low[i]) * 0.01, new_tickets[i],
				(payouts_high[i] * carry + payouts_low[i]) * 0.01, new_payout_events[i],
				new_logins[i], new_events[i], new_users[i], sessions[i]
			)
			ON CONFLICT (hour) DO UPDATE SET
				revenue = t.revenue + excluded.revenue,
				ticket_count = t.ticket_count + excluded.ticket_count,
				payouts = t.payouts + excluded.payouts,
				payout_events = t.payout_events + excluded.payout_events,
				logins = t.logins + excluded.logins,
				events = t.events + excluded.events,
				active_users = t.active_users + excluded.active_users,
				new_sessions = t.new_sessions + excluded.new_sessions,
				updated_at = now()
			RETURNING t.ctid INTO place;
		END IF;
		found_at := found_at || place::text;
	END LOOP;
	RETURN found_at;
END $$;

COMMENT ON FUNCTION add_to_hours IS 'Adds the deltas of a set to hourly_totals; where the rows are now';

-- For distinct users of days that are not UTC's: with a million users, names would take half a minute for each day.
CREATE VIEW hourly_user_blocks AS
SELECT hour, block, bits
FROM hourly_users;

COMMENT ON VIEW hourly_user_blocks IS 'Who was active in which UTC hour, by number: for distinct users of several hours bit_or() the bits of each block, and add up their bit_count()';
COMMENT ON COLUMN hourly_user_blocks.hour IS 'Start of the hour';
COMMENT ON COLUMN hourly_user_blocks.block IS 'Number of the user divided by 1024, rounded down';
COMMENT ON COLUMN hourly_user_blocks.bits IS 'Bit n, from the left: user number 1024 * block + n was there';

DO $$ BEGIN
	IF to_regrole('reporter') IS NULL THEN
		RAISE NOTICE 'the read-only role "reporter" does not exist: it was not granted hourly_user_blocks'
			USING HINT = format('when it does, run as %I in this database: GRANT SELECT ON hourly_user_blocks TO reporter;', current_user);
	ELSE
		GRANT SELECT ON hourly_user_blocks TO reporter;
	END IF;
END $$;

DROP TABLE hourly_users_one_by_one;
