import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import t, { type Test } from "tap";
import { startKafkaWire } from "./kafka-wire.ts";

/** A broker that answers each request with the next of `answers`, a byte at a time. */
async function broker(t: Test, answers: readonly Buffer[]): Promise<number> {
	const sockets = new Set<Socket>();
	let next = 0;
	const server = createServer((socket) => {
		sockets.add(socket);
		let asked = Buffer.alloc(0);
		socket.on("data", (chunk) => {
			asked = Buffer.concat([asked, chunk]);
			if (asked.length < 4 || asked.length < 4 + asked.readInt32BE(0)) return;
			asked = Buffer.alloc(0);
			for (const byte of answers[next++] ?? []) socket.write(Buffer.from([byte]));
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

function text(value: string | null): Buffer {
	const length = Buffer.alloc(2);
	length.writeInt16BE(value === null ? -1 : value.length);
	return Buffer.concat([length, Buffer.from(value ?? "")]);
}

function int(value: number, bytes = 4): Buffer {
	const buffer = Buffer.alloc(bytes);
	buffer.writeIntBE(value, 0, bytes);
	return buffer;
}

function framed(...parts: readonly Buffer[]): Buffer {
	const body = Buffer.concat(parts);
	return Buffer.concat([int(body.length), body]);
}

function request(api: number, version: number, correlation: number): Buffer {
	return framed(int(api, 2), int(version, 2), int(correlation), text("client"), Buffer.alloc(5));
}

const METADATA = 3;
const FIND_COORDINATOR = 10;
const FETCH = 1;
const STRANGER = 9_999;

function metadataAnswer(port: number, correlation: number): Buffer {
	const one = Buffer.concat([int(1), text("127.0.0.1"), int(port), text(null)]);
	const two = Buffer.concat([int(2), text("127.0.0.1"), int(STRANGER), text("rack")]);
	return framed(int(correlation), int(0), int(2), one, two, text("cluster"), int(1), int(0));
}

function coordinatorAnswer(port: number, correlation: number): Buffer {
	return framed(
		int(correlation),
		int(0),
		int(0, 2),
		text(null),
		Buffer.concat([int(1), text("127.0.0.1"), int(port)]),
	);
}

t.test("answers that hold addresses name the proxy, whatever pieces they come in; others pass", async (t) => {
	const answers: Buffer[] = [];
	const port = await broker(t, answers);
	const other = framed(int(8), int(port), Buffer.from("records"));
	const newer = framed(int(10), Buffer.alloc(4, 0xff), int(port));
	answers.push(metadataAnswer(port, 7), other, coordinatorAnswer(port, 9), newer);
	const wire = await startKafkaWire(t, [port]);
	const ours = wire.proxies[0]!.port;
	t.same(wire.brokers, [`127.0.0.1:${ours}`]);

	const client = connect(ours, "127.0.0.1");
	t.teardown(() => client.destroy());
	const ask = async (bytes: Buffer, length: number): Promise<Buffer> => {
		// In two pieces, cut within the header.
		client.write(bytes.subarray(0, 6));
		client.write(bytes.subarray(6));
		let got = Buffer.alloc(0);
		while (got.length < length) got = Buffer.concat([got, (await once(client, "data"))[0]]);
		return got;
	};
	const expected = metadataAnswer(ours, 7);
	t.same(
		await ask(request(METADATA, 6, 7), expected.length),
		expected,
		"one broker is ours, the other is left",
	);
	t.same(await ask(request(FETCH, 11, 8), other.length), other, "a port in other answers is only bytes");
	const coordinator = coordinatorAnswer(ours, 9);
	t.same(await ask(request(FIND_COORDINATOR, 2, 9), coordinator.length), coordinator);
	t.same(await ask(request(METADATA, 12, 10), newer.length), newer, "of a newer form nothing is known here");
});
