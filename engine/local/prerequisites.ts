/**
 * What the embedded Kafka needs from the machine: Java 17 or newer, and Maven until Kafka has been fetched once.
 * Imports nothing of ours: `test/run.js --preflight` runs it before anything is built.
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";

export interface Prerequisites {
	/** Path of a Java that is new enough; null when there is none. */
	readonly java: string | null;
	/** Path of Maven; null when there is none. */
	readonly maven: string | null;
	/** What is missing, one phrase each: `Java 17 or newer (found Java 11)`. */
	readonly missing: readonly string[];
	/** The one command that installs it. */
	readonly installCommand: string;
}

/** What is looked at, so that a test can say what is installed. */
export interface Machine {
	readonly platform: NodeJS.Platform;
	readonly isRoot: boolean;
	/** Path of a program, or null. */
	find(program: string): string | null;
	/** What `java -version` prints, or null when it fails. */
	javaVersion(java: string): string | null;
	/** Text of /etc/os-release, or empty. */
	readonly osRelease: string;
}

export const JAVA_MAJOR_MIN = 17;

/** What else there is, for people who do not want Java. */
export const ALTERNATIVES =
	"or use a Kafka you have (KAFKA_BROKERS=host:9092), or read a file without Kafka (node engine start --source FILE)";

const JAVA_TIMEOUT_MS = 20_000;

export function checkPrerequisites(machine: Machine = thisMachine()): Prerequisites {
	const found = machine.find("java");
	const said = found === null ? null : machine.javaVersion(found);
	const major = said === null ? null : javaMajor(said);
	const java = major !== null && major >= JAVA_MAJOR_MIN ? found : null;
	const maven = machine.find("mvn");
	const missing: string[] = [];
	if (java === null)
		missing.push(
			`Java ${JAVA_MAJOR_MIN} or newer${major === null ? "" : ` (found Java ${major} at ${found})`}`,
		);
	if (maven === null) missing.push("Maven");
	return { java, maven, missing, installCommand: installCommand(machine) };
}

/** `openjdk version "17.0.15" 2025-04-15` is 17, `java version "1.8.0_401"` is 8; null when it is no such text. */
export function javaMajor(said: string): number | null {
	const found = /version "(?:1\.)?(\d+)/.exec(said);
	return found === null ? null : Number(found[1]);
}

/** By the package manager that is there; the names are those of its own distributions. */
export function installCommand(machine: Machine): string {
	if (machine.platform === "darwin") return "brew install openjdk@17 maven";
	const commands: readonly (readonly [string, string])[] = [
		["apt-get", `apt-get install -y ${debianJava(machine.osRelease)} maven`],
		["dnf", "dnf install -y java-17-openjdk-headless maven"],
		["apk", "apk add openjdk17-jre-headless maven"],
		["pacman", "pacman -S --noconfirm jre17-openjdk-headless maven"],
		["zypper", "zypper install -y java-17-openjdk-headless maven"],
	];
	const command = (commands.find(([manager]) => machine.find(manager) !== null) ?? commands[0]!)[1];
	return machine.isRoot ? command : `sudo ${command}`;
}

/** Debian 13 dropped 17; 21 runs Kafka as well. */
function debianJava(osRelease: string): string {
	const isDebian = /^ID=debian$/m.test(osRelease);
	const version = Number(/^VERSION_ID="?(\d+)/m.exec(osRelease)?.[1] ?? 0);
	return isDebian && version >= 13 ? "openjdk-21-jre-headless" : "openjdk-17-jre-headless";
}

export function thisMachine(env: NodeJS.ProcessEnv = process.env): Machine {
	return {
		platform: process.platform,
		isRoot: process.getuid?.() === 0,
		find: (program) => (program === "java" ? findJava(env) : findOnPath(program, env)),
		javaVersion(java) {
			// Options from the environment would print a line of their own, or fail.
			const asked = spawnSync(java, ["-version"], {
				encoding: "utf8",
				timeout: JAVA_TIMEOUT_MS,
				env: { PATH: env["PATH"] ?? "" },
			});
			return asked.status === 0 ? `${asked.stderr}${asked.stdout}` : null;
		},
		osRelease: readOrEmpty("/etc/os-release"),
	};
}

/** JAVA_HOME comes first, as everywhere; macOS has a /usr/bin/java that only says there is none. */
function findJava(env: NodeJS.ProcessEnv): string | null {
	const home = env["JAVA_HOME"];
	return (home ? executable(join(home, "bin", "java")) : null) ?? findOnPath("java", env);
}

function findOnPath(program: string, env: NodeJS.ProcessEnv): string | null {
	for (const folder of (env["PATH"] ?? "").split(delimiter)) {
		const path = folder === "" ? null : executable(join(folder, program));
		if (path !== null) return path;
	}
	return null;
}

function executable(path: string): string | null {
	try {
		accessSync(path, constants.X_OK);
		return statSync(path).isFile() ? path : null;
	} catch {
		return null;
	}
}

function readOrEmpty(path: string): string {
	try {
		return readFileSync(path, "utf8");
	} catch {
		return "";
	}
}
