/**
 * The actor's thread: the long-lived task that piscina runs, one per thread (`name: "runActor"`).
 *
 * It holds the port and nothing else; what the messages mean is `ActorCore`'s. The task ends only by `stop` (it
 * resolves) or by a failure (it rejects, and the supervisor recovers): nothing here is caught and lived with.
 */
import { performance } from "node:perf_hooks";
import type { MessagePort } from "node:worker_threads";
import { ActorCore } from "./core.ts";
import type { ActorSettings, FromActor, ToActor } from "./messages.ts";
import { transferablesOf } from "./part.ts";
import { release } from "./release.ts";

/** What the supervisor hands over; the port comes in the transfer list. */
export interface ActorTask extends ActorSettings {
	readonly port: MessagePort;
}

/**
 * Says `ready`, then answers messages until `stop`.
 *
 * @throws whatever the core threw, and Error when the port was closed from outside or a message was unreadable.
 */
export function runActor({ port, ...settings }: ActorTask): Promise<void> {
	const core = new ActorCore(settings, () => performance.now());
	return new Promise<void>((resolve, reject) => {
		let isOver = false;
		const end = (settle: () => void): void => {
			isOver = true;
			// First, so that closing the port below is not taken for a loss.
			settle();
			port.close();
		};
		port.on("message", (message: ToActor) => {
			// What waited behind a failure would overwrite the note of the record that was in hand.
			if (isOver) return;
			if (message.kind === "stop") return end(resolve);
			try {
				const answer = core.handle(message);
				// Folded: what is kept of it was copied.
				if (message.kind === "slice")
					release([message.slice.values, message.slice.meta, message.slice.index]);
				if (answer !== null) send(port, answer);
			} catch (error) {
				end(() => reject(error));
			}
		});
		port.on("messageerror", (error) => end(() => reject(error)));
		port.on("close", () => reject(new Error("the actor's port was closed without a stop")));
		send(port, { kind: "ready" });
	});
}

/** Buffers of a part are given away, not cloned: the part is the supervisor's from here on. */
function send(port: MessagePort, message: FromActor): void {
	if (message.kind === "frozen") port.postMessage(message, transferablesOf(message.part));
	else port.postMessage(message);
}
