/** Where records come from: opening Kafka or a file, with what either needs beside its source. */
import type { Config } from "./config/config.ts";
import { FileSource } from "./file-source/source.ts";
import { PostgresTurn } from "./file-source/turn.ts";
import { createKafka, type KafkaConnection } from "./kafka/client.ts";
import { leaveGroup } from "./kafka/leave-group.ts";
import { KafkaSource } from "./kafka/source.ts";
import { requireTopic } from "./kafka/topic.ts";
import type { Limits } from "./limits.ts";
import type { Log } from "./log.ts";
import type { Clock, RebuildReason, Source } from "./ports.ts";
import { Predecessors } from "./predecessors.ts";
import { MemberRegistry } from "./sink/member-registry.ts";
import type { PostgresSettings } from "./sink/settings.ts";
import { waitFor } from "./wait-for.ts";

/** What is read: a topic of a Kafka, or a file. */
export type Origin =
	| { readonly kind: "kafka"; readonly kafka: KafkaConnection }
	| { readonly kind: "file"; readonly path: string; readonly untilEnd: boolean };

/** A file has no cluster; as schema/migrations/0001_tables.sql says. */
const FILE_CLUSTER_ID = "file";

/**
 * Which cluster's offsets it holds: a database holds those of one. Waits for Kafka.
 * @throws UnavailableError
 */
export async function clusterIdOf(origin: Origin, config: Config, clock: Clock, log: Log): Promise<string> {
	if (origin.kind === "file") return FILE_CLUSTER_ID;
	const { kafka } = origin;
	const { clusterId } = await waitFor(
		"kafka",
		`Kafka at ${kafka.brokers.join(", ")}`,
		() => requireTopic(createKafka(kafka, log, { retries: 0 }), config.kafka.topic),
		{ timeoutMs: config.startupTimeoutMs, clock, log },
	);
	return clusterId;
}

/** The source, and what runs beside it. */
export interface Input {
	readonly source: Source;
	/** Called before the source is started; waits for nothing. */
	begin(): void;
	/** Stops the source and what was begun. Bounded by their own deadlines; safe twice. */
	stop(): Promise<void>;
}

export interface InputOptions {
	readonly config: Config;
	readonly postgres: PostgresSettings;
	readonly limits: Limits;
	/** This run of the engine, as in `source_offsets.owner`. */
	readonly owner: string;
	readonly onRebuild: (reason: RebuildReason) => void;
	readonly clock: Clock;
	readonly log: Log;
}

/** Makes the source of an origin; nothing is opened yet. */
export function createInput(origin: Origin, options: InputOptions): Input {
	return origin.kind === "kafka" ? kafkaInput(origin.kafka, options) : fileInput(origin, options);
}

function kafkaInput(kafka: KafkaConnection, options: InputOptions): Input {
	const { config, postgres, limits, owner, onRebuild, clock, log } = options;
	const { topic, groupId, sessionTimeoutMs, decoder } = config.kafka;
	const members = new MemberRegistry(postgres, { owner, topic, groupId }, clock, log);
	const leave = (memberId: string) => leaveGroup(createKafka(kafka, log, { retries: 1 }), groupId, memberId);
	const predecessors = new Predecessors({ bury: () => members.bury(leave) }, clock, log);
	const source = new KafkaSource(
		{
			connection: kafka,
			topic,
			groupId,
			sessionTimeoutMs,
			decoder,
			onMember: (memberId) => members.joined(memberId),
			onJoined: () => predecessors.stop(),
			onRebuild,
		},
		limits,
		clock,
		log,
	);
	return {
		source,
		begin: () => {
			const patienceS = Math.ceil(sessionTimeoutMs / 1000);
			log.info(
				{ component: "group" },
				`joining group ${groupId} (a member that was killed is waited for, up to ${patienceS} s, unless Postgres knows that it is dead)`,
			);
			// Beside the start of the actors; the join need not wait for it, and its answer waits for the dead to be out.
			void members.start().then(() => predecessors.start());
		},
		stop: async () => {
			predecessors.stop();
			await source.stop();
			await members.stop();
		},
	};
}

function fileInput({ path, untilEnd }: Extract<Origin, { kind: "file" }>, options: InputOptions): Input {
	const { config, postgres, owner, onRebuild, clock, log } = options;
	const turn = new PostgresTurn(postgres, { owner, topic: config.kafka.topic });
	const source = new FileSource({ path, untilEnd, turn, onRebuild }, clock, log);
	return { source, begin: () => {}, stop: () => source.stop() };
}
