-- A role for people and dashboards: it reads the public relations and nothing else. Grant it to those who log in:
--   GRANT reporter TO anna;
--
-- A role belongs to the whole server, a grant to one database. The role may therefore be there already, another database
-- may be making it at this moment, and who migrates may not be allowed to make it: none of these fails the migration.

-- Daily reports in a business time zone count the distinct users of days that are not UTC's.
CREATE VIEW hourly_active_users AS
SELECT hour, user_id
FROM hourly_users;

COMMENT ON VIEW hourly_active_users IS 'Who was active in which UTC hour, each user once an hour; for distinct users over ranges of your own';
COMMENT ON COLUMN hourly_active_users.hour IS 'Start of the hour';
COMMENT ON COLUMN hourly_active_users.user_id IS 'The user';

-- Blocks begin at the end of a line here: BEGIN at the start of one would look like a transaction of its own.
DO $reporter$ DECLARE
	-- A grant on events holds for the partitions of its days, those of later days too, when they are read through it.
	grant_select CONSTANT text := 'GRANT SELECT ON events, dead_letters, source_offsets, hourly_business_metrics, '
		'rolling_24h_metrics, daily_event_summary, hourly_active_users TO reporter';
	grant_usage CONSTANT text := format('GRANT USAGE ON SCHEMA %I TO reporter', current_schema()); BEGIN
	IF to_regrole('reporter') IS NULL THEN BEGIN
		CREATE ROLE reporter NOLOGIN;
	EXCEPTION
		WHEN duplicate_object OR unique_violation THEN
			NULL;
		WHEN insufficient_privilege THEN
			RAISE NOTICE 'the read-only role "reporter" does not exist, and % may not create roles: everything works without it',
				current_user
				USING HINT = format(
					'to have it, let an administrator run: CREATE ROLE reporter NOLOGIN; and then as %I in this database: %s; %s;',
					current_user, grant_usage, grant_select
				);
			RETURN;
	END; END IF;
	-- Everybody may use the schema public; whoever does not own a schema could not grant its use.
	IF NOT has_schema_privilege('reporter', current_schema(), 'USAGE') THEN
		EXECUTE grant_usage;
	END IF;
	EXECUTE grant_select;
END
$reporter$;
