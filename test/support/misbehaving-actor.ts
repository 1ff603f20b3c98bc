/** An actor for tests of its pool: says `ready`, and does at a `care` message what the detail of its record names. */
import type { ActorTask } from "../../workers/actor.ts";
import type { ToActor } from "../../workers/messages.ts";

export type Misbehaviour = "exit" | "hang" | "throw" | "reject" | "finish" | "deaf" | "close" | "answer";

export function runActor({ port, topic }: ActorTask): Promise<void> {
	// Never ready: the thread ends, or the task does, before the pool heard of it.
	if (topic === "exit at start") process.exit(3);
	if (topic === "reject at start") return Promise.reject(new Error("no start today"));
	return new Promise<void>((resolve, reject) => {
		let isDeaf = false;
		const answer = () => port.postMessage({ kind: "folded", incarnation: 0, byteLength: 0, busyMs: 0 });
		port.on("message", (message: ToActor) => {
			if (message.kind === "stop" && !isDeaf) {
				resolve();
				port.close();
			}
			if (message.kind !== "care") return;
			switch (message.condemned[0]?.detail as Misbehaviour) {
				case "exit":
					return process.exit(3);
				case "hang":
					for (;;);
				case "throw":
					throw new Error("nobody caught this");
				case "reject":
					return reject(new Error("the task gave up"));
				case "finish":
					return resolve();
				case "close":
					return port.close();
				case "deaf":
					isDeaf = true;
					return answer();
				case "answer":
					return answer();
			}
		});
		port.postMessage({ kind: "ready" });
	});
}
