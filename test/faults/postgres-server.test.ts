/**
 * A Postgres that goes away in every way a server can, refuses to write or to let anybody in, and comes back older than
 * it was. One engine lives through all of it, under a role that may do little and whose limits are meant for people.
 */
import pg from "pg";
import t from "tap";
import { migrate } from "../../engine/sink/migrate.ts";
import { startEngine } from "../support/engine-process.ts";
import { expectExact } from "../support/expect-exact.ts";
import { SHORT_SESSION } from "../support/fault-setting.ts";
import { watchFaults } from "../support/fault-watch.ts";
import { readOffsetHistory, recordOffsetHistory } from "../support/offset-history.ts";
import { ownPostgres } from "../support/own-parts.ts";
import { untilCaughtUp } from "../support/partitions.ts";
import { copyData, programOf, startStandby } from "../support/postgres-copy.ts";
import { countedIn } from "../support/snapshot.ts";
import { chooseSeed, startProducer, stream } from "../support/stream.ts";
import { createTopic } from "../support/topic.ts";
import { waitUntil } from "../support/wait-until.ts";

const PER_SECOND = 300;
const ROLE = "small_engine";
const PASSWORD = "of-a-test";

/** Each of these would end or bend transactions and connections of a session that took them over. */
const LIMITS_FOR_PEOPLE = [
	"statement_timeout = '1s'",
	"lock_timeout = '1s'",
	"idle_in_transaction_session_timeout = '1s'",
	"idle_session_timeout = '1s'",
	"transaction_timeout = '1s'",
	"default_transaction_isolation = 'repeatable read'",
	"synchronous_commit = 'off'",
	"DateStyle = 'SQL, DMY'",
	"TimeZone = 'Asia/Tokyo'",
];

/** How long somebody locks the hours for: longer than the limits. */
const LOCKED_MS = 3_000;

/** Whatever was under way when the server went. */
const LOST = { reason: ["flush_failed", "connection_lost", "claim_failed"], times: { atLeast: 1 } } as const;
const GONE = /terminat|ECONN|EPIPE|shutting down|starting up|crash/i;

t.test(
	"an engine outlives everything that happens to its server, and loses and repeats nothing",
	async (t) => {
		const seed = chooseSeed(t);
		const postgres = await ownPostgres(t);
		const { host, port, user, password, database } = postgres.at;
		const settings = { host, port, user, password, database, ssl: false as const };
		const admin = async <T extends pg.QueryResultRow>(...statements: readonly string[]): Promise<T[]> => {
			const client = new pg.Client(settings);
			client.on("error", () => {});
			await client.connect();
			let rows: T[] = [];
			for (const statement of statements) rows = (await client.query<T>(statement)).rows;
			await client.end();
			return rows;
		};
		await migrate(settings);
		const history = new pg.Client(settings);
		await history.connect();
		await recordOffsetHistory(history);
		await history.end();
		await admin(
			`CREATE ROLE ${ROLE} LOGIN PASSWORD '${PASSWORD}'`,
			`GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO ${ROLE}`,
			`GRANT CREATE ON SCHEMA public TO ${ROLE}`,
			`GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ${ROLE}`,
			...LIMITS_FOR_PEOPLE.map((limit) => `ALTER ROLE ${ROLE} SET ${limit}`),
		);

		const topic = await createTopic(t, { partitions: 2 });
		const messages = stream(seed, PER_SECOND * 150);
		const producer = startProducer(t, topic, messages, PER_SECOND);
		const engine = await startEngine(t, {
			topic,
			database: { settings: { ...settings, user: ROLE, password: PASSWORD } },
			env: { ...SHORT_SESSION, ACTORS: "1", FLUSH_INTERVAL_MS: "500" },
		});
		await engine.ready();
		const commits = async (): Promise<number> => (await engine.status()).flush.commits;
		await waitUntil(async () => (await commits()) > 0, { what: "its first commit" });
		const watch = watchFaults(t, engine, { settings });

		await watch.staysWell("limits that an administrator set for people", async () => {
			await admin("BEGIN", "LOCK TABLE hourly_totals", `SELECT pg_sleep(${LOCKED_MS / 1000})`, "COMMIT");
		});

		const program = programOf(postgres.pid);
		let copy = "";
		await watch.recoversFrom(
			"a fast restart",
			async () => {
				await postgres.stop("orderly");
				copy = copyData(program);
				await postgres.startAgain();
			},
			{ ...LOST, says: GONE },
		);
		await watch.recoversFrom(
			"an immediate restart",
			async () => {
				await postgres.stop("crash");
				await postgres.startAgain();
			},
			{ ...LOST, says: GONE },
		);
		await watch.recoversFrom(
			"kill -9 of the postmaster",
			async () => {
				process.kill(postgres.pid, "SIGKILL");
				await postgres.startAgain();
			},
			{ ...LOST, says: GONE },
		);

		const saysSo = (what: RegExp) => async () => {
			const { status, body } = await engine.get("/readyz");
			return status === 503 && what.test(body);
		};
		const readOnly = await watch.recoversFrom(
			"a server that is read-only for a while",
			async () => {
				await admin("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()");
				await waitUntil(saysSo(/read-only/), { what: "readiness that names it" });
				await waitUntil(() => engine.log.some(({ msg }) => /read-only transaction/.test(msg)), {
					what: "a flush that is refused",
				});
				await admin(
					"SET default_transaction_read_only = off",
					"ALTER SYSTEM RESET default_transaction_read_only",
					"SELECT pg_reload_conf()",
				);
			},
			{ ...LOST, says: /read-only transaction/ },
		);
		t.ok(readOnly.readiness.length > 0);

		await watch.recoversFrom(
			"a role that has no connection left",
			async () => {
				await admin(`ALTER ROLE ${ROLE} CONNECTION LIMIT 0`);
				await admin(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${ROLE}'`);
				await waitUntil(saysSo(/too many connections/), { what: "readiness that names it" });
				await waitUntil(
					() => engine.log.some(({ msg }) => /too many connections.*claiming again/.test(msg)),
					{
						what: "a claim that finds no connection",
					},
				);
				await admin(`ALTER ROLE ${ROLE} CONNECTION LIMIT -1`);
			},
			{ ...LOST, says: GONE },
		);

		// From here on the topic is quiet: no flush will find out that rows and offsets have gone back together.
		const sent = await producer.stop();
		await waitUntil(async () => (await counted()) === sent, { what: "everything counted" });
		await postgres.stop("crash");
		startStandby(t, program, copy);
		const countedByCopy = await waitUntil(counted, { what: "the standby" });
		t.ok(countedByCopy < sent, `the copy has ${countedByCopy} of ${sent} records`);
		await waitUntil(saysSo(/read-only|recovering/), { what: "readiness that names it" });
		const mark = engine.log.length;
		await admin("SELECT pg_promote()");
		await waitUntil(async () => (await counted()) === sent, { what: "the replay of what the copy has not" });
		t.ok(
			engine.log.slice(mark).some(({ msg }) => msg.startsWith("recovered")),
			"it read on from what the copy says",
		);
		await untilCaughtUp(engine);

		// And goes on from there.
		const rest = messages.slice(sent, sent + PER_SECOND * 2);
		await startProducer(t, topic, rest, PER_SECOND).done;
		const client = new pg.Client(settings);
		await client.connect();
		t.teardown(() => client.end());
		await expectExact(t, client, topic, messages.slice(0, sent + rest.length));
		await engine.ready();
		await watch.expectWell();
		const { problems } = await readOffsetHistory(client);
		t.same(problems, [], "I1 holds over what the copy knows");
		t.same(await engine.stop(), { code: 0, signal: null }, "the process is the one that was started");

		async function counted(): Promise<number> {
			const client = new pg.Client(settings);
			client.on("error", () => {});
			await client.connect();
			try {
				return await countedIn(client);
			} finally {
				await client.end();
			}
		}
	},
);
