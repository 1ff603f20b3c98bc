/**
 * kafkajs 2.2.4 takes a broker for connected as soon as its socket is. When the first request over it (for the versions that
 * the broker speaks) fails, because the broker is frozen or just starting, the next attempt finds the socket open and
 * succeeds without having asked; and from then on every request fails with "Broker not connected", for ever, since nobody
 * connects what is connected. So an attempt that fails closes what it has opened.
 *
 * And a client that is new asks the same broker again and again when the first of them takes connections and answers none
 * (it turns to another one after errors of the connection only): a frozen broker kept it out for as long as it lasted.
 */
import { createRequire } from "node:module";
import kafkajs from "kafkajs";

interface Broker {
	connect(): Promise<void>;
	disconnect(): Promise<void>;
}

let isPatched = false;

/** Safe to call again. Throws when this kafkajs has another inside: then the patch must be looked at, not skipped. */
export function patchBroker(): void {
	if (isPatched) return;
	const require = createRequire(import.meta.url);
	const { prototype } = require("kafkajs/src/broker") as { prototype: Broker };
	const { connect } = prototype;
	if (typeof connect !== "function" || typeof prototype.disconnect !== "function")
		throw new TypeError(
			"kafkajs connects to brokers in another way by now: review engine/kafka/broker-patch.ts",
		);
	prototype.connect = async function () {
		try {
			await connect.call(this);
		} catch (error) {
			await this.disconnect();
			if (!(error instanceof kafkajs.KafkaJSRequestTimeoutError)) throw error;
			throw new kafkajs.KafkaJSConnectionError(error, { broker: error.broker });
		}
	};
	isPatched = true;
}
