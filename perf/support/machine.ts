/** What one needs to know to compare a figure with another day's. */
import { execFileSync } from "node:child_process";
import { cpus, release, totalmem } from "node:os";
import { packageRoot } from "../../schema/package-root.ts";
import type { ScenarioResult } from "./result.ts";

export function machine(): ScenarioResult["machine"] {
	const processors = cpus();
	return {
		cpu: processors[0]?.model ?? "unknown",
		cores: processors.length,
		memoryBytes: totalmem(),
		kernel: release(),
	};
}

/** Short hash, `-dirty` behind it when files differ; null outside a repository. */
export function commit(): string | null {
	try {
		return execFileSync("git", ["describe", "--always", "--dirty", "--exclude", "*"], {
			cwd: packageRoot(),
			stdio: "pipe",
		})
			.toString()
			.trim();
	} catch {
		// A release without its repository, or a machine without git.
		return null;
	}
}
