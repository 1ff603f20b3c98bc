/** Stages of the main thread: from the answer to a fetch to a slice at an actor's port. */
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import type { ToActor } from "../../workers/messages.ts";
import type { PackedSlice } from "../../workers/slice.ts";
import { createRouter, decode, recordsIn } from "./corpus.ts";
import type { Micro } from "./micro.ts";

export const DECODE: Micro = {
	name: "decode",
	thread: "main",
	about:
		"the answer to a fetch to batches that are known to be whole: checksums, and a walk over all records",
	prepare: ({ events, fetched }) => ({
		events,
		expected: events,
		async run() {
			let count = 0;
			for (const each of fetched) for (const { scanned } of await decode(each)) count += scanned.count;
			return count;
		},
	}),
};

export const ROUTE: Micro = {
	name: "route",
	thread: "main",
	about:
		"the records of batches to packed slices: another walk, the hash of the key, a copy of key and value",
	async prepare({ events, fetched }) {
		const decoded = await Promise.all(fetched.map(decode));
		return {
			events,
			expected: events,
			run() {
				let count = 0;
				const router = createRouter((_, slice) => {
					count += slice.count;
				});
				for (const [i, each] of fetched.entries())
					router.route(recordsIn(decoded[i]!, each), each.partition, 1, each.from);
				router.flush();
				return count;
			},
		};
	},
};

export const TRANSFER: Micro = {
	name: "transfer",
	thread: "main",
	about: "slices through a message port and out of it; without waking a thread",
	prepare({ events, slices }) {
		const { port1, port2 } = new MessageChannel();
		// A buffer that was transferred is gone: each round sends what the one before received.
		let held: PackedSlice[] = slices.flat().map((slice) => structuredClone(slice));
		return {
			events,
			expected: events,
			run() {
				let count = 0;
				const received: PackedSlice[] = [];
				for (const slice of held) {
					const message: ToActor = { kind: "slice", incarnation: 1, slice };
					port1.postMessage(message, [slice.values, slice.meta, slice.index]);
					const arrived = receiveMessageOnPort(port2)?.message as Extract<ToActor, { kind: "slice" }>;
					received.push(arrived.slice);
					count += arrived.slice.count;
				}
				held = received;
				return count;
			},
			close: () => port1.close(),
		};
	},
};
