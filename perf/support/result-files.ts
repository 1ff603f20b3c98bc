/** Where results lie, and reading them again. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../schema/package-root.ts";
import { renderReport } from "../report/html.ts";
import type { ScenarioResult } from "./result.ts";

/** Folder of results; not part of the repository, for a figure belongs to its machine. */
export function resultsFolder(): string {
	const folder = join(packageRoot(), "perf", "results");
	mkdirSync(folder, { recursive: true });
	return folder;
}

/** Writes JSON and the report beside each other; gives both paths. */
export function saveResult(
	result: ScenarioResult,
	folder: string = resultsFolder(),
): { readonly json: string; readonly html: string } {
	const path = join(folder, `${result.scenario}-${result.at.replaceAll(":", "-")}`);
	writeFileSync(`${path}.json`, `${JSON.stringify(result, null, "\t")}\n`);
	writeFileSync(`${path}.html`, renderReport(result));
	return { json: `${path}.json`, html: `${path}.html` };
}

/**
 * The results of a file, or of a folder the newest of each scenario.
 * @throws Error when nothing is there, or it is no result of this format
 */
export function readResults(path: string): readonly ScenarioResult[] {
	if (!existsSync(path)) throw new Error(`there is no ${path}`);
	if (!statSync(path).isDirectory()) return [readResult(path)];
	const newest = new Map<string, ScenarioResult>();
	for (const name of readdirSync(path).filter((name) => name.endsWith(".json"))) {
		const result = tryRead(join(path, name));
		const before = result === null ? undefined : newest.get(result.scenario);
		if (result !== null && (before === undefined || before.at < result.at))
			newest.set(result.scenario, result);
	}
	if (newest.size === 0)
		throw new Error(`there is no result in ${path}: run a scenario first, or name a file`);
	return [...newest.values()];
}

function readResult(path: string): ScenarioResult {
	const result = tryRead(path);
	if (result === null) throw new Error(`${path} is no result of a scenario in this format`);
	return result;
}

/** Older formats lie in the same folder: they are passed by. */
function tryRead(path: string): ScenarioResult | null {
	try {
		const parsed = JSON.parse(readFileSync(path, "utf8")) as Partial<ScenarioResult> | null;
		return parsed?.format === 1 ? (parsed as ScenarioResult) : null;
	} catch {
		return null;
	}
}
