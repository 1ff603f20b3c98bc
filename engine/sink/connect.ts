/**
 * One dedicated connection at a time. No pool: a pool hands a client in doubt (an open COPY, a dead socket) to the next
 * user. Whoever is in doubt calls `destroy` and connects anew.
 */
import pg from "pg";
import { errorCode, PostgresUnavailableError, SchemaError } from "./errors.ts";
import type { PostgresSettings } from "./settings.ts";

export interface ConnectOptions {
	/** Shown in pg_stat_activity, and what the engine's own rescue from frozen backends looks for. */
	readonly applicationName: string;
	/** Session settings in ms; 0 or absent: no limit. */
	readonly statementTimeoutMs?: number;
	readonly lockTimeoutMs?: number;
	readonly idleInTransactionTimeoutMs?: number;
	/** From the first packet to the first answer; default `CONNECT_TIMEOUT_MS`. */
	readonly connectTimeoutMs?: number;
}

/** A server that is up answers within milliseconds; a firewall that drops packets never does. */
export const CONNECT_TIMEOUT_MS = 5_000;
/** How soon the server notices that we are gone while it works for us. */
const CONNECTION_CHECK_MS = 5_000;
/** How long sent bytes may stay unacknowledged before the server gives the connection (and its locks) up. */
const TCP_USER_TIMEOUT_MS = 15_000;
const KEEP_ALIVE_DELAY_MS = 10_000;
/**
 * How much the server writes before it asks the system to get it to disk, in pages of 8 KiB; 2 MiB is the most it takes.
 * Without, the system begins after 30 s, with a gigabyte at once, and each commit waits for that.
 */
const FLUSH_AFTER_PAGES = 256;
/** `date_trunc` with a zone, `client_connection_check_interval`, and what we test against. */
const SERVER_VERSION_MIN = 140_000;

/**
 * Opens a connection and prepares its session: UTC, ISO dates, `synchronous_commit` on, our time-outs. `search_path`
 * stays what the user or the database says. A listener for `error` is attached: without one, a server that shuts down
 * ends our process.
 *
 * Throws `PostgresUnavailableError` when there is no way in, `SchemaError` when the server is too old or would
 * acknowledge commits before they are durable.
 */
export async function connect(settings: PostgresSettings, options: ConnectOptions): Promise<pg.Client> {
	const timeoutMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
	const client = new pg.Client({
		...settings,
		keepAlive: true,
		keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
		connectionTimeoutMillis: timeoutMs,
	});
	// The query under way rejects by itself. What comes next would only hear that the client is not queryable.
	client.on("error", (error) => {
		if (!losses.has(client)) losses.set(client, error);
	});
	// A server that accepts and then freezes would keep us waiting for ever.
	const deadline = setTimeout(() => destroy(client), timeoutMs * 2);
	try {
		await client.connect();
		await prepareSession(client, options);
		return client;
	} catch (error) {
		destroy(client);
		if (error instanceof SchemaError) throw error;
		throw explainConnectError(error, settings);
	} finally {
		clearTimeout(deadline);
	}
}

const losses = new WeakMap<pg.Client, Error>();

/** The first thing that told us that this connection is lost, such as the server's last words; null while it lives. */
export function lossOf(client: pg.Client): Error | null {
	return losses.get(client) ?? null;
}

/** Longest name the server keeps. */
const NAME_BYTES_MAX = 63;

/** `application_name` of an engine's connection: people read it, and blockers.ts tells by it what may be terminated. */
export function engineConnection(role: string, owner: string): string {
	return `lottery-engine ${role} ${owner}`.slice(0, NAME_BYTES_MAX);
}

/** Closes the socket at once, whatever is under way: no farewell, no waiting, safe at any time and twice. */
export function destroy(client: pg.Client): void {
	const { connection } = client as unknown as { connection: { stream: { destroy(): void } } };
	connection.stream.destroy();
}

async function prepareSession(client: pg.Client, options: ConnectOptions): Promise<void> {
	// In the session rather than in the connection string: an application_name in DATABASE_URL must not win.
	const session = [
		`SET application_name = ${client.escapeLiteral(options.applicationName)}`,
		"SET TimeZone = 'UTC'",
		"SET DateStyle = 'ISO, YMD'",
		`SET statement_timeout = ${options.statementTimeoutMs ?? 0}`,
		`SET lock_timeout = ${options.lockTimeoutMs ?? 0}`,
		`SET idle_in_transaction_session_timeout = ${options.idleInTransactionTimeoutMs ?? 0}`,
		// remote_apply is stronger than on, and somebody's decision.
		`SELECT set_config('synchronous_commit', 'on', false)
		 WHERE current_setting('synchronous_commit') <> 'remote_apply'`,
		// An administrator's limits for people: each would cost a recovery. The second is as young as Postgres 17.
		"SET idle_session_timeout = 0",
		optionalSetting("transaction_timeout", 0),
		// Some systems have no way to do these two; Unix sockets do not need the second.
		optionalSetting("client_connection_check_interval", CONNECTION_CHECK_MS),
		optionalSetting("tcp_user_timeout", TCP_USER_TIMEOUT_MS),
		// A value that somebody has set stays. Systems that cannot do it allow 0 alone.
		optionalSetting("backend_flush_after", FLUSH_AFTER_PAGES, "0"),
	];
	await client.query(session.join(";\n"));
	const { rows } = await client.query<{ version: string; number: number; durable: string }>(
		`SELECT current_setting('server_version') AS version,
			current_setting('server_version_num')::int AS number,
			current_setting('synchronous_commit') AS durable`,
	);
	const server = rows[0]!;
	if (server.number < SERVER_VERSION_MIN) {
		throw new SchemaError(
			"SERVER_UNFIT",
			`the server is PostgreSQL ${server.version}; 14 or newer is needed`,
			"upgrade it, or set DATABASE_URL to a newer server",
		);
	}
	if (server.durable !== "on" && server.durable !== "remote_apply") {
		throw new SchemaError(
			"SERVER_UNFIT",
			`synchronous_commit is "${server.durable}" although it was set to "on"`,
			"let this connection set it: a pooler in between may be dropping session settings",
		);
	}
}

/** `unless`: the setting is left alone when it has another value than this. */
function optionalSetting(name: string, value: number, unless?: string): string {
	const where = unless === undefined ? "" : ` WHERE current_setting('${name}') = '${unless}'`;
	return `DO $$ BEGIN PERFORM set_config('${name}', '${value}', false)${where}; EXCEPTION WHEN OTHERS THEN NULL; END $$`;
}

/** Where we connect to, for people: never a password. */
export function describeSettings(settings: PostgresSettings): string {
	try {
		const { host, port, database, user } = new pg.Client({ ...settings });
		return `${host}:${port}/${database ?? ""} as ${user}`;
	} catch {
		return "the address in DATABASE_URL";
	}
}

/** Next step by error code. `true`: the settings are to blame. */
const NEXT_STEPS: Readonly<Record<string, readonly [settingsAreWrong: boolean, nextStep: string]>> = {
	ECONNREFUSED: [false, "start Postgres there, or correct DATABASE_URL (or PGHOST and PGPORT)"],
	ENOENT: [false, "start Postgres there, or correct the socket's folder in PGHOST"],
	ENOTFOUND: [true, "correct the host name in DATABASE_URL (or PGHOST)"],
	EAI_AGAIN: [false, "check the machine's name resolution, and the host in DATABASE_URL (or PGHOST)"],
	ETIMEDOUT: [false, "check that the host is up and that no firewall drops the connection"],
	EHOSTUNREACH: [false, "check the network, and the host in DATABASE_URL (or PGHOST)"],
	"28P01": [true, "correct the user and password in DATABASE_URL (or PGUSER and PGPASSWORD)"],
	"28000": [true, "let this user in from here (pg_hba.conf), or correct the user or PGSSLMODE"],
	"3D000": [true, "create the database with `createdb`, or correct its name in DATABASE_URL (or PGDATABASE)"],
	"42501": [true, "give this user the right to connect to the database"],
	"53300": [false, "raise max_connections, or close connections that nobody uses"],
	"57P03": [false, "wait: the server is starting up or shutting down"],
	ERR_INVALID_URL: [true, "correct DATABASE_URL: postgres://user:password@host:5432/database"],
};

function explainConnectError(error: unknown, settings: PostgresSettings): PostgresUnavailableError {
	const message = innerMessage(error);
	let code = errorCode(error);
	if (code === "" && /timeout expired|Connection terminated/i.test(message)) code = "ETIMEDOUT";
	const isTls = /SSL|TLS|certificate/i.test(`${message} ${code}`);
	const [settingsAreWrong, nextStep] = NEXT_STEPS[code] ?? [
		isTls,
		isTls
			? "match PGSSLMODE (or sslmode in DATABASE_URL) and PGSSLROOTCERT to what the server offers"
			: "look into the server's log, and run `node engine check`",
	];
	return new PostgresUnavailableError(
		`Postgres at ${describeSettings(settings)} does not answer as it should: ${message}`,
		nextStep,
		{
			code: code || "UNKNOWN",
			settingsAreWrong,
			cause: error,
		},
	);
}

/** A host with several addresses fails with an AggregateError whose own message is empty. */
function innerMessage(error: unknown): string {
	const errors = (error as { errors?: unknown })?.errors;
	if (Array.isArray(errors) && errors.length > 0) return errors.map(innerMessage).join("; ");
	return error instanceof Error ? error.message || error.name : String(error);
}
