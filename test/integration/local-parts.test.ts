/** The embedded parts for real: what a killed engine leaves behind is found again, and nothing runs twice. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
	chmodSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Kafka, logLevel } from "kafkajs";
import pg from "pg";
import t, { type Test } from "tap";
import { createTopicAndWait } from "../../engine/kafka/new-topic.ts";
import { startKafka } from "../../engine/local/kafka.ts";
import { type LocalPostgres, startPostgres } from "../../engine/local/postgres.ts";
import { identify } from "../../engine/local/process-identity.ts";
import { wipeHome } from "../../engine/local/wipe-home.ts";
import { environmentFor } from "../support/parts.ts";

const quiet = { info() {}, warn() {} };

/** An empty home below the temporary folder; its parts are stopped and it is removed when `t` ends. */
function newHome(t: Test, name = "home"): string {
	const folder = mkdtempSync(join(tmpdir(), "local-parts-"));
	// As an ordinary folder is; mkdtemp's is private.
	chmodSync(folder, 0o755);
	t.teardown(async () => {
		await wipeHome(join(folder, name));
		rmSync(folder, { recursive: true, force: true });
	});
	return join(folder, name);
}

async function query(at: LocalPostgres, sql: string): Promise<readonly unknown[]> {
	const { host, port, user, password, database } = at;
	const client = new pg.Client({ host, port, user, password, database });
	await client.connect();
	try {
		return (await client.query(sql)).rows.map((row) => Object.values(row)[0]);
	} finally {
		await client.end();
	}
}

interface Holder {
	readonly child: ChildProcess;
	readonly pid: number;
	readonly port: number;
	readonly reused: boolean;
}

/** Another process that starts the part, says so, and holds on to it until it is killed or told to stop. */
async function holder(part: "postgres" | "kafka", home: string): Promise<Holder> {
	const module = fileURLToPath(new URL(`../../engine/local/${part}.js`, import.meta.url));
	const start = part === "postgres" ? "startPostgres" : "startKafka";
	const script = `
		const { ${start} } = await import(${JSON.stringify(module)});
		const part = await ${start}({ home: ${JSON.stringify(home)}, log: { info() {}, warn() {} } });
		console.log(JSON.stringify({ pid: part.pid, port: part.port, reused: part.reused }));
		process.stdin.once("data", async () => { await part.stop(); process.exit(0); });`;
	const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
		env: environmentFor({}),
		stdio: ["pipe", "pipe", "inherit"],
	});
	const [line] = (await once(createInterface({ input: child.stdout! }), "line")) as [string];
	return { child, ...(JSON.parse(line) as { pid: number; port: number; reused: boolean }) };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
	const exited = once(child, "exit");
	child.kill(signal);
	await exited;
}

async function listenOn(port: number): Promise<Server> {
	const server = createServer((socket) => socket.destroy());
	server.listen(port, "127.0.0.1");
	await once(server, "listening");
	return server;
}

t.test("Postgres starts once, keeps its data and its port, and stops", async (t) => {
	const home = newHome(t);
	const lines: string[] = [];
	const first = await startPostgres({ home, log: quiet, progress: (line) => lines.push(line) });
	t.equal(first.reused, false);
	t.ok(
		lines.some((line) => line.includes("data folder")),
		"the first start says what it waits for",
	);
	const toldAtFirst = lines.length;
	t.same(await query(first, "SELECT current_database() || ' ' || current_setting('listen_addresses')"), [
		"lottery 127.0.0.1",
	]);
	t.same(await query(first, "SELECT current_setting('fsync') || current_setting('synchronous_commit')"), [
		"onon",
	]);
	await query(first, "CREATE TABLE kept AS SELECT 7 AS n");
	await first.stop();
	await first.stop();
	t.equal(identify(first.pid), null, "stop returns when the server is gone");
	const second = await startPostgres({
		home,
		log: quiet,
		user: "ignored",
		progress: (line) => lines.push(line),
	});
	t.equal(second.reused, false);
	t.equal(second.port, first.port);
	t.equal(second.user, first.user, "the user is the one its data was made with");
	t.same(await query(second, "SELECT n FROM kept"), [7]);
	t.equal(lines.length, toldAtFirst, "the second start has nothing to tell");
	await second.stop();
});

t.test("Postgres asks for its password, which only its owner can read", async (t) => {
	const home = newHome(t);
	const postgres = await startPostgres({ home, log: quiet });
	await t.rejects(query({ ...postgres, password: "guess" }, "SELECT 1"), { code: "28P01" });
	t.equal(statSync(join(home, "postgres.password")).mode & 0o777, 0o600);
	t.equal(statSync(home).mode & 0o066, 0, "nobody else can list the home");
	await postgres.stop();
});

t.test("a server whose home was deleted under it is stopped all the same", async (t) => {
	const folder = mkdtempSync(join(tmpdir(), "local-parts-"));
	t.teardown(() => rmSync(folder, { recursive: true, force: true }));
	const home = join(folder, "home");
	const postgres = await startPostgres({ home, log: quiet });
	const [dataFolder] = await query(postgres, "SELECT current_setting('data_directory')");
	rmSync(home, { recursive: true, force: true });
	await postgres.stop();
	t.equal(identify(postgres.pid), null);
	t.notOk(existsSync(String(dataFolder)), "nothing of it is left");
});

for (const part of ["postgres", "kafka"] as const) {
	t.test(`${part} survives a kill -9 of its engine, and the next start uses it`, async (t) => {
		const home = newHome(t);
		const killed = await holder(part, home);
		await end(killed.child, "SIGKILL");
		t.ok(identify(killed.pid), "the server is in a session of its own");
		const next =
			part === "postgres"
				? await startPostgres({ home, log: quiet })
				: await startKafka({ home, log: quiet });
		t.match(next, { pid: killed.pid, port: killed.port, reused: true });
		await next.stop();
		t.equal(identify(killed.pid), null);
	});
}

t.test(
	"two that start at the same time get the same server, and the first to stop leaves it to the other",
	async (t) => {
		const home = newHome(t);
		const [one, other] = await Promise.all([holder("postgres", home), holder("postgres", home)]);
		t.equal(one.pid, other.pid);
		t.same([one.reused, other.reused].sort(), [false, true]);
		one.child.stdin!.write("stop\n");
		await once(one.child, "exit");
		t.ok(identify(other.pid), "it runs for the other");
		await t.rejects(wipeHome(home), /is used by process/, "a home in use is not wiped");
		other.child.stdin!.write("stop\n");
		await once(other.child, "exit");
		t.equal(identify(other.pid), null);
	},
);

t.test("a port that somebody else took leads to another one", async (t) => {
	const home = newHome(t);
	const postgres = await startPostgres({ home, log: quiet });
	await postgres.stop();
	const stranger = await listenOn(postgres.port);
	t.teardown(() => stranger.close());
	const moved = await startPostgres({ home, log: quiet });
	t.not(moved.port, postgres.port);
	t.same(await query(moved, "SELECT 1"), [1]);
	await moved.stop();
});

t.test("a pid file that names a stranger is ignored, and the stranger left alone", async (t) => {
	const home = newHome(t);
	const first = await startPostgres({ home, log: quiet });
	const [dataFolder] = await query(first, "SELECT current_setting('data_directory')");
	await first.stop();
	// The right words in its command line, but not the start time: as when an id was given out again.
	const stranger = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)", String(dataFolder)]);
	t.teardown(() => end(stranger, "SIGKILL"));
	writeFileSync(
		join(String(dataFolder), "..", "pid"),
		`${stranger.pid}\n${readFileSync(`/proc/self/stat`, "utf8")}`,
	);
	const second = await startPostgres({ home, log: quiet });
	t.equal(second.reused, false);
	t.not(second.pid, stranger.pid);
	await second.stop();
	t.ok(identify(stranger.pid!), "nobody killed it");
});

t.test("Kafka keeps topic and messages over a stop, on the same port", async (t) => {
	const home = newHome(t);
	const first = await startKafka({ home, log: quiet });
	t.equal(first.reused, false);
	const kafka = new Kafka({ clientId: "test", brokers: first.brokers, logLevel: logLevel.NOTHING });
	const [admin, producer] = [kafka.admin(), kafka.producer()];
	await admin.connect();
	await createTopicAndWait(admin, { topic: "kept", numPartitions: 2, replicationFactor: 1 });
	await producer.connect();
	await producer.send({
		topic: "kept",
		acks: -1,
		messages: [{ value: "a", partition: 1, timestamp: "1000000000000" }],
	});
	await Promise.all([producer.disconnect(), admin.disconnect()]);
	await first.stop();
	t.equal(identify(first.pid), null);
	const second = await startKafka({ home, log: quiet });
	t.same(second.brokers, first.brokers);
	const again = new Kafka({ clientId: "test", brokers: second.brokers, logLevel: logLevel.NOTHING }).admin();
	await again.connect();
	t.match(
		(await again.fetchTopicOffsets("kept")).find(({ partition }) => partition === 1),
		{ low: "0", high: "1" },
	);
	await again.disconnect();
	await second.stop();
});

t.test("a home that holds other things is refused, and never wiped", async (t) => {
	const folder = mkdtempSync(join(tmpdir(), "local-parts-"));
	t.teardown(() => rmSync(folder, { recursive: true, force: true }));
	writeFileSync(join(folder, "thesis.txt"), "years of work");
	await t.rejects(
		startPostgres({ home: folder, log: quiet }),
		/ENGINE_HOME .* holds something else \(thesis\.txt\)/,
	);
	await t.rejects(wipeHome(folder), /was not made by this engine/);
	t.ok(existsSync(join(folder, "thesis.txt")));
});

t.test("a home that only we can reach does for Postgres, also as root", async (t) => {
	const folder = mkdtempSync(join(tmpdir(), "local-parts-"));
	const closed = join(folder, "closed");
	mkdirSync(closed, { mode: 0o700 });
	const home = join(closed, "a home with blanks");
	t.teardown(async () => {
		await wipeHome(home);
		rmSync(folder, { recursive: true, force: true });
	});
	const before = process.umask(0o077);
	t.teardown(() => process.umask(before));
	const postgres = await startPostgres({ home, log: quiet });
	const [dataFolder] = await query(postgres, "SELECT current_setting('data_directory')");
	await postgres.stop();
	await wipeHome(home);
	t.notOk(existsSync(String(dataFolder)), "wiping removes what lies outside of the home too");
});
