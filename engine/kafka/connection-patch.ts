/**
 * kafkajs 2.2.4 keeps half an answer of a connection that broke, and puts the answers of the next one behind it: lengths
 * are read from the middle of records. At best every request times out until the consumer is given up; at worst the reader
 * runs beyond its bytes inside a socket's listener, which ends the process. So each connection begins with nothing.
 */
import { createRequire } from "node:module";
import type { Socket } from "node:net";

interface Connection {
	socket?: Socket;
	chunks: Buffer[];
	bytesBuffered: number;
	bytesNeeded: number;
	isConnected(): boolean;
	connect(): Promise<boolean>;
}

/** The length in front of every answer. */
const LENGTH_BYTES = 4;
let isPatched = false;

/** Safe to call again. Throws when this kafkajs has another inside: then the patch must be looked at, not skipped. */
export function patchConnection(): void {
	if (isPatched) return;
	const require = createRequire(import.meta.url);
	const { prototype } = require("kafkajs/src/network/connection") as { prototype: Connection };
	const { connect } = prototype;
	if (typeof connect !== "function" || typeof prototype.isConnected !== "function")
		throw new TypeError("kafkajs connects in another way by now: review engine/kafka/connection-patch.ts");
	prototype.connect = function () {
		if (!this.isConnected()) {
			// A late answer to a request that was given up would come between those of the new socket.
			if (this.socket?.writableEnded) this.socket.destroy();
			this.chunks = [];
			this.bytesBuffered = 0;
			this.bytesNeeded = LENGTH_BYTES;
		}
		return connect.call(this);
	};
	isPatched = true;
}
