/** What the consumer group in Kafka holds is for lag tools: deleted or replaced by nonsense, it has no effect. */
import { Kafka, logLevel } from "kafkajs";
import t, { type Test } from "tap";
import { type FaultSetting, PATIENT_SESSION, setTheStage } from "../support/fault-setting.ts";
import { untilCaughtUp, untilShared } from "../support/partitions.ts";
import { countedIn } from "../support/snapshot.ts";
import { waitUntil } from "../support/wait-until.ts";

/** More joins than a group of this test has seen; then counting begins again. */
const GENERATIONS_MAX = 30;
const PARTITIONS = 3;
const PER_SECOND = 1_500;
/** Times a second engine joins and leaves. */
const ROUNDS = 3;
/** So far behind the end of the log it will be a moment later: whoever believed it would leave out what lies between. */
const AHEAD = 20;

t.test("nonsense committed in the name of a running engine has no effect, at no join", async (t) => {
	const stage = await setTheStage(t, { partitions: PARTITIONS, perSecond: PER_SECOND });
	const first = await stage.start({ label: "first", env: PATIENT_SESSION });
	await untilFlowing(stage);

	const nonsense = await startCommittingNonsense(t, stage);
	for (let round = 1; round <= ROUNDS; round++) {
		// At a join kafkajs asks the group where to go on, and would do so.
		const second = await stage.start({ label: `second, round ${round}`, env: PATIENT_SESSION });
		await untilShared([first, second], PARTITIONS);
		await untilFlowing(stage);
		t.same(await second.stop(), { code: 0, signal: null });
		await untilShared([first], PARTITIONS);
		await untilFlowing(stage);
	}
	const taken = await nonsense.stop();
	t.ok(taken > 10 * ROUNDS, `the group took ${taken} commits of nonsense`);

	await stage.expectExact();
	await untilCaughtUp(first);
	await first.ready();
	t.equal((await first.status()).totals.recoveries, 0, "nothing had to be dropped for it");
	t.same(await first.stop(), { code: 0, signal: null });
});

t.test("a group deleted with its offsets has no effect on the next start", async (t) => {
	const stage = await setTheStage(t, { partitions: PARTITIONS, perSecond: PER_SECOND });
	const { admin, name } = stage.topic;
	const first = await stage.start({ label: "first", env: PATIENT_SESSION });
	await untilFlowing(stage);
	t.same(await first.stop(), { code: 0, signal: null });
	const isDeleted = async () => (await admin.deleteGroups([name])).every(({ errorCode }) => errorCode === 0);
	await waitUntil(isDeleted, { what: "the end of the group" });
	const { groups } = await admin.listGroups();
	const isThere = groups.some(({ groupId }) => groupId === name);
	t.notOk(isThere, `the group is gone, with ${await countedIn(stage.client)} counted`);
	const last = await stage.start({ label: "last" });
	await untilFlowing(stage);
	await stage.expectExact();
	await untilCaughtUp(last);
	await last.ready();
	t.same(await last.stop(), { code: 0, signal: null });
});

/** What is acknowledged now is counted, and more. */
async function untilFlowing({ client, producer }: FaultSetting): Promise<void> {
	const { sent } = producer;
	await waitUntil(async () => (await countedIn(client)) > sent, { what: "a second of work" });
}

/** What kafkajs has inside, as far as it is needed here: its public client commits for its own members only. */
interface ClusterInside {
	connect(): Promise<void>;
	/** Before it no broker is known but the one connected to. */
	refreshMetadata(): Promise<void>;
	disconnect(): Promise<void>;
	findGroupCoordinator(group: { groupId: string }): Promise<{
		offsetCommit(request: {
			groupId: string;
			memberId: string;
			groupGenerationId: number;
			topics: readonly object[];
		}): Promise<unknown>;
	}>;
}

interface Nonsense {
	/** Returns how many commits the group took. */
	stop(): Promise<number>;
}

/**
 * Commits all the time, since the engine publishes its own offsets a few times a second and a join must find ours. The
 * coordinator takes them from a member of the current generation only, and kafkajs does not tell which that is.
 */
async function startCommittingNonsense(t: Test, { topic }: FaultSetting): Promise<Nonsense> {
	const { name, admin, brokers } = topic;
	const kafka = new Kafka({ clientId: "test", brokers: [...brokers], logLevel: logLevel.NOTHING });
	const symbol = Object.getOwnPropertySymbols(kafka).find((one) =>
		one.description?.endsWith(":createCluster"),
	);
	const inside = kafka as unknown as Record<symbol, (options: object) => ClusterInside>;
	const cluster = inside[symbol!]!({});
	await cluster.connect();
	await cluster.refreshMetadata();
	const coordinator = await cluster.findGroupCoordinator({ groupId: name });
	let memberId = "";
	let groupGenerationId = 1;
	let taken = 0;
	let ended = false;
	const commit = async (): Promise<void> => {
		const offsets = await admin.fetchTopicOffsets(name);
		const partitions = offsets.map(({ partition, high }) => {
			const offset = [Number(high) + AHEAD, Number(high) + AHEAD, 0, 987_654_321][taken % 4];
			return { partition, offset: String(offset) };
		});
		const request = { groupId: name, memberId, groupGenerationId, topics: [{ topic: name, partitions }] };
		await coordinator.offsetCommit(request);
		taken++;
	};
	const findMember = async (): Promise<void> => {
		const { groups } = await admin.describeGroups([name]);
		const ids = groups[0]?.members.map((member) => member.memberId) ?? [];
		// Generations only go up; a member that is still there may be of the next one.
		if (ids.includes(memberId)) groupGenerationId++;
		else memberId = ids[0] ?? "";
		if (groupGenerationId > GENERATIONS_MAX) groupGenerationId = 1;
	};
	const committing = (async () => {
		while (!ended)
			await commit()
				.catch(findMember)
				.catch(() => {});
	})();
	const stop = async (): Promise<number> => {
		ended = true;
		await committing;
		await cluster.disconnect();
		return taken;
	};
	t.teardown(stop);
	await waitUntil(() => taken > 0, { what: "a commit of nonsense" });
	return { stop };
}
