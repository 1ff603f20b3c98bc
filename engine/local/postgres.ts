/** The embedded Postgres 18: a real server on 127.0.0.1, from the binaries of an npm package. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { freePort, LOOPBACK } from "./free-port.ts";
import { cacheFolder, openHome, readJson, writeFileAtomic } from "./home.ts";
import { withLock } from "./lock.ts";
import { findOrStart, lockFile, lockOptions, type PartKind, type StartOptions } from "./part.ts";
import { binariesName, type PostgresBinaries, prepareBinaries } from "./postgres-binaries.ts";
import { type Cluster, postgresEnvironment, prepareCluster } from "./postgres-cluster.ts";
import { openPlace, type Place } from "./run-as.ts";

export interface LocalPostgres {
	readonly host: "127.0.0.1";
	readonly port: number;
	/** A superuser. */
	readonly user: string;
	readonly password: string;
	readonly database: string;
	readonly pid: number;
	/** It was running already, since an engine was killed or another one uses it. */
	readonly reused: boolean;
	/** Ends our use; a fast shutdown, unless another living engine uses it. Safe twice. */
	stop(): Promise<void>;
}

export interface StartPostgresOptions extends StartOptions {
	/** Counts when the data folder is made; later starts keep the name. */
	readonly user?: string;
}

/** What is kept in the home beside the data. */
interface Remembered {
	readonly port: number;
	readonly user: string;
}

const DATABASE = "lottery";
const TITLE = "embedded Postgres";
/** Recovery of a large log after a kill takes its time; a plain start takes 0.1 s. */
const READY_TIMEOUT_MS = 120_000;

const SETTINGS: readonly string[] = [
	`listen_addresses=${LOOPBACK}`,
	// No socket file: its path may be at most 107 bytes, which a long home breaks.
	"unix_socket_directories=",
	// The index of a few million users outgrows the default of 128 MB and is read at random places (perf/README.md). Pages
	// cost memory only once they are used.
	"shared_buffers=512MB",
	"max_connections=60",
	// With the default of 1 GB a drain makes a checkpoint every few seconds.
	"max_wal_size=2GB",
	"checkpoint_timeout=15min",
	"fsync=on",
	"synchronous_commit=on",
	"logging_collector=off",
	"log_line_prefix=%m [%p] %a ",
];

/**
 * Finds the running one of this home, or starts it.
 * @throws UnavailableError when it is not installed or does not start, with the next step
 */
export async function startPostgres(options: StartPostgresOptions): Promise<LocalPostgres> {
	const progress = options.progress ?? ((line: string) => options.log.info(line));
	const home = openHome(options.home);
	return withLock(lockFile(home, "postgres"), lockOptions(TITLE, progress), async () => {
		const stateFile = join(home, "postgres.json");
		const user = readJson<Remembered>(stateFile)?.user ?? options.user ?? "lottery";
		const place = openPlace(home);
		const binaries = prepareBinaries(place.binaries ?? copyFolder(home), place.runAs, progress);
		const cluster = prepareCluster(
			place,
			binaries,
			{ user, database: DATABASE },
			join(home, "postgres.password"),
			progress,
		);
		const kind = postgresKind(place, binaries, cluster, join(home, "postgres.log"), stateFile, user);
		const part = await findOrStart(home, kind, progress);
		return {
			host: LOOPBACK,
			port: part.address,
			user,
			password: cluster.password,
			database: DATABASE,
			pid: part.pid,
			reused: part.reused,
			async stop() {
				await part.stop();
				// The home was deleted under it, and with it the password: nobody can use what lies outside any more.
				if (place.outside !== null && !existsSync(home))
					rmSync(place.outside, { recursive: true, force: true });
			},
		};
	});
}

function copyFolder(home: string): string {
	return join(cacheFolder() ?? home, binariesName());
}

function postgresKind(
	place: Place,
	binaries: PostgresBinaries,
	cluster: Cluster,
	logFile: string,
	stateFile: string,
	user: string,
): PartKind<number> {
	const pidFile = join(place.folder, "pid");
	const rememberedPort = () => readJson<Remembered>(stateFile)?.port ?? null;
	return {
		name: "postgres",
		title: TITLE,
		pidFile,
		logFile,
		mark: cluster.dataFolder,
		readyTimeoutMs: READY_TIMEOUT_MS,
		// SIGINT is Postgres's fast shutdown, which writes its whole cache to disk; SIGQUIT its immediate one.
		stopSteps: [
			{ signal: "SIGINT", waitMs: 60_000 },
			{ signal: "SIGQUIT", waitMs: 5_000 },
			{ signal: "SIGKILL", waitMs: 5_000 },
		],
		rememberedAddress: rememberedPort,
		async attempt() {
			const port = await freePort(rememberedPort() ?? undefined);
			writeFileAtomic(stateFile, `${JSON.stringify({ port, user } satisfies Remembered)}\n`);
			const settings = [...SETTINGS, `port=${port}`].flatMap((setting) => ["-c", setting]);
			return {
				address: port,
				command: {
					command: join(binaries.folder, "bin", "postgres"),
					args: ["-D", cluster.dataFolder, ...settings],
					env: postgresEnvironment(place.folder),
					cwd: place.folder,
					logFile,
					pidFile,
					runAs: place.runAs,
				},
			};
		},
		async isReady(port, pid) {
			return isReadyByItsFile(cluster.dataFolder, port, pid);
		},
	};
}

/**
 * As pg_ctl asks: postmaster.pid names the process on line 1, its port on line 4 and its state on line 8. A connection
 * would not do, since a stranger may answer on that port.
 */
function isReadyByItsFile(dataFolder: string, port: number, pid: number): boolean {
	try {
		const lines = readFileSync(join(dataFolder, "postmaster.pid"), "utf8").split("\n");
		return Number(lines[0]) === pid && Number(lines[3]) === port && lines[7]?.trim() === "ready";
	} catch {
		return false;
	}
}
