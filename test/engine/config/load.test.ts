import { mkdirSync } from "node:fs";
import { join } from "node:path";
import t, { type Test as TestContext } from "tap";
import { type Loaded, type LoadOptions, loadConfig } from "../../../engine/config/load.ts";
import { MASK } from "../../../engine/config/mask.ts";
import { ConfigError, UsageError } from "../../../engine/errors.ts";

const PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";

/** Loads in an empty folder with nothing but the given environment. */
function load(t: TestContext, environment: Record<string, string>, more: LoadOptions = {}): Loaded {
	return loadConfig({ environment, ...more, cwd: more.cwd ?? t.testdir() });
}

function problemsOf(
	t: TestContext,
	environment: Record<string, string>,
	more: LoadOptions = {},
): ConfigError {
	try {
		load(t, environment, more);
	} catch (error) {
		if (error instanceof ConfigError) return error;
		throw error;
	}
	throw new Error("the configuration was accepted");
}

const originOf = (loaded: Loaded, variable: string) =>
	loaded.entries.find(({ name }) => name === variable)?.origin;
const shownOf = (loaded: Loaded, variable: string) =>
	loaded.entries.find(({ name }) => name === variable)?.value;

t.test("with nothing set the defaults are those of the specification", async (t) => {
	const cwd = t.testdir();
	const { config, warnings } = loadConfig({ environment: {}, cwd });
	t.strictSame(warnings, []);
	t.match(config, {
		kafka: {
			brokers: null,
			topic: "user_events",
			groupId: "lottery-engine",
			ssl: false,
			sasl: null,
			sessionTimeoutMs: 10_000,
			decoder: "scanner",
		},
		postgres: null,
		flushIntervalMs: 50,
		flushRowsMax: 30_000,
		inFlightBytesMax: 64 * 1024 * 1024,
		rules: { futureSkewMs: 86_400_000, latePolicy: "correct", lateAfterMs: 86_400_000 },
		invalidRatioMax: 0.9,
		http: { host: "127.0.0.1", port: 9464 },
		log: { level: "info", format: "auto" },
		startupTimeoutMs: 60_000,
		shutdownTimeoutMs: 30_000,
	});
	t.equal(config.engineHome, join(cwd, ".engine"));
	t.ok(config.actors >= 1 && config.actors <= 64, "as many actors as cores");
});

t.test("a flag wins over the environment, that over .env, that over the default", async (t) => {
	const cwd = t.testdir({ ".env": "KAFKA_TOPIC=from_file\nACTORS=5\n" });
	const all = loadConfig({
		cwd,
		flags: { KAFKA_TOPIC: "from_flag" },
		environment: { KAFKA_TOPIC: "from_environment" },
	});
	t.equal(all.config.kafka.topic, "from_flag");
	t.equal(originOf(all, "KAFKA_TOPIC"), "flag --topic");
	const noFlag = loadConfig({ cwd, environment: { KAFKA_TOPIC: "from_environment" } });
	t.equal(noFlag.config.kafka.topic, "from_environment");
	t.equal(originOf(noFlag, "KAFKA_TOPIC"), "environment");
	const onlyFile = loadConfig({ cwd, environment: {} });
	t.equal(onlyFile.config.kafka.topic, "from_file");
	t.equal(onlyFile.config.actors, 5);
	t.equal(originOf(onlyFile, "KAFKA_TOPIC"), ".env");
	t.equal(originOf(onlyFile, "HTTP_PORT"), "default");
});

t.test("names of the older system are read, below the new ones and above .env", async (t) => {
	const older = load(t, {
		BOOTSTRAP_SERVERS: "old:9092",
		POSTGRES_HOST: "db",
		POSTGRES_PORT: "5433",
		POSTGRES_USER: "u",
		POSTGRES_PASSWORD: "p",
		POSTGRES_DB: "d",
	});
	t.strictSame(older.config.kafka.brokers, ["old:9092"]);
	t.strictSame(older.config.postgres, {
		host: "db",
		port: 5433,
		user: "u",
		password: "p",
		database: "d",
		ssl: false,
	});
	t.equal(originOf(older, "KAFKA_BROKERS"), "environment (BOOTSTRAP_SERVERS)");
	const both = load(t, { BOOTSTRAP_SERVERS: "old:9092", KAFKA_BROKERS: "new:9092" });
	t.strictSame(both.config.kafka.brokers, ["new:9092"]);
	const url = load(t, { POSTGRES_CONN: "postgres://u:p@h/d" });
	t.strictSame(url.config.postgres, { connectionString: "postgres://u:p@h/d" });
	const cwd = t.testdir({ ".env": "KAFKA_BROKERS=file:9092" });
	const mixed = loadConfig({ cwd, environment: { BOOTSTRAP_SERVERS: "old:9092" } });
	t.strictSame(mixed.config.kafka.brokers, ["old:9092"]);
});

t.test("an empty value counts as not set", async (t) => {
	const cwd = t.testdir({ ".env": "KAFKA_TOPIC=from_file" });
	const { config } = loadConfig({ cwd, environment: { KAFKA_TOPIC: "", KAFKA_BROKERS: "" } });
	t.equal(config.kafka.topic, "from_file");
	t.equal(config.kafka.brokers, null);
});

t.test("all problems are reported at once, each with variable, value, origin and rule", async (t) => {
	const cwd = t.testdir({ ".env": "LATE_POLICY=drop" });
	const error = problemsOf(
		t,
		{ ACTORS: "65", HTTP_PORT: "http", FUTURE_SKEW: "soon", KAFKA_TOPIC: "a b" },
		{ cwd },
	);
	t.strictSame(
		error.problems.map(({ variable, value, origin }) => [variable, value, origin]),
		[
			["KAFKA_TOPIC", "a b", "environment"],
			["ACTORS", "65", "environment"],
			["FUTURE_SKEW", "soon", "environment"],
			["LATE_POLICY", "drop", ".env"],
			["HTTP_PORT", "http", "environment"],
		],
	);
	t.match(error.message, /5 problems/);
	t.match(error.message, /ACTORS is "65" \(environment\): must be a whole number from 1 to 64/);
	t.equal(error.exitCode, 78);
});

t.test("problems of flags alone are a usage error", async (t) => {
	const flags = { HTTP_PORT: "abc" };
	t.throws(() => load(t, {}, { flags }), UsageError);
	t.throws(() => load(t, { ACTORS: "0" }, { flags }), ConfigError);
});

t.test("a secret shows neither in a problem nor in the table", async (t) => {
	const error = problemsOf(t, { DATABASE_URL: "hunter2 pasted here", PGPASSWORD: "hunter2\u0007" });
	t.equal(error.problems.length, 2);
	t.notMatch(error.message, /hunter2/);
	const loaded = load(t, {
		DATABASE_URL: "postgres://u:hunter2@h:5432/d?password=hunter2&sslmode=require",
		PGPASSWORD: "hunter2",
		KAFKA_SASL_MECHANISM: "plain",
		KAFKA_SASL_USERNAME: "me",
		KAFKA_SASL_PASSWORD: "hunter2",
	});
	t.notMatch(JSON.stringify(loaded.entries), /hunter2/);
	t.equal(shownOf(loaded, "PGPASSWORD"), MASK);
	t.match(shownOf(loaded, "DATABASE_URL"), /postgres:\/\/u:\*+@h:5432\/d\?password=\*+&sslmode=require/);
	t.equal(loaded.config.kafka.sasl?.password, "hunter2");
});

t.test("NAME_FILE reads a secret from a file, without its last newline", async (t) => {
	const cwd = t.testdir({ password: "s3cret\n", url: "postgres://u:p@h/d\n" });
	const byParts = loadConfig({ cwd, environment: { PGHOST: "h", PGPASSWORD_FILE: join(cwd, "password") } });
	t.match(byParts.config.postgres, { password: "s3cret" });
	t.match(originOf(byParts, "PGPASSWORD"), /PGPASSWORD_FILE=/);
	const byUrl = loadConfig({ cwd, environment: { DATABASE_URL_FILE: join(cwd, "url") } });
	t.strictSame(byUrl.config.postgres, { connectionString: "postgres://u:p@h/d" });
	const missing = problemsOf(t, { PGPASSWORD_FILE: join(cwd, "none") }, { cwd });
	t.match(missing.message, /PGPASSWORD .*must be readable \(ENOENT\)/);
	const twice = problemsOf(t, { PGPASSWORD: "x", PGPASSWORD_FILE: join(cwd, "password") }, { cwd });
	t.match(twice.message, /must not be set together with PGPASSWORD_FILE/);
});

t.test("a SASL mechanism requires user and password, and they require a mechanism", async (t) => {
	const names = (environment: Record<string, string>) =>
		problemsOf(t, environment).problems.map(({ variable, value }) => [variable, value]);
	t.strictSame(names({ KAFKA_SASL_MECHANISM: "scram-sha-512" }), [
		["KAFKA_SASL_USERNAME", null],
		["KAFKA_SASL_PASSWORD", null],
	]);
	t.strictSame(names({ KAFKA_SASL_USERNAME: "u", KAFKA_SASL_PASSWORD: "p" }), [
		["KAFKA_SASL_MECHANISM", null],
	]);
	t.strictSame(names({ KAFKA_SASL_PASSWORD: "p" }), [["KAFKA_SASL_MECHANISM", null]]);
	t.strictSame(
		names({ KAFKA_SASL_MECHANISM: "kerberos", KAFKA_SASL_USERNAME: "u", KAFKA_SASL_PASSWORD: "p" }),
		[["KAFKA_SASL_MECHANISM", "kerberos"]],
	);
	const { config } = load(t, {
		KAFKA_SASL_MECHANISM: "SCRAM-SHA-256",
		KAFKA_SASL_USERNAME: "u",
		KAFKA_SASL_PASSWORD: "p",
	});
	t.strictSame(config.kafka.sasl, { mechanism: "scram-sha-256", username: "u", password: "p" });
});

t.test("a certificate needs its key and TLS to Kafka", async (t) => {
	const error = problemsOf(t, { KAFKA_SSL_CERT: PEM });
	t.strictSame(
		error.problems.map(({ variable }) => variable),
		["KAFKA_SSL_KEY", "KAFKA_SSL"],
	);
	const { config } = load(t, { KAFKA_SSL: "true", KAFKA_SSL_CA: PEM });
	t.strictSame(config.kafka.ssl, { ca: PEM });
	t.strictSame(load(t, { KAFKA_SSL: "yes" }).config.kafka.ssl, {});
});

t.test("the limits hold at both ends", async (t) => {
	const bounds: readonly (readonly [string, readonly string[], readonly string[]])[] = [
		["ACTORS", ["1", "64"], ["0", "65", "1.5", "1e1", " 1"]],
		["IN_FLIGHT_MB_MAX", ["4", "4096"], ["3", "4097"]],
		["FLUSH_ROWS_MAX", ["1", "1000000"], ["0", "1000001"]],
		["FLUSH_INTERVAL_MS", ["10", "60000"], ["9", "60001"]],
		["HTTP_PORT", ["0", "65535"], ["-1", "65536"]],
		["INVALID_RATIO_MAX", ["0", "1", "0.25", "1.0"], ["-0.1", "1.01", "NaN", "5e-1"]],
		["KAFKA_SESSION_TIMEOUT_MS", ["6000", "1800000"], ["5999", "1800001"]],
		["STARTUP_TIMEOUT_S", ["1", "3600"], ["0", "3601"]],
	];
	for (const [name, good, bad] of bounds) {
		for (const value of good) t.doesNotThrow(() => load(t, { [name]: value }), `${name}=${value}`);
		for (const value of bad) t.throws(() => load(t, { [name]: value }), ConfigError, `${name}=${value}`);
	}
});

t.test("verify-full checks the certificate, against the given authority", async (t) => {
	const cwd = t.testdir({ "ca.pem": PEM });
	const strict = load(
		t,
		{ PGHOST: "h", PGSSLMODE: "verify-full", PGSSLROOTCERT: join(cwd, "ca.pem") },
		{ cwd },
	);
	t.match(strict.config.postgres, { ssl: { rejectUnauthorized: true, ca: PEM } });
	const encrypted = load(t, { PGHOST: "h", PGSSLMODE: "require" });
	t.match(encrypted.config.postgres, { ssl: { rejectUnauthorized: false } });
	const missing = problemsOf(t, { PGHOST: "h", PGSSLROOTCERT: join(cwd, "none.pem") });
	t.match(missing.problems, [{ variable: "PGSSLROOTCERT" }]);
});

t.test("the result is frozen to its depth", async (t) => {
	const { config } = load(t, { KAFKA_BROKERS: "a:1,b:2" });
	for (const part of [config, config.kafka, config.kafka.brokers, config.rules, config.http])
		t.ok(Object.isFrozen(part));
});

t.test("what is allowed and hardly meant is a warning", async (t) => {
	const warned = (environment: Record<string, string>) => load(t, environment).warnings.join("\n");
	t.match(warned({ PGUSER: "bob" }), /PGUSER set without PGHOST or DATABASE_URL/);
	t.match(warned({ DATABASE_URL: "postgres://h/d", PGHOST: "h" }), /PGHOST is ignored/);
	t.match(
		warned({ KAFKA_SASL_MECHANISM: "plain", KAFKA_SASL_USERNAME: "u", KAFKA_SASL_PASSWORD: "p" }),
		/in the clear/,
	);
	t.match(
		warned({ KAFKA_BROKER: "h:1" }),
		/KAFKA_BROKER is not a variable of the engine; did you mean KAFKA_BROKERS\?/,
	);
	t.equal(warned({ PGHOST: "h", PGUSER: "bob", HTTP_PROXY: "http://p", KAFKA_OPTS: "-Xmx1g" }), "");
});

t.test("an .env that is a folder is an error, not an empty file", async (t) => {
	const cwd = t.testdir();
	mkdirSync(join(cwd, ".env"));
	t.throws(() => loadConfig({ cwd, environment: {} }), { code: "EISDIR" });
});
