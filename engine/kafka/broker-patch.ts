/**
 * kafkajs 2.2.4 takes a broker for connected as soon as its socket is. When the first request over it (for the versions that
 * the broker speaks) fails, because the broker is frozen or just starting, the next attempt finds the socket open and
 * succeeds without having asked; and from then on every request fails with "Broker not connected", for ever, since nobody
 * connects what is connected. So an attempt that fails closes what it has opened.
 */
import { createRequire } from "node:module";

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
			throw error;
		}
	};
	isPatched = true;
}
