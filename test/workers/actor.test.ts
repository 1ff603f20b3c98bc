import { once } from "node:events";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import t from "tap";
import { runActor } from "../../workers/actor.ts";
import type { ActorSettings, FromActor, ToActor } from "../../workers/messages.ts";
import { pack, record } from "../support/slices.ts";

const SETTINGS: ActorSettings = {
	shard: 1,
	topic: "user_events",
	rules: { futureSkewMs: 0, latePolicy: "correct", lateAfterMs: 0 },
	storedIdsMax: 100,
	currentRecord: new SharedArrayBuffer(16),
};

/** The task on this thread, and the supervisor's end of its port. */
function start() {
	const { port1: port, port2 } = new MessageChannel();
	const ended = runActor({ ...SETTINGS, port: port2 });
	return { port, ended };
}

async function next(port: MessagePort): Promise<FromActor> {
	const [message] = (await once(port, "message")) as [FromActor];
	return message;
}

const post = (port: MessagePort, message: ToActor, transfer: readonly ArrayBuffer[] = []) =>
	port.postMessage(message, transfer);

const aSlice = () => {
	const value =
		'{"event_type":"logout","event_time":"2025-06-01T00:00:00","payload":{"user_id":"a","session_id":1}}';
	return pack([record({ value, timestampMs: -1 })]);
};

t.test("the actor says ready, folds, freezes and ends on stop", async (t) => {
	const { port, ended } = start();
	t.same(await next(port), { kind: "ready" });
	const slice = aSlice();
	post(port, { kind: "slice", incarnation: 1, slice }, [slice.values, slice.meta, slice.index]);
	t.match(await next(port), { kind: "folded", byteLength: slice.byteLength });
	post(port, { kind: "freeze", incarnation: 1, set: 8 });
	const answer = await next(port);
	t.match(answer, { kind: "frozen", incarnation: 1, set: 8, part: { shard: 1, folds: [{ rowCount: 1 }] } });
	if (answer.kind === "frozen") t.ok(answer.part.folds[0]!.rows[0]!.length > 0, "the rows crossed the port");
	post(port, { kind: "stop" });
	await t.resolves(ended);
});

t.test("a freeze that was posted behind a slice holds the slice", async (t) => {
	const { port, ended } = start();
	const answers: FromActor[] = [];
	const frozen = new Promise<void>((resolve) => {
		port.on("message", (message: FromActor) => {
			answers.push(message);
			if (message.kind === "frozen") resolve();
		});
	});
	for (let i = 0; i < 3; i++) post(port, { kind: "slice", incarnation: 1, slice: aSlice() });
	post(port, { kind: "freeze", incarnation: 1, set: 1 });
	await frozen;
	t.same(
		answers.map(({ kind }) => kind),
		["ready", "folded", "folded", "folded", "frozen"],
	);
	t.match(answers.at(-1), { part: { folds: [{ rowCount: 3 }] } });
	post(port, { kind: "stop" });
	await t.resolves(ended);
});

t.test("a broken protocol ends the task with a rejection", async (t) => {
	const { port, ended } = start();
	const rejected = t.rejects(ended, /without a drop/);
	post(port, { kind: "drop", incarnation: 1 });
	post(port, { kind: "freeze", incarnation: 2, set: 1 });
	await rejected;
});

t.test("a port closed from outside ends the task with a rejection", async (t) => {
	const { port, ended } = start();
	const rejected = t.rejects(ended, /closed without a stop/);
	await next(port);
	port.close();
	await rejected;
});

t.test("a core that cannot be built ends the task before it says ready", async (t) => {
	const { port1, port2 } = new MessageChannel();
	t.throws(() => runActor({ ...SETTINGS, currentRecord: new SharedArrayBuffer(3), port: port2 }), RangeError);
	port1.close();
});

t.test("what waits in the port of an actor that has failed is not touched any more", async (t) => {
	const { port, ended } = start();
	const answers: string[] = [];
	port.on("message", ({ kind }: FromActor) => answers.push(kind));
	post(port, { kind: "drop", incarnation: 1 });
	post(port, { kind: "freeze", incarnation: 2, set: 1 });
	post(port, { kind: "slice", incarnation: 1, slice: aSlice() });
	await t.rejects(ended, /incarnation 2 began without a drop/);
	await new Promise((resolve) => setImmediate(resolve));
	t.same(answers, ["ready"], "its note of the record in hand must stay as it was");
});
