/** What the faults act upon: the real parts, the engines on them, and what is sent. */
import type { LocalPostgres } from "../../engine/local/postgres.ts";
import type { Random } from "../../producer/random.ts";
import type { KafkaCluster } from "../support/kafka-cluster.ts";
import type { OwnPart } from "../support/own-parts.ts";
import type { DatabaseSettings } from "./database-client.ts";
import type { Fleet } from "./fleet.ts";
import type { Traffic } from "./traffic.ts";
import type { Watch } from "./watch.ts";

export interface World {
	/** For choices at the moment of a strike. The plan has a generator of its own, so that it stays the same. */
	readonly random: Random;
	readonly postgres: OwnPart<LocalPostgres>;
	readonly kafka: KafkaCluster;
	readonly database: DatabaseSettings;
	readonly fleet: Fleet;
	readonly traffic: Traffic;
	readonly watch: Watch;
}
