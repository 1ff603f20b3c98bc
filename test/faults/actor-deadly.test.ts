/**
 * Messages that kill the actor which folds them: by a crash, by ending the thread, by hanging, by taking all its memory.
 * Those that do it each time become dead letters with their original bytes, those that did it once are stored, and no
 * neighbour is blamed. The process lives.
 */
import type { Test } from "tap";
import t from "tap";
import { createRandom } from "../../producer/random.ts";
import { type DeadlyOptions, type Death, deadlyEnvironment, deadlyUser } from "../support/deadly-actor.ts";
import type { EngineProcess, LogLine } from "../support/engine-process.ts";
import { untilCounted } from "../support/expect-tables.ts";
import { type FaultSetting, setTheStage } from "../support/fault-setting.ts";
import { ticket } from "../support/lottery-event.ts";
import { untilCaughtUp } from "../support/partitions.ts";
import { metricValue } from "../support/prometheus-text.ts";
import { type StreamMessage, stream } from "../support/stream.ts";
import type { SentMessage } from "../support/topic.ts";

const MESSAGES = 4_000;
/** Everything is there when the engine starts: the deadly ones have as many neighbours as a fetch holds. */
const PER_SECOND = 100_000;
/** Five losses, of which each costs a recovery of two heartbeats, and a hang some seconds more. */
const FOUND_WITHIN_MS = 180_000;

/** What is said of the loss. */
const CAUSES: Readonly<Record<Death, RegExp>> = {
	crash: /a deadly event/,
	exit: /exited with code: 7|its thread ended/,
	hang: /no answer for \d+ ms/,
	memory: /memory limit|out of memory|its thread ended/i,
};

/** What kills always, together in one topic: found one by one. */
const GUILTY: readonly (readonly Death[])[] = [["crash", "exit"], ["hang"], ["memory"]];

t.jobs = GUILTY.length + 3;

for (const deaths of GUILTY) {
	t.test(
		`a message that kills each actor (${deaths.join(", another: ")}) becomes a dead letter, its neighbours are stored`,
		async (t) => {
			const { stage, engine } = await startWith(
				t,
				deaths.map((death, name) => deadlyUser(death, "always", name)),
				deaths.includes("hang") ? { silenceMs: 6_000 } : {},
			);
			await expectCondemned(t, stage, deaths.length, engine);
			await isWellAgain(t, engine);
			const verdicts = engine.log.filter(
				({ level, msg }) => level === "error" && /becomes a dead letter \(actor_crash\)/.test(msg),
			);
			t.equal(verdicts.length, deaths.length, "the log names each");
			t.ok(
				engine.log.find(({ msg }) => /are stored: reading goes on as ever/.test(msg)),
				"and says that suspect mode is over",
			);
			for (const death of deaths)
				t.ok(
					lossesOf(engine).some(({ msg }) => CAUSES[death].test(msg)),
					CAUSES[death].source,
				);
			await tellsOfItsLosses(t, engine);
			t.same(await engine.stop(), { code: 0, signal: null });
		},
	);
}

t.test("an actor that dies for a reason which does not come again blames nobody", async (t) => {
	// The second time it is a suspect, the third time accused, the fourth time alone: one more, and it would be guilty.
	const { stage, engine } = await startWith(t, [deadlyUser("crash", 4)]);
	await expectCondemned(t, stage, 0, engine);
	t.equal(accusedBy(engine).length, 2, "accused, and tried alone once");
	await isWellAgain(t, engine);
	await tellsOfItsLosses(t, engine);
	t.same(await engine.stop(), { code: 0, signal: null });
});

t.test("an actor whose replacement fails to start is given another one", async (t) => {
	// Its two actors are the first two starts; piscina may begin one more in a pool that is being closed.
	const { stage, engine } = await startWith(t, [deadlyUser("crash", 1)], { startsThatFail: [3, 4, 5] });
	await expectCondemned(t, stage, 0);
	await isWellAgain(t, engine);
	t.ok(
		engine.log.some(({ msg }) => /start [345] of a thread fails/.test(msg)),
		"the log says why it took two",
	);
	t.same(await engine.stop(), { code: 0, signal: null });
});

t.test("an engine whose actors cannot be started any more ends with exit 1, and says why", async (t) => {
	const startsThatFail = Array.from({ length: 60 }, (_, i) => 3 + i);
	const { stage, engine } = await startWith(t, [deadlyUser("crash", 1)], { startsThatFail });
	t.same(await engine.exited, { code: 1, signal: null });
	t.ok(
		engine.log.find(
			({ level, msg }) => level === "fatal" && /cannot go on.*start \d+ of a thread fails/.test(msg),
		),
		"its last words name the cause",
	);
	const next = await stage.start({ label: "next", groupId: `${stage.topic.name}-next` });
	await expectCondemned(t, stage, 0);
	await isWellAgain(t, next);
	t.same(await next.stop(), { code: 0, signal: null });
});

/** A stream with an event of each of these users somewhere in it, all of it sent, and an engine that reads it. */
async function startWith(
	t: Test,
	users: readonly string[],
	options: DeadlyOptions = {},
): Promise<{ stage: FaultSetting; engine: EngineProcess }> {
	const stage = await setTheStage(t, {
		partitions: 3,
		perSecond: PER_SECOND,
		messages: (seed) => withUsers(seed, users),
	});
	await stage.producer.done;
	const engine = await stage.start({ env: { ACTORS: "2", ...deadlyEnvironment(options) } });
	return { stage, engine };
}

function withUsers(seed: number, users: readonly string[]): readonly StreamMessage[] {
	const random = createRandom(seed);
	const messages = [...stream(seed, MESSAGES)];
	for (const user of users) {
		const message = { key: Buffer.from(user), value: Buffer.from(ticket({ user, amount: 12.34 })) };
		messages.splice(random.below(messages.length), 0, message);
	}
	return messages;
}

/**
 * Exact tables; the messages that kill always, and nobody else, are dead letters for it. Who never killed is not even
 * accused.
 */
async function expectCondemned(
	t: Test,
	stage: FaultSetting,
	count: number,
	engine?: EngineProcess,
): Promise<void> {
	await untilCounted(stage.client, stage.producer.sent, { deadlineMs: FOUND_WITHIN_MS });
	await stage.expectExact((messages) => {
		const guilty = messages.filter(isDeadlyForEver);
		t.equal(guilty.length, count, `${count} messages kill always`);
		const deadly = messages.filter(isDeadly).map(({ partition, offset }) => `${partition}/${offset}`);
		const innocent = accusedBy(engine).filter((place) => !deadly.includes(place));
		t.same(innocent, [], "no innocent message was tried");
		return {
			condemned: new Map(guilty.map(({ partition, offset }) => [`${partition}/${offset}`, "actor_crash"])),
		};
	});
}

function isDeadly({ value }: SentMessage): boolean {
	return value?.includes("deadly ") ?? false;
}

function accusedBy(engine: EngineProcess | undefined): readonly string[] {
	const lines = engine?.log.filter(({ msg }) => /trying that message alone/.test(msg)) ?? [];
	return lines.map(({ partition, offset }) => `${partition}/${offset}`);
}

function isDeadlyForEver({ value }: SentMessage): boolean {
	return /deadly \w+ always/.test(value?.toString("latin1") ?? "");
}

async function isWellAgain(t: Test, engine: EngineProcess): Promise<void> {
	await untilCaughtUp(engine);
	await engine.ready();
	t.match(await engine.status(), { state: "running" });
}

function lossesOf(engine: EngineProcess): readonly LogLine[] {
	return engine.log.filter(({ component, msg }) => component === "actor" && /is lost/.test(msg));
}

/** Each loss is a line of the log and a count of the metric, and so is each recovery. */
async function tellsOfItsLosses(t: Test, engine: EngineProcess): Promise<void> {
	const metrics = await engine.metrics();
	const lines = lossesOf(engine);
	t.ok(lines.length > 0, `${lines.length} actors were lost`);
	const restarts = [0, 1].map((actor) =>
		metricValue(metrics, "engine_actor_restarts_total", { actor: String(actor) }),
	);
	t.equal(restarts[0]! + restarts[1]!, lines.length, "each is counted");
	const recoveries = engine.log.filter(({ reason }) => reason === "actor_lost").length;
	t.equal(metricValue(metrics, "engine_recoveries_total", { reason: "actor_lost" }), recoveries);
	t.ok(recoveries >= 1 && recoveries <= lines.length);
}
