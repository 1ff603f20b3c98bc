import { once } from "node:events";
import { createRequire } from "node:module";
import { type AddressInfo, createServer, type Socket } from "node:net";
import t, { type Test } from "tap";
import { patchConnection } from "../../../engine/kafka/connection-patch.ts";

const require = createRequire(import.meta.url);

interface Connection {
	connect(): Promise<unknown>;
	disconnect(): Promise<unknown>;
	send(exchange: object): Promise<string>;
	processData(bytes: Buffer): void;
	readonly chunks: readonly Buffer[];
	readonly requestQueue: { readonly inflight: ReadonlyMap<number, unknown> };
}

const silent = { namespace: () => silent, debug() {}, warn() {}, error() {} };

function newConnection(port: number): Connection {
	const Connection = require("kafkajs/src/network/connection") as new (options: object) => Connection;
	const socketFactory = (require("kafkajs/src/network/socketFactory") as () => object)();
	const times = { connectionTimeout: 5_000, requestTimeout: 30_000 };
	return new Connection({ host: "127.0.0.1", port, logger: silent, socketFactory, ...times });
}

const Encoder = require("kafkajs/src/protocol/encoder") as new () => object;
const exchange = {
	request: { apiKey: 18, apiVersion: 0, apiName: "Test", encode: async () => new Encoder() },
	response: {
		decode: async (bytes: Buffer) => ({ text: bytes.toString() }),
		parse: async ({ text }: { text: string }) => text,
	},
};

/** Answers every request with `text`; the answer to the first one breaks off in the middle, together with its connection. */
async function breakingServer(t: Test, text: string): Promise<number> {
	let requests = 0;
	const sockets: Socket[] = [];
	const server = createServer((socket) => {
		sockets.push(socket);
		socket.on("error", () => {});
		socket.on("data", (request) => {
			const answer = Buffer.alloc(8 + text.length);
			answer.writeInt32BE(4 + text.length, 0);
			request.copy(answer, 4, 8, 12);
			answer.write(text, 8);
			if (requests++ === 0) socket.end(answer.subarray(0, 20));
			else socket.write(answer);
		});
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	t.teardown(() => {
		for (const socket of sockets) socket.destroy();
		server.close();
	});
	return (server.address() as AddressInfo).port;
}

const TEXT = "an answer of more than twenty bytes";

t.test(
	"K43: kafkajs as it is keeps half an answer for the next connection: the reason for the patch",
	async (t) => {
		const connection = newConnection(await breakingServer(t, TEXT));
		await connection.connect();
		await t.rejects(connection.send(exchange), /Closed connection/);
		await connection.connect();
		t.equal(Buffer.concat(connection.chunks).length, 20);
		await connection.disconnect();
	},
);

t.test("with the patch a new connection begins with nothing, and its answers are understood", async (t) => {
	patchConnection();
	patchConnection();
	const connection = newConnection(await breakingServer(t, TEXT));
	await connection.connect();
	await t.rejects(connection.send(exchange), /Closed connection/);
	await connection.connect();
	t.equal(await connection.send(exchange), TEXT);
	connection.processData(Buffer.from([0, 0]));
	await connection.connect();
	t.equal(Buffer.concat(connection.chunks).length, 2, "one that is connected goes on where it is");
	await connection.disconnect();
});
