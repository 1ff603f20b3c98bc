import { spawn } from "node:child_process";
import { once } from "node:events";
import pg from "pg";
import t from "tap";
import { childrenOf } from "../../perf/support/process-usage.ts";
import { environmentFor, testParts } from "../support/parts.ts";
import { kafkaClient } from "../support/topic.ts";
import { waitUntil } from "../support/wait-until.ts";

const MAIN = new URL("../../perf/main.js", import.meta.url).href;

t.test("Ctrl-C in the middle of a scenario leaves no engine, no topic and no database behind", async (t) => {
	const { brokers, postgres } = await testParts(t);
	const { host, port, user, password, database } = postgres;
	const databaseUrl = `postgres://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}`;
	const script = `import(${JSON.stringify(MAIN)}).then(async (m) => process.exit(await m.runPerf(process.argv.slice(1))))`;
	const child = spawn(
		process.execPath,
		["-e", script, "--", "drain", "--events", "100000", "--engine-only"],
		{
			env: environmentFor({ KAFKA_BROKERS: brokers.join(","), DATABASE_URL: databaseUrl }),
			stdio: ["ignore", "pipe", "pipe"],
		},
	);
	t.teardown(() => child.kill("SIGKILL"));
	const output = { stdout: "", stderr: "" };
	for (const name of ["stdout", "stderr"] as const)
		child[name].setEncoding("utf8").on("data", (chunk: string) => {
			output[name] += chunk;
		});
	const client = new pg.Client({ connectionString: databaseUrl });
	await client.connect();
	t.teardown(() => client.end());
	const admin = kafkaClient().kafka.admin();
	await admin.connect();
	t.teardown(() => admin.disconnect());
	const left = async () => ({
		databases: (await client.query("SELECT datname FROM pg_database WHERE datname LIKE 'perf_drain_%'")).rows,
		topics: (await admin.listTopics()).filter((name) => name.startsWith("perf_drain_")),
	});

	const [engine] = await waitUntil(
		() => {
			const found = childrenOf(child.pid!);
			return (found.length > 0 || child.exitCode !== null) && found;
		},
		{ what: "the scenario's engine" },
	);
	t.ok(engine, `it runs: ${output.stderr}`);
	const made = await left();
	t.ok(made.databases.length === 1 && made.topics.length === 1, "they are there while it runs");
	const ended = once(child, "close");
	child.kill("SIGINT");
	const [code] = await ended;
	t.equal(code, 1);
	t.match(output.stderr, /drain was interrupted; nothing is reported/);
	t.equal(output.stdout, "", "there is no result");
	// A broker may still list for a moment what it has deleted.
	await waitUntil(async () => (await left()).topics.length === 0, { what: "no topic" });
	t.strictSame(await left(), { databases: [], topics: [] });
	t.notOk(isAlive(engine!), "the engine is gone");
});

function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch {
		return false;
	}
}
