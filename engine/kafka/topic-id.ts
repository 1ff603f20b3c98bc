/**
 * Which topic it is, beside its name: one that is deleted and created again has the name, the offsets and the leaders of
 * the old one, and kafkajs would go on reading in its middle. Brokers since 3.1 name topics by an id as well (KIP-516).
 */
import type { ClusterInside } from "./cluster-inside.ts";
import { FlexibleReader, FlexibleWriter } from "./flexible-wire.ts";
import { kafkaRequest } from "./raw-request.ts";

const METADATA = 3;
const VERSION = 12;
const NO_ID = "0".repeat(32);

/** Asks any broker. Null when there is no such topic, or the broker is older; rejects when none answers. */
export async function readTopicId(
	cluster: Pick<ClusterInside, "brokerPool">,
	topic: string,
): Promise<string | null> {
	const broker = await cluster.brokerPool.findConnectedBroker();
	if ((broker.versions?.[METADATA]?.maxVersion ?? 0) < VERSION) return null;
	const about = { apiKey: METADATA, apiVersion: VERSION, apiName: "Metadata" };
	// Whatever kafkajs gets it looks for a throttle in.
	const decode = async (bytes: Buffer) => ({ bytes, clientSideThrottleTime: 0 });
	const parse = async ({ bytes }: { bytes: Buffer }) => idIn(bytes);
	return await broker.connectionPool.send<string | null>({
		request: kafkaRequest(about, () => question(topic)),
		response: { decode, parse },
	});
}

/** By name, without creating it, without asking what we may do with it. */
function question(topic: string): Buffer {
	const writer = new FlexibleWriter().noTags();
	writer.array([topic], (name) => writer.uuid(NO_ID).string(name).noTags());
	return writer.int8(0).int8(0).noTags().bytes();
}

function idIn(bytes: Buffer): string | null {
	const reader = new FlexibleReader(bytes);
	reader.skipTags();
	reader.int32();
	for (let brokers = reader.count(); brokers > 0; brokers--) {
		reader.int32();
		reader.string();
		reader.int32();
		reader.string();
		reader.skipTags();
	}
	reader.string();
	reader.int32();
	if (reader.count() === 0 || reader.int16() !== 0) return null;
	reader.string();
	const id = reader.uuid();
	return id === NO_ID ? null : id;
}
