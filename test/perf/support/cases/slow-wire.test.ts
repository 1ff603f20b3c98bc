import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import t, { type Test } from "tap";
import { openSlowWire } from "../../../../perf/support/cases/slow-wire.ts";
import { waitUntil } from "../../../support/wait-until.ts";

/** A simple Query message. */
const query = (sql: string): Buffer => {
	const text = Buffer.from(`${sql}\0`);
	const head = Buffer.alloc(5);
	head.write("Q");
	head.writeInt32BE(4 + text.length, 1);
	return Buffer.concat([head, text]);
};

/** A server that answers each chunk with it, and a client before it, with the proxy between. */
async function wired(t: Test) {
	const server = createServer((socket) => socket.on("data", (chunk) => socket.write(chunk)));
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const wire = await openSlowWire(
		`postgres://u:p@127.0.0.1:${(server.address() as AddressInfo).port}/db?a=1`,
	);
	const sockets: Socket[] = [];
	t.teardown(async () => {
		await wire.close();
		server.close();
		for (const socket of sockets) socket.destroy();
	});
	const url = new URL(wire.url);
	t.equal(url.pathname + url.search, "/db?a=1", "the rest of the URL stays");
	const client = async () => {
		const socket = connect(Number(url.port), url.hostname);
		sockets.push(socket);
		const heard: Buffer[] = [];
		socket.on("data", (chunk) => heard.push(chunk)).on("error", () => {});
		await once(socket, "connect");
		return { socket, heard: () => Buffer.concat(heard).toString("latin1") };
	};
	return { wire, client };
}

t.test("without a delay everything passes as it is", async (t) => {
	const { wire, client } = await wired(t);
	const { socket, heard } = await client();
	socket.write(query("BEGIN ISOLATION LEVEL READ COMMITTED"));
	await waitUntil(() => heard().includes("COMMITTED"), { what: "the answer", everyMs: 5 });
	t.equal(wire.commits, 0, "READ COMMITTED is no COMMIT");
	socket.write(query("COMMIT"));
	await waitUntil(() => wire.commits === 1, { what: "a COMMIT", everyMs: 5 });
});

t.test("only a COMMIT is late, and what is behind it waits its turn", async (t) => {
	const { wire, client } = await wired(t);
	const [committing, other] = [await client(), await client()];
	wire.commitDelayMs = 1_000;
	const from = performance.now();
	committing.socket.write(query("COMMIT"));
	await waitUntil(() => wire.commits === 1, { what: "the COMMIT at the proxy", everyMs: 5 });
	committing.socket.write(query("BEGIN"));
	other.socket.write(query("SELECT 1"));
	await waitUntil(() => other.heard().includes("SELECT 1"), {
		what: "another connection's answer",
		everyMs: 5,
	});
	t.equal(committing.heard(), "", "which is not held up");
	await waitUntil(() => committing.heard().includes("BEGIN"), { what: "both answers", everyMs: 5 });
	t.ok(performance.now() - from >= 999);
	t.ok(committing.heard().indexOf("COMMIT") < committing.heard().indexOf("BEGIN"), "in order");
});

t.test("frozen, nothing passes on old and new connections; thawed, all of it arrives", async (t) => {
	const { wire, client } = await wired(t);
	const old = await client();
	old.socket.write(query("SELECT 1"));
	await waitUntil(() => old.heard().includes("SELECT 1"), { what: "a first answer", everyMs: 5 });
	const thaw = wire.freeze();
	const fresh = await client();
	old.socket.write(query("SELECT 2"));
	fresh.socket.write(query("SELECT 3"));
	const free = await wired(t);
	const beside = await free.client();
	beside.socket.write(query("SELECT 4"));
	await waitUntil(() => beside.heard().includes("SELECT 4"), {
		what: "an answer through another wire",
		everyMs: 5,
	});
	t.notOk(old.heard().includes("SELECT 2") || fresh.heard() !== "");
	thaw();
	await waitUntil(() => old.heard().includes("SELECT 2") && fresh.heard().includes("SELECT 3"), {
		what: "both answers",
		everyMs: 5,
	});
});

t.test("closing ends every connection", async (t) => {
	const { wire, client } = await wired(t);
	const { socket } = await client();
	socket.write(query("SELECT 1"));
	// Being reset is a way of being seen off.
	const ended = new Promise((resolve) => socket.once("close", resolve));
	await wire.close();
	await ended;
	t.ok(socket.destroyed);
});
