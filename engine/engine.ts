import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { type HttpService, startHttp } from "../monitoring/http.ts";
import { totalLag } from "../monitoring/lag-totals.ts";
import { LiveFeed } from "../monitoring/live-feed.ts";
import { Meter } from "../monitoring/meter.ts";
import { createMetrics } from "../monitoring/metrics.ts";
import type { EngineStatus } from "../monitoring/status.ts";
import { packageVersion } from "../schema/package-root.ts";
import { ActorWatch } from "./actor-watch.ts";
import { ActorPool } from "./actors/actor-pool.ts";
import { Assignment } from "./assignment.ts";
import { systemClock } from "./clock.ts";
import type { Config } from "./config/config.ts";
import type { ConfigEntry } from "./config/load.ts";
import { messageOf } from "./core-errors.ts";
import { Credit } from "./credits.ts";
import { EngineError } from "./errors.ts";
import { EXIT } from "./exit-codes.ts";
import { clusterIdOf, createInput, type Origin } from "./input.ts";
import { InvalidWindow } from "./invalid-window.ts";
import { Ledger } from "./ledger.ts";
import { limitsOf } from "./limits.ts";
import type { Log } from "./log.ts";
import { createSetQueue } from "./queues/set-queue.ts";
import { QueuedSideJobs } from "./queues/side-jobs.ts";
import { DayPartitions } from "./sink/day-partitions.ts";
import { requireLedger } from "./sink/ledger-check.ts";
import { RecentBusiness } from "./sink/recent-business.ts";
import { requireCurrentSchema } from "./sink/schema-check.ts";
import type { PostgresSettings } from "./sink/settings.ts";
import { PostgresStore } from "./sink/writer.ts";
import { StatusReporter } from "./status.ts";
import { Supervisor } from "./supervisor.ts";
import type { SupervisorParts } from "./supervisor-parts.ts";
import { RECOVERY_REASONS } from "./supervisor-roles.ts";
import { Tally } from "./tally.ts";
import { waitFor } from "./wait-for.ts";

export interface EngineOptions {
	readonly config: Config;
	/** How the configuration came about, for the live page; secrets are masked. */
	readonly entries?: readonly ConfigEntry[];
	readonly origin: Origin;
	readonly postgres: PostgresSettings;
	readonly log: Log;
	/** Called at most once, when the engine cannot go on; it must be stopped then. */
	readonly onFatal: (error: unknown) => void;
}

export interface StopOutcome {
	/** Records read and not committed when the deadline came; the next start reads them again. */
	readonly abandonedRecords: number;
}

export interface Engine {
	/** Where its HTTP port listens. */
	readonly url: string;
	status(): EngineStatus;
	/** The same and more, once a second, for whoever watches. */
	readonly live: Pick<LiveFeed, "subscribe" | "history">;
	/** Step 13: last commit, leave the group, close. Never rejects; safe twice. */
	stop(deadlineMs: number): Promise<StopOutcome>;
}

/** Actors share this many ids known to be stored: a million at about 60 bytes are 60 MB at worst. */
const STORED_IDS_MAX = 1_000_000;

/**
 * Puts the engine together and starts it: Postgres, HTTP, actors, then Kafka; the group is joined last.
 * @throws UnavailableError, SchemaError, HttpListenError; what was started until then is stopped again
 */
export async function startEngine(options: EngineOptions): Promise<Engine> {
	const { config, entries = null, origin, postgres, log, onFatal } = options;
	const clock = systemClock;
	const limits = limitsOf(config);
	const { topic, groupId } = config.kafka;
	const waiting = { timeoutMs: config.startupTimeoutMs, clock, log };
	await waitFor("postgres", "Postgres", () => requireCurrentSchema(postgres), waiting);
	const clusterId = await clusterIdOf(origin, config, clock, log);
	await requireLedger(postgres, { clusterId, topic });

	const owner = `${hostname()}:${process.pid}:${randomBytes(3).toString("hex")}`;
	const days = new DayPartitions(postgres, owner, log);
	const input = createInput(origin, {
		config,
		postgres,
		limits,
		owner,
		onRebuild: (reason) => metrics.consumerRebuilt(reason),
		clock,
		log,
	});
	const { source } = input;
	const store = new PostgresStore(postgres, { clusterId, topic, owner });
	const actors = new ActorPool(
		Array.from({ length: config.actors }, (_, shard) => {
			return { shard, topic, rules: config.rules, storedIdsMax: Math.ceil(STORED_IDS_MAX / config.actors) };
		}),
	);
	const jobs = new QueuedSideJobs(
		{ publish: (durable) => source.publish(durable), days: (newestEventMs) => days.ensure(newestEventMs) },
		log,
	);
	let reporter: StatusReporter | null = null;
	const status = (): EngineStatus => reporter!.status();
	const metrics = createMetrics({ status, now: () => clock.nowMs(), recoveryReasons: RECOVERY_REASONS });
	const meter = new Meter(() => clock.nowMs());
	const parts: SupervisorParts = {
		limits,
		clock,
		source,
		store,
		actors,
		queue: createSetQueue,
		jobs,
		observer: meter.listeningTo(metrics),
		log,
		assignment: new Assignment(),
		ledger: new Ledger(config.actors),
		watch: new ActorWatch(config.actors, limits, clock),
		setCredit: new Credit(limits.setBytesMax),
		invalid: new InvalidWindow(config.invalidRatioMax),
		tally: new Tally(clock),
	};
	const supervisor = new Supervisor(parts, onFatal);
	const identity = { version: packageVersion(), topic, groupId, clusterId };
	reporter = new StatusReporter(parts, supervisor, identity, meter);

	const business = new RecentBusiness({
		settings: postgres,
		owner,
		clock,
		isCatchingUp: () => (totalLag(status()) ?? 0) > CATCHING_UP_FROM,
	});
	const live = new LiveFeed({ status, business, now: () => clock.nowMs(), after: clock.after, log });
	let http: HttpService | null = null;
	const close = async (): Promise<void> => {
		supervisor.halt();
		// Its connection may be waiting for a frozen server; nobody else waits for that.
		const unwatched = live.stop();
		jobs.stop();
		await input.stop();
		await actors.stop();
		await store.close().catch(() => {});
		await http?.close();
		await unwatched;
	};
	try {
		live.start();
		http = await startHttp({ ...config.http, metrics, status, live, configRows: entries, log }).catch(
			(error) => {
				throw new EngineError(messageOf(error), EXIT.configuration, PORT_NEXT_STEP, { cause: error });
			},
		);
		// The default partition takes the rows of a day without one, and the side job tries again.
		await days.ensure(clock.nowMs()).catch((error) => {
			log.warn({ component: "days" }, `today has no partition yet: ${messageOf(error)}`);
			jobs.days(clock.nowMs());
		});
		input.begin();
		await supervisor.start();
	} catch (error) {
		await close();
		throw error;
	}

	let stopping: Promise<StopOutcome> | null = null;
	const stop = async (deadlineMs: number): Promise<StopOutcome> => {
		const late = new Promise<void>((resolve) => clock.after(deadlineMs, resolve));
		await Promise.race([supervisor.drain(), late]);
		const abandonedRecords = parts.ledger.pendingRecords + parts.tally.abandonedRecords;
		const claimed = parts.assignment.all().filter((owned) => owned.durable >= 0);
		const durable = new Map(claimed.map((owned) => [owned.partition, owned.durable]));
		// The last courtesy to lag tools, while we are still in the group; with Kafka away it would take for ever.
		const enough = new Promise<void>((resolve) => clock.after(LAST_PUBLISH_MS, resolve));
		if (supervisor.state !== "failed") await Promise.race([source.publish(durable).catch(() => {}), enough]);
		await Promise.race([close(), new Promise<void>((resolve) => clock.after(CLOSE_DEADLINE_MS, resolve))]);
		return { abandonedRecords };
	};
	return {
		url: http.url,
		status,
		live,
		stop: (deadlineMs) => {
			stopping ??= stop(deadlineMs);
			return stopping;
		},
	};
}

const PORT_NEXT_STEP =
	"set HTTP_PORT to a free port, or to 0 for any: a second engine on one machine needs another one";

/** Records that wait; with fewer, the newest hour is the present one, and an older one that changes was corrected. */
const CATCHING_UP_FROM = 10_000;

const LAST_PUBLISH_MS = 2_000;

/** Closing waits for sockets and threads; each has a deadline of its own, together they stay below this. */
const CLOSE_DEADLINE_MS = 15_000;
