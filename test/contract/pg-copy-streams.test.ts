/** pg-copy-streams, behind engine/sink/copy.ts: when it is finished, how it fails, and what may be done behind that. */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { type CopyStreamQuery, from as copyFrom } from "pg-copy-streams";
import t, { type Test } from "tap";
import { COPY_HEADER, COPY_TRAILER } from "../../workers/copy-layout.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { startProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { waitUntil } from "../support/wait-until.ts";

/** One tuple of COPY binary; a null field is NULL. */
function tuple(...fields: readonly (Buffer | null)[]): Buffer {
	const parts: Buffer[] = [Buffer.alloc(2)];
	parts[0]!.writeInt16BE(fields.length);
	for (const field of fields) {
		const length = Buffer.alloc(4);
		length.writeInt32BE(field?.length ?? -1);
		parts.push(length, field ?? Buffer.alloc(0));
	}
	return Buffer.concat(parts);
}

function int4(value: number): Buffer {
	const bytes = Buffer.alloc(4);
	bytes.writeInt32BE(value);
	return bytes;
}

function int8(value: bigint): Buffer {
	const bytes = Buffer.alloc(8);
	bytes.writeBigInt64BE(value);
	return bytes;
}

const text = (value: string): Buffer => Buffer.from(value);

/** A numeric of one digit group: `group` times 10000 to the power of `weight`. */
function numeric(group: number, weight: number): Buffer {
	const bytes = Buffer.alloc(10);
	for (const [i, part] of [1, weight, 0, 0, group].entries()) bytes.writeInt16BE(part, 2 * i);
	return bytes;
}

async function withTable(t: Test): Promise<TestDatabase> {
	const database = await createDatabase(t);
	await database.client.query(
		`CREATE TABLE it (
			at timestamptz, name text NOT NULL, n int, amount numeric(14, 2),
			CONSTRAINT n_is_small CHECK (n < 1000)
		)`,
	);
	return database;
}

function open(client: pg.Client): CopyStreamQuery {
	const stream = client.query(copyFrom("COPY it (at, name, n, amount) FROM STDIN (FORMAT binary)"));
	stream.write(COPY_HEADER);
	return stream;
}

const row = (n: number): Buffer => tuple(int8(0n), text("ok"), int4(n), numeric(1, 0));

/** What the stream ended with: its rows, or its error. */
async function outcome(stream: CopyStreamQuery): Promise<unknown> {
	return new Promise((resolve) => {
		stream.once("finish", () => resolve((stream as unknown as { rowCount: number }).rowCount));
		stream.once("error", resolve);
	});
}

t.test(
	"finish comes behind the server's answer: the rows are counted, and the client takes the next query",
	async (t) => {
		const { client } = await withTable(t);
		const stream = open(client);
		for (let n = 0; n < 3; n++) stream.write(row(n));
		stream.end(COPY_TRAILER);
		t.equal(await outcome(stream), 3);
		t.equal((await client.query("TABLE it")).rowCount, 3);
	},
);

t.test("the error of a refused tuple names the line, whatever the reason", async (t) => {
	const { client } = await withTable(t);
	const good = row(1);
	const at = int8(0n);
	const bad: Record<string, Buffer> = {
		"22008": tuple(int8(2n ** 63n - 2n), text("time out of range"), int4(1), null),
		"22021": tuple(at, Buffer.from([0x61, 0x00]), int4(1), null),
		"22003": tuple(at, text("amount out of range"), int4(1), numeric(1, 4)),
		"23502": tuple(at, null, int4(1), null),
		"23514": tuple(at, text("check"), int4(1_000), null),
		"22P03": tuple(at, text("a byte too long"), Buffer.alloc(5), null),
		"08P01": tuple(at, text("a byte too short"), Buffer.alloc(3), null),
	};
	for (const [code, refused] of Object.entries(bad)) {
		const stream = open(client);
		for (const one of [good, good, refused, good]) stream.write(one);
		stream.end(COPY_TRAILER);
		const error = (await outcome(stream)) as { constraint?: string };
		t.match(error, { code, where: /^COPY it, line 3/ }, code);
		if (code === "23514") t.equal(error.constraint, "n_is_small", "a CHECK has a name");
	}
	t.equal((await client.query("TABLE it")).rowCount, 0);
});

t.test(
	"a refused COPY fails the transaction: 25P02 until ROLLBACK, then the client is as good as new",
	async (t) => {
		const { client } = await withTable(t);
		await client.query("BEGIN");
		const stream = open(client);
		stream.write(tuple(int8(0n), null, int4(1), null));
		stream.end(COPY_TRAILER);
		t.match(await outcome(stream), { code: "23502" });
		t.match(await client.query("SELECT 1").catch((error: unknown) => error), { code: "25P02" });
		await client.query("ROLLBACK");
		t.equal((await client.query("SELECT 1")).rowCount, 1);
	},
);

t.test("rows of a failed COPY stay in the file as dead ones", async (t) => {
	const { client } = await withTable(t);
	const stream = open(client);
	for (let i = 0; i < 2_000; i++) stream.write(row(1));
	stream.write(tuple(int8(0n), null, int4(1), null));
	stream.end(COPY_TRAILER);
	t.match(await outcome(stream), { code: "23502" });
	const { rows } = await client.query("SELECT pg_relation_size('it') AS bytes");
	t.ok(
		Number(rows[0].bytes) > 50_000,
		`${rows[0].bytes} bytes: looking for poison belongs into a temporary table`,
	);
});

t.test(
	"a backend terminated in mid-COPY is an error of the stream with 57P01, and one of the client",
	async (t) => {
		const { settings, client: other } = await withTable(t);
		const client = new pg.Client(settings);
		const errors: unknown[] = [];
		client.on("error", (error) => void errors.push(error));
		await client.connect();
		const { rows } = await client.query("SELECT pg_backend_pid() AS pid");
		const stream = open(client);
		stream.write(row(1));
		const ended = outcome(stream);
		await waitUntil(async () => (await lockOn(other, rows[0].pid)) !== null);
		await other.query("SELECT pg_terminate_backend($1)", [rows[0].pid]);
		t.match(await ended, { code: "57P01" });
		await waitUntil(() => errors.length > 0);
	},
);

async function lockOn(client: pg.Client, pid: number): Promise<string | null> {
	const { rows } = await client.query(
		"SELECT mode FROM pg_locks WHERE pid = $1 AND relation = 'it'::regclass AND granted",
		[pid],
	);
	return rows[0]?.mode ?? null;
}

function destroySocket(client: pg.Client): void {
	(client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}

/** A client behind a proxy, in mid-COPY. */
async function openThroughProxy(
	t: Test,
): Promise<{ proxy: TcpProxy; client: pg.Client; stream: CopyStreamQuery }> {
	const { settings, client: other } = await withTable(t);
	const proxy = await startProxy(t, settings.port);
	const client = new pg.Client({ ...settings, host: "127.0.0.1", port: proxy.port });
	client.on("error", () => {});
	await client.connect();
	const { rows } = await client.query("SELECT pg_backend_pid() AS pid");
	const stream = open(client);
	stream.on("error", () => {});
	await waitUntil(async () => (await lockOn(other, rows[0].pid)) !== null, { what: "the open COPY" });
	return { proxy, client, stream };
}

t.test(
	"on a frozen connection write answers false and no drain comes: the socket is the backpressure",
	async (t) => {
		const { proxy, client, stream } = await openThroughProxy(t);
		proxy.freeze();
		const chunk = Buffer.concat(Array.from({ length: 1_000 }, () => row(1)));
		let isFull = false;
		let drains = 0;
		let written = 0;
		stream.on("drain", () => void drains++);
		// Buffers of the operating system take some megabytes first.
		while (written < 64_000_000 && !(isFull && written > 16_000_000)) {
			isFull = !stream.write(chunk);
			written += chunk.length;
			if (isFull) await sleep(1);
		}
		drains = 0;
		await sleep(200);
		t.ok(isFull);
		t.equal(drains, 0);
		proxy.thaw();
		await waitUntil(() => drains > 0);
		destroySocket(client);
	},
);

t.test("destroying the stream of a frozen COPY frees nobody; destroying the socket does", async (t) => {
	const { proxy, client, stream } = await openThroughProxy(t);
	proxy.freeze();
	let isClosed = false;
	stream.on("close", () => {
		isClosed = true;
	});
	stream.destroy(new Error("given up"));
	const settled: string[] = [];
	const next = client.query("SELECT 1").then(
		() => settled.push("answered"),
		(error: Error) => settled.push(error.message),
	);
	await sleep(300);
	t.same([isClosed, settled], [false, []], "the stream waits for an answer, and the next query behind it");
	destroySocket(client);
	await next;
	t.match(settled[0], /terminated/);
});

t.test(
	"writing on behind an error throws a TypeError: the reason for destroying the connection first",
	async (t) => {
		const { client } = await withTable(t);
		const stream = open(client);
		const failed = outcome(stream);
		stream.write(tuple(int8(0n), null, int4(1), null));
		// The server looks only when it has a buffer full.
		for (let i = 0; i < 3_000; i++) stream.write(row(1));
		t.match(await failed, { code: "23502" });
		t.throws(() => stream.write(row(1)), { name: "TypeError" });
		t.equal((await client.query("SELECT 1")).rowCount, 1, "for the client itself the COPY is over");
	},
);
