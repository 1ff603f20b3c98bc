/** A whole run: parts, chapters, rounds. */
import { cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createRandom, type Random } from "../../producer/random.ts";
import { startKafkaCluster } from "../support/kafka-cluster.ts";
import { startKafkaWire } from "../support/kafka-wire.ts";
import { ownPostgres } from "../support/own-parts.ts";
import { startProxy } from "../support/tcp-proxy.ts";
import { type ChapterResult, type Parts, playChapter } from "./chapter.ts";
import type { Wires } from "./fleet.ts";
import type { CampaignOptions } from "./options.ts";
import { plan, type Round } from "./plan.ts";
import { signal } from "./processes.ts";
import type { RoundResult } from "./round.ts";
import { Scope } from "./scope.ts";

export interface CampaignResult {
	readonly seed: number;
	readonly chapters: readonly ChapterResult[];
	readonly rounds: readonly RoundResult[];
	/** Nothing lost, repeated, wrong, not healed, or ended by itself. */
	readonly isFine: boolean;
	/** What is wrong, for people. */
	readonly problems: readonly string[];
}

/** One more than the engines of a run: somebody joins now and then. */
const GUESTS = 1;
/** Of faults that could not be struck in their round. */
const RETRIES_MAX = 3;

export async function campaign(options: CampaignOptions): Promise<CampaignResult> {
	const { seed, engines, brokers, faults, together, seconds, chapterSeconds, say } = options;
	const scope = new Scope(say);
	const random = createRandom(seed);
	const rounds = plan(faults, createRandom(seed), { together, engines });
	const chapters: ChapterResult[] = [];
	const missing = new Set(faults.map(({ name }) => name));
	const retries = new Map<string, number>();
	let firstMs: number | null = null;
	const isOver = (): boolean => {
		if (options.signal?.aborted === true) return true;
		if (seconds === null) return missing.size === 0;
		return firstMs !== null && performance.now() - firstMs > seconds * 1_000;
	};
	const onRound = (result: RoundResult): void => {
		for (const { fault, missed } of result.strikes) {
			if (missed === null) missing.delete(fault);
			else if (missing.has(fault)) {
				const count = (retries.get(fault) ?? 0) + 1;
				retries.set(fault, count);
				if (count > RETRIES_MAX) missing.delete(fault);
			}
		}
	};
	/** The plan; but what missed its victim in company is struck again alone. */
	const nextRound = (): Round => {
		firstMs ??= performance.now();
		const again = faults.find(({ name }) => retries.has(name) && missing.has(name));
		if (again === undefined) return rounds.next().value;
		return [{ fault: again.name, atMs: 0, holdMs: again.holdMs[0] }];
	};
	try {
		const parts = await startParts(scope, random, engines + GUESTS, brokers);
		leaveNothingBehind(scope, parts);
		say(`parts are up: Postgres at port ${parts.postgres.at.port}, Kafka at ${parts.kafka.brokers.join()}`);
		while (!isOver() && (scope.isFine || !options.bail)) {
			const number = chapters.length + 1;
			const endMs = performance.now() + chapterSeconds * 1_000;
			const chapter = await playChapter(parts, options, number, {
				next: nextRound,
				isOver: () => isOver() || performance.now() >= endMs,
				onRound,
			});
			chapters.push(chapter);
			if (chapter.problems.length > 0) {
				scope.isFine = false;
				keepPostgresLog(parts, options.logs);
			}
		}
	} finally {
		await scope.close();
	}
	const problems = chapters.flatMap(({ problems }) => problems);
	if (seconds === null && options.signal?.aborted !== true) {
		const never = faults.filter(({ name }) => !struckIn(chapters, name)).map(({ name }) => name);
		if (never.length > 0) problems.push(`never struck: ${never.join(", ")}`);
	}
	return {
		seed,
		chapters,
		rounds: chapters.flatMap(({ rounds }) => rounds),
		isFine: problems.length === 0,
		problems,
	};
}

function struckIn(chapters: readonly ChapterResult[], name: string): boolean {
	return chapters.some(({ rounds }) =>
		rounds.some(({ strikes }) => strikes.some(({ fault, missed }) => fault === name && missed === null)),
	);
}

async function startParts(scope: Scope, random: Random, seats: number, brokers: 1 | 3): Promise<Parts> {
	const [postgres, kafka] = await Promise.all([
		ownPostgres(scope.asTest),
		startKafkaCluster(scope.asTest, brokers),
	]);
	const ports = kafka.brokers.map((broker) => Number(broker.split(":")[1]));
	const wires: Wires[] = [];
	for (let seat = 0; seat < seats; seat++) {
		wires.push({
			postgres: await startProxy(scope, postgres.at.port),
			kafka: await startKafkaWire(scope, ports),
		});
	}
	return { random, postgres, kafka, wires };
}

/** Postgres would outlive a run that ends by a defect of its own; brokers end with us, and for the engines see `Fleet`. */
function leaveNothingBehind(scope: Scope, { postgres }: Parts): void {
	const atExit = (): void => void signal(postgres.pid, "SIGQUIT");
	process.once("exit", atExit);
	scope.teardown(() => process.removeListener("exit", atExit));
}

function keepPostgresLog({ postgres }: Parts, logs: string): void {
	const log = join(postgres.home, "postgres.log");
	if (!existsSync(log)) return;
	mkdirSync(logs, { recursive: true });
	cpSync(log, join(logs, "postgres.log"));
}

/** Writes what is known of a run that failed. */
export function keepResult(result: CampaignResult, logs: string): void {
	mkdirSync(logs, { recursive: true });
	writeFileSync(join(logs, "result.json"), `${JSON.stringify(result, null, "\t")}\n`);
}
