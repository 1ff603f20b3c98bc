/** A chapter: a topic, a group and a database of its own; rounds of faults, healing, and the verdict. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTopicAndWait } from "../../engine/kafka/new-topic.ts";
import type { LocalPostgres } from "../../engine/local/postgres.ts";
import { migrate } from "../../engine/sink/migrate.ts";
import type { Random } from "../../producer/random.ts";
import { prepareHolds } from "../support/hold-step.ts";
import type { KafkaCluster } from "../support/kafka-cluster.ts";
import { recordOffsetHistory } from "../support/offset-history.ts";
import type { OwnPart } from "../support/own-parts.ts";
import { type DatabaseSettings, withClient } from "./database-client.ts";
import { mortalEnvironment, refuseThem } from "./deadly-messages.ts";
import { Fleet, type Wires } from "./fleet.ts";
import type { CampaignOptions } from "./options.ts";
import type { Round } from "./plan.ts";
import { playRound, type RoundResult } from "./round.ts";
import { Scope } from "./scope.ts";
import { Traffic } from "./traffic.ts";
import { compareWithCalmRun, healed, judge, type Verdict } from "./verdict.ts";
import { Watch } from "./watch.ts";
import type { World } from "./world.ts";

/** What all chapters share. */
export interface Parts {
	readonly random: Random;
	readonly postgres: OwnPart<LocalPostgres>;
	readonly kafka: KafkaCluster;
	readonly wires: readonly Wires[];
}

export interface ChapterResult extends Verdict {
	readonly rounds: readonly RoundResult[];
	/** From the last lift to no lag, no pause and readiness, in ms; null: not in time. */
	readonly healedMs: number | null;
	readonly unavailableMs: number;
	readonly peakMb: number;
	readonly snapshots: number;
}

/** Where the rounds come from. */
export interface Script {
	next(): Round;
	isOver(): boolean;
	onRound(result: RoundResult): void;
}

/** What two engines use at rest is 150 MB each; this is what a leak, or a queue without a limit, would pass. */
const MEMORY_MB_MAX = 600;
const PARTITIONS = 6;
/** More of them in one chapter tell nothing new: it goes to its verdict. */
const PROBLEMS_MAX = 5;
/** Before the first fault strikes, an engine has to be there. */
const FIRST_COMMIT_WITHIN_MS = 120_000;

export async function playChapter(
	parts: Parts,
	options: CampaignOptions,
	number: number,
	script: Script,
): Promise<ChapterResult> {
	const { random, postgres, kafka } = parts;
	const { say, seed, engines, brokers, build } = options;
	const scope = new Scope(say);
	const problems: string[] = [];
	const found = (problem: string): void => {
		problems.push(`chapter ${number}: ${problem}`);
		say(`PROBLEM ${problems.at(-1)}`);
	};
	const topic = { name: `chaos-${number}`, brokers: kafka.brokers };
	await createTopicAndWait(kafka.admin, {
		topic: topic.name,
		numPartitions: PARTITIONS,
		replicationFactor: brokers,
	});
	const database = await createDatabase(postgres, `chaos_${number}`);
	await migrate(database);
	await withClient(database, async (client) => {
		await recordOffsetHistory(client);
		await prepareHolds(client);
		await refuseThem(client);
	});
	const shape = {
		ACTORS: String(1 + random.below(3)),
		FLUSH_INTERVAL_MS: random.pick(["20", "250", "250", "1000"]),
		FLUSH_ROWS_MAX: random.pick(["50", "1000", "20000"]),
	};
	const fleet = new Fleet({
		scope,
		random,
		topic: topic.name,
		database,
		build,
		seats: parts.wires.map((wires, seat) => ({
			name: String.fromCharCode(65 + seat),
			wires,
			env: { ...shape, KAFKA_SESSION_TIMEOUT_MS: "6000", ...mortalEnvironment(build) },
			engine: null,
			isTaken: false,
		})),
		onEnded: found,
	});
	const traffic = new Traffic({
		brokers: kafka.brokers,
		topic: topic.name,
		seed: seed + 1_000 * number,
		perSecond: options.perSecond,
	});
	const watch = new Watch(database, fleet);
	const world: World = { random, postgres, kafka, database, fleet, traffic, watch };
	const faults = new Map(options.faults.map((fault) => [fault.name, fault]));
	const rounds: RoundResult[] = [];
	say(`chapter ${number}: ${engines} engines with ${JSON.stringify(shape)}, ${brokers} brokers`);
	try {
		for (const seat of fleet.seats.slice(0, engines)) fleet.start(seat);
		traffic.start();
		watch.start();
		const first = await watch.recovered(performance.now(), FIRST_COMMIT_WITHIN_MS);
		if (first.allMs === null) throw new Error("the engines did not get going");
		let liftedAtMs = performance.now();
		while (!script.isOver()) {
			const round = script.next();
			watch.phase = `round ${rounds.length + 1} (${round.map(({ fault }) => fault).join(" + ")})`;
			const result = await playRound(round, faults, world, options.patienceMs);
			rounds.push(result);
			script.onRound(result);
			liftedAtMs = result.liftedAtMs;
			say(`${watch.phase}: ${describe(result)}`);
			for (const { fault, broken } of result.strikes)
				if (broken !== null) found(`the fault ${fault} could not be struck or lifted: ${broken}`);
			if (result.allMs === null) {
				found(`no new commit in every partition within ${options.patienceMs} ms after ${watch.phase}`);
				break;
			}
			if (problems.length >= PROBLEMS_MAX || (options.bail && watch.violations.length > 0)) break;
		}
		watch.phase = "the healing";
		await traffic.stop();
		let healedMs: number | null = null;
		try {
			const left = options.patienceMs - (performance.now() - liftedAtMs);
			await healed(fleet, PARTITIONS, Math.max(left, 10_000));
			healedMs = performance.now() - liftedAtMs;
		} catch (error) {
			found(`not healed: ${(error as Error).message}`);
		}
		watch.phase = "the end";
		for (const seat of fleet.running) {
			const exit = await fleet.stop(seat);
			if (exit !== null && exit.code !== 0) found(`engine ${seat.name} ended with ${JSON.stringify(exit)}`);
		}
		fleet.close();
		await watch.stop();
		const verdict = await judge(topic, database, traffic);
		verdict.problems.forEach(found);
		watch.violations.forEach(found);
		if (watch.peakMb > MEMORY_MB_MAX) found(`an engine had ${watch.peakMb} MB of memory`);
		if (options.calm && verdict.behind === 0) {
			const calm = await createDatabase(postgres, `chaos_${number}_calm`);
			await migrate(calm);
			await withClient(calm, refuseThem);
			const run = { scope, topic, stormy: database, calm, messages: verdict.messages, build };
			(await compareWithCalmRun(run)).forEach(found);
		}
		say(
			`chapter ${number}: ${verdict.messages} messages, ${verdict.lost} lost, ${verdict.behind} behind, ${verdict.repeated} repeated, ` +
				`${verdict.wrongHours} wrong hours, ${watch.snapshots} snapshots, healed in ${seconds(healedMs)}`,
		);
		const { unavailableMs, peakMb, snapshots } = watch;
		return { ...verdict, problems, rounds, healedMs, unavailableMs, peakMb, snapshots };
	} catch (error) {
		found(`broken off: ${(error as Error).stack}`);
		const { unavailableMs, peakMb, snapshots } = watch;
		const nothing = { messages: 0, doubtful: 0, lost: 0, behind: 0, repeated: 0, wrongHours: 0 };
		return { ...nothing, problems, rounds, healedMs: null, unavailableMs, peakMb, snapshots };
	} finally {
		fleet.close();
		await watch.stop();
		await traffic.stop().catch(() => {});
		if (problems.length > 0) keepLogs(fleet, join(options.logs, `chapter-${number}`));
		await scope.close();
		await cleanUp(postgres, kafka, topic.name, number);
	}
}

function describe({ strikes, firstMs, allMs }: RoundResult): string {
	const missed = strikes.filter((strike) => strike.missed !== null);
	const told = missed.map(({ fault, missed }) => `, missed ${fault}: ${missed}`).join("");
	return `first commit after ${seconds(firstMs)}, every partition after ${seconds(allMs)}${told}`;
}

/** For people. */
export function seconds(ms: number | null): string {
	return ms === null ? "never" : `${(ms / 1_000).toFixed(1)} s`;
}

async function createDatabase(
	{ at: { host, port, user, password, database } }: OwnPart<LocalPostgres>,
	name: string,
): Promise<DatabaseSettings> {
	const settings = { host, port, user, password, ssl: false as const };
	await withClient({ ...settings, database }, (client) => client.query(`CREATE DATABASE ${name}`));
	return { ...settings, database: name };
}

/** A long run would fill the disk. */
async function cleanUp(
	{ at: { host, port, user, password, database } }: OwnPart<LocalPostgres>,
	kafka: KafkaCluster,
	topic: string,
	number: number,
): Promise<void> {
	await kafka.admin.deleteTopics({ topics: [topic] }).catch(() => {});
	await withClient({ host, port, user, password, database, ssl: false as const }, async (client) => {
		for (const name of [`chaos_${number}`, `chaos_${number}_calm`])
			await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
	}).catch(() => {});
}

function keepLogs(fleet: Fleet, folder: string): void {
	mkdirSync(folder, { recursive: true });
	for (const [i, { seat, engine }] of fleet.history.entries()) {
		const lines = [...engine.log.map((line) => JSON.stringify(line)), ...engine.errors];
		const name = `${String(i + 1).padStart(3, "0")}-${seat}-${engine.pid}.log`;
		writeFileSync(join(folder, name), `${lines.join("\n")}\n`);
	}
}
