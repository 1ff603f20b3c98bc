import type { Admin } from "kafkajs";
import type { Clock, Watermarks } from "../ports.ts";
import { within } from "./deadline.ts";

/** kafkajs itself tries for about as long when partitions have no leader. */
const READ_DEADLINE_MS = 15_000;
/** As many in a row, and the next one is asked of a new client. */
const FAILURES_MAX = 3;

/**
 * Reads where the log of a topic begins and ends. A client that fails again and again is replaced: whatever state a broker's
 * absence has left it in, nobody else would notice, since nothing but this depends on it.
 */
export class WatermarkReader {
	readonly #topic: string;
	readonly #create: () => Admin;
	readonly #clock: Pick<Clock, "after">;
	#admin: Admin | null = null;
	#failures = 0;

	constructor(topic: string, create: () => Admin, clock: Pick<Clock, "after">) {
		this.#topic = topic;
		this.#create = create;
		this.#clock = clock;
	}

	/** Rejects when no broker answers. */
	async connect(): Promise<void> {
		const admin = this.#create();
		this.#admin = admin;
		this.#failures = 0;
		await admin.connect();
	}

	/** By partition. Rejects when it is not connected, and when Kafka does not answer in time. */
	async read(): Promise<ReadonlyMap<number, Watermarks>> {
		const admin = this.#admin;
		if (admin === null) throw new Error("not connected to Kafka");
		try {
			const reading = admin.fetchTopicOffsets(this.#topic);
			const offsets = await within(this.#clock, "read the watermarks", READ_DEADLINE_MS, reading);
			this.#failures = 0;
			return new Map(
				offsets.map(({ partition, low, high }) => [partition, { low: Number(low), high: Number(high) }]),
			);
		} catch (error) {
			if (admin === this.#admin && ++this.#failures >= FAILURES_MAX) this.#replace(admin);
			throw error;
		}
	}

	/** May hang with kafkajs: wait with a deadline. Safe twice. */
	async close(): Promise<void> {
		const admin = this.#admin;
		this.#admin = null;
		await admin?.disconnect();
	}

	#replace(admin: Admin): void {
		this.#failures = 0;
		void admin.disconnect().catch(() => {});
		// Connects by itself when it is asked, and the next failure is told by that.
		this.#admin = this.#create();
	}
}
