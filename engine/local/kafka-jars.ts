/** Apache Kafka as plain jars, fetched once by Maven from pom.xml beside this file and kept for all homes of this user. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
	accessSync,
	closeSync,
	constants,
	copyFileSync,
	existsSync,
	mkdirSync,
	openSync,
	renameSync,
	rmSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../../schema/package-root.ts";
import { UnavailableError } from "../errors.ts";
import { logTail } from "./detached.ts";
import { cacheFolder, type Progress } from "./home.ts";
import { ALTERNATIVES, checkPrerequisites, type Prerequisites } from "./prerequisites.ts";

export interface KafkaPrograms {
	/** Path of Java 17 or newer. */
	readonly java: string;
	/** Folder of the jars. */
	readonly libs: string;
}

/** Also in pom.xml; a test compares them. */
export const KAFKA_VERSION = "4.4.0";
/** The broker, and what carries its warnings into the log: one of each in the folder says that the download was whole. */
const REQUIRED_JARS: readonly string[] = [`kafka_2.13-${KAFKA_VERSION}.jar`, "log4j-slf4j-impl-2.25.5.jar"];
/** 43 MB: 7 s here, minutes on a slow line. */
const DOWNLOAD_TIMEOUT_MS = 600_000;
const LOG_TAIL_LINES = 8;

/**
 * @param home an opened home; used when this user has no cache folder, and for Maven's log
 * @throws UnavailableError without Java or Maven (within seconds, naming the command that installs them), or when the
 *   download fails
 */
export async function prepareKafka(home: string, progress: Progress): Promise<KafkaPrograms> {
	const found = checkPrerequisites();
	const folder = join(cacheFolder() ?? join(home, "cache"), `kafka-${KAFKA_VERSION}`);
	const libs = join(folder, "libs");
	const isFetched = missingJar(libs) === null;
	// Without Maven the jars of an earlier download do.
	if (found.java === null || (found.maven === null && !isFetched)) throw missing(found);
	if (!isFetched) await fetchJars(found.maven ?? "mvn", folder, join(home, "kafka-download.log"), progress);
	return { java: found.java, libs };
}

/** The message without a way around it; `engine check` and the tests say the same. */
export function missing(found: Prerequisites): UnavailableError {
	return new UnavailableError(
		"embedded Kafka",
		`the embedded Kafka needs ${found.missing.join(" and ")}`,
		`install with: ${found.installCommand}\n${ALTERNATIVES}`,
	);
}

/** Into a folder of our own, then a rename: a crash leaves no half download, and of two at once one wins. */
async function fetchJars(maven: string, folder: string, logFile: string, progress: Progress): Promise<void> {
	progress(`downloading Apache Kafka ${KAFKA_VERSION} from Maven Central (43 MB, once)`);
	const temporary = `${folder}.${process.pid}.tmp`;
	rmSync(temporary, { recursive: true, force: true });
	mkdirSync(temporary, { recursive: true, mode: 0o700 });
	try {
		copyFileSync(join(packageRoot(), "engine", "local", "pom.xml"), join(temporary, "pom.xml"));
		const problem = await runMaven(maven, temporary, logFile);
		const lacking = missingJar(join(temporary, "libs"));
		if (problem !== null || lacking !== null) {
			throw new UnavailableError(
				"embedded Kafka",
				`Maven could not fetch Kafka (${problem ?? `${lacking} is missing`}):\n${logTail(logFile, LOG_TAIL_LINES)}`,
				`look into ${logFile}; Maven Central must be reachable, directly or by a mirror in ~/.m2/settings.xml; ${ALTERNATIVES}`,
			);
		}
		rmSync(folder, { recursive: true, force: true });
		try {
			renameSync(temporary, folder);
		} catch (error) {
			if (missingJar(join(folder, "libs")) !== null) throw error;
		}
	} finally {
		rmSync(temporary, { recursive: true, force: true });
	}
}

function missingJar(libs: string): string | null {
	return REQUIRED_JARS.find((jar) => !existsSync(join(libs, jar))) ?? null;
}

/** Null when it went well. */
async function runMaven(maven: string, folder: string, logFile: string): Promise<string | null> {
	const log = openSync(logFile, "w", 0o600);
	const args = [
		"--batch-mode",
		"-q",
		"dependency:copy-dependencies",
		"-DincludeScope=runtime",
		`-DoutputDirectory=${join(folder, "libs")}`,
	];
	const child = spawn(
		maven,
		canKeepRepository() ? args : [...args, `-Dmaven.repo.local=${join(folder, "repository")}`],
		{
			cwd: folder,
			stdio: ["ignore", log, log],
			timeout: DOWNLOAD_TIMEOUT_MS,
		},
	);
	closeSync(log);
	try {
		const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
		return code === 0 ? null : `ended with ${signal ?? code}`;
	} catch (error) {
		return (error as Error).message;
	}
}

/** System users have a home directory that is not there, and Maven fails in it. */
function canKeepRepository(): boolean {
	try {
		const home = homedir();
		accessSync(existsSync(join(home, ".m2")) ? join(home, ".m2") : home, constants.W_OK);
		return true;
	} catch {
		return false;
	}
}
