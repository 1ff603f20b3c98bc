import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import fc from "fast-check";
import t, { type Test } from "tap";
import { metadataRequest, parseMetadata, probeBroker } from "../../../engine/local/kafka-probe.ts";

const string = (text: string) => Buffer.concat([int16(text.length), Buffer.from(text)]);
const int16 = (value: number) => Buffer.from([(value >> 8) & 255, value & 255]);
const int32 = (value: number) => Buffer.concat([int16(value >> 16), int16(value & 0xffff)]);

/** Metadata version 2 as a broker writes it: correlation, brokers, cluster, controller, no topics. */
const answer = Buffer.concat([
	int32(1),
	int32(2),
	...[int32(1), string("127.0.0.1"), int32(9092), int16(-1)],
	...[int32(2), string("localhost"), int32(9093), string("rack")],
	string("the-cluster"),
	int32(2),
	int32(0),
]);

async function serverThat(t: Test, answers: (socket: Socket) => void): Promise<number> {
	const server = createServer((socket) => {
		socket.on("error", () => {});
		answers(socket);
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	t.teardown(() => server.close());
	return (server.address() as { port: number }).port;
}

t.test("a broker's answer is read, also when it comes byte by byte", async (t) => {
	const identity = { clusterId: "the-cluster", brokerCount: 2, controllerId: 2 };
	t.same(parseMetadata(answer), identity);
	const port = await serverThat(t, (socket) =>
		socket.once("data", (request) => {
			t.same(request, metadataRequest());
			for (const byte of Buffer.concat([int32(answer.length), answer])) socket.write(Buffer.from([byte]));
		}),
	);
	t.same(await probeBroker(port), identity);
});

t.test("nobody, a stranger, and one that hangs up are no broker", async (t) => {
	const closed = await serverThat(t, (socket) => socket.destroy());
	t.equal(await probeBroker(closed), null);
	const http = await serverThat(t, (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
	t.equal(await probeBroker(http), null);
	const short = await serverThat(t, (socket) => socket.end(Buffer.concat([int32(6), int32(1), int16(0)])));
	t.equal(await probeBroker(short), null);
	const gone = createServer();
	gone.listen(0, "127.0.0.1");
	await once(gone, "listening");
	const { port } = gone.address() as { port: number };
	gone.close();
	await once(gone, "close");
	t.equal(await probeBroker(port), null);
});

t.test("a stranger that sends and stays is not waited for", async (t) => {
	const port = await serverThat(t, (socket) => socket.write("HTTP/1.1 200 OK\r\n"));
	const beganMs = performance.now();
	t.equal(await probeBroker(port), null);
	t.ok(
		performance.now() - beganMs < 1_500,
		"its first bytes, read as a size, are enough; silence is waited for 2 s",
	);
});

t.test("no bytes whatever make the reader throw", async (t) => {
	const seed = Date.now() & 0x7fffffff;
	t.comment(`seed ${seed}`);
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(answer.length), (noise, cut) => {
			parseMetadata(Buffer.from(noise));
			const whole = parseMetadata(answer.subarray(0, cut));
			return cut >= answer.length - 4 ? whole !== null : whole === null;
		}),
		{ seed },
	);
});
