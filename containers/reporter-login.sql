-- Lets the read-only role of migration 0005 log in, for Grafana: psql -f reporter-login.sql, with the password in the
-- environment as REPORTER_PASSWORD. The migration makes the role without a login, since a password written there would
-- be everybody's. Safe to run again; a new password is in effect at once.
\set ON_ERROR_STOP on
\set password ''
\getenv password REPORTER_PASSWORD
SELECT :'password' = '' AS is_empty \gset
\if :is_empty
	DO $$ BEGIN
		RAISE EXCEPTION 'REPORTER_PASSWORD is empty' USING HINT = 'set it to the password that Grafana logs in with';
	END $$;
\endif
ALTER ROLE reporter LOGIN PASSWORD :'password';
