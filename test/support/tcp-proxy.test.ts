import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import t, { type Test } from "tap";
import { startProxy, type TcpProxy } from "./tcp-proxy.ts";
import { waitUntil } from "./wait-until.ts";

interface Stage {
	readonly proxy: TcpProxy;
	readonly client: Socket;
	/** Our end of the connection at the server. */
	readonly server: Socket;
	/** What has arrived so far. */
	readonly at: { client: string; server: string };
}

async function setTheStage(t: Test): Promise<Stage> {
	const server = createServer();
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const proxy = await startProxy(t, (server.address() as AddressInfo).port);
	const client = connect(proxy.port, "127.0.0.1");
	const [socket] = (await once(server, "connection")) as [Socket];
	const at = { client: "", server: "" };
	client.on("data", (chunk) => {
		at.client += chunk;
	});
	socket.on("data", (chunk) => {
		at.server += chunk;
	});
	for (const one of [client, socket]) one.on("error", () => {});
	t.teardown(() => {
		client.destroy();
		socket.destroy();
		server.close();
	});
	return { proxy, client, server: socket, at };
}

/** A round trip the other way shows that what did not arrive would have had the time to. */
async function exchange(
	{ client, server, at }: Stage,
	from: "client" | "server",
	text: string,
): Promise<void> {
	(from === "client" ? client : server).write(text);
	const to = from === "client" ? "server" : "client";
	await waitUntil(() => at[to].endsWith(text), { what: `"${text}" at the ${to}`, everyMs: 1 });
}

/** Whether it ends in peace or by a reset. */
function closeOf(socket: Socket): Promise<void> {
	return new Promise((resolve) => socket.once("close", () => resolve()));
}

t.test("bytes pass both ways", async (t) => {
	const stage = await setTheStage(t);
	await exchange(stage, "client", "question");
	await exchange(stage, "server", "answer");
	t.same(stage.at, { server: "question", client: "answer" });
	t.equal(stage.proxy.open, 1);
});

t.test("cut: both ends notice", async (t) => {
	const { proxy, client, server } = await setTheStage(t);
	const ends = [closeOf(client), closeOf(server)];
	proxy.cut();
	await Promise.all(ends);
	t.equal(proxy.open, 0);
});

t.test("frozen answers: requests arrive, answers come after the thaw", async (t) => {
	const stage = await setTheStage(t);
	await exchange(stage, "client", "one");
	stage.proxy.freeze("answers");
	stage.server.write("answer");
	await exchange(stage, "client", "two");
	await exchange(stage, "client", "three");
	t.equal(stage.at.client, "");
	stage.proxy.thaw();
	await waitUntil(() => stage.at.client === "answer", { everyMs: 1 });
});

t.test("frozen requests: answers arrive, requests come after the thaw", async (t) => {
	const stage = await setTheStage(t);
	await exchange(stage, "client", "one");
	stage.proxy.freeze("requests");
	stage.client.write("two");
	await exchange(stage, "server", "answer");
	await exchange(stage, "server", "and another");
	t.equal(stage.at.server, "one");
	stage.proxy.thaw();
	await waitUntil(() => stage.at.server === "onetwo", { everyMs: 1 });
});

t.test("hold: the request arrives, its answer waits for the thaw", async (t) => {
	const stage = await setTheStage(t);
	stage.proxy.onRequest = (chunk) => (chunk.includes("COMMIT") ? "hold" : "pass");
	await exchange(stage, "client", "COMMIT");
	stage.server.write("done");
	await exchange(stage, "client", "still there?");
	t.equal(stage.at.client, "");
	stage.proxy.thaw();
	await waitUntil(() => stage.at.client === "done", { everyMs: 1 });
});

t.test("drop: the server never sees the request, and both ends are cut", async (t) => {
	const { proxy, client, server, at } = await setTheStage(t);
	proxy.onRequest = (chunk) => (chunk.includes("COMMIT") ? "drop" : "pass");
	const ends = [closeOf(client), closeOf(server)];
	client.write("COMMIT");
	await Promise.all(ends);
	t.equal(at.server, "");
});

t.test("swallow: the server does it, and the client never hears of it", async (t) => {
	const stage = await setTheStage(t);
	stage.proxy.onRequest = () => "swallow";
	await exchange(stage, "client", "COMMIT");
	const end = closeOf(stage.client);
	stage.server.write("done");
	await end;
	t.equal(stage.at.client, "");
	t.equal(stage.proxy.swallowed, 1);
});

for (const gone of ["client", "server"] as const) {
	t.test(`lose the ${gone}: the other end is not told before the thaw`, async (t) => {
		const stage = await setTheStage(t);
		await exchange(stage, "client", "one");
		const stays = gone === "client" ? stage.server : stage.client;
		const leaves = gone === "client" ? stage.client : stage.server;
		const end = closeOf(leaves);
		stage.proxy.lose(gone);
		await end;
		stays.write("into nothing");
		t.notOk(stays.destroyed);
		t.equal(stage.proxy.open, 1);
		const told = closeOf(stays);
		stage.proxy.thaw();
		await told;
		t.equal(stage.proxy.open, 0);
	});
}

t.test("slow: chunks stay in order when the delay changes under way", async (t) => {
	const stage = await setTheStage(t);
	await exchange(stage, "client", "a");
	for (const [letter, delayMs] of [
		["b", 30],
		["c", 5],
		["d", 20],
		["e", 0],
	] as const) {
		stage.proxy.delayMs = delayMs;
		let seen = false;
		stage.proxy.onRequest = () => {
			seen = true;
			return "pass";
		};
		stage.client.write(letter);
		await waitUntil(() => seen, { everyMs: 1 });
	}
	await waitUntil(() => stage.at.server.length === 5, { everyMs: 1 });
	t.equal(stage.at.server, "abcde");
});
