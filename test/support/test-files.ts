/** Which test files there are, counted in the source tree, so that one the build forgot is missed. */
import { readdirSync } from "node:fs";
import { join, relative, sep } from "node:path";

/** `perf` compares speed with the baseline: it runs alone. */
export type TestGroup = "unit" | "integration" | "perf";

export interface TestFile {
	/** Path of the source below the package, with slashes: `test/engine/ledger.test.ts`. */
	readonly source: string;
	readonly group: TestGroup;
}

/** What these hold needs the real Kafka and Postgres. */
const INTEGRATION_FOLDERS = [
	"test/integration/",
	"test/promises/",
	"test/faults/",
	"test/contract/",
	"test/chaos/",
];

/** What measures, and must not be disturbed. */
const PERF_FOLDER = "test/perf/baseline/";

export function listTestFiles(packageRoot: string): readonly TestFile[] {
	return readdirSync(join(packageRoot, "test"), { recursive: true, encoding: "utf8" })
		.map((path) => `test/${path.split(sep).join("/")}`)
		.filter((path) => path.endsWith(".test.ts"))
		.sort()
		.map((source) => ({ source, group: groupOf(source) }));
}

export function groupOf(source: string): TestGroup {
	if (source.startsWith(PERF_FOLDER)) return "perf";
	return INTEGRATION_FOLDERS.some((folder) => source.startsWith(folder)) ? "integration" : "unit";
}

/**
 * The source a person means: its path, or that of its compiled file, from any folder.
 * @param built the folder tsc wrote to, absolute
 */
export function sourceNamed(
	argument: string,
	workingFolder: string,
	packageRoot: string,
	built: string,
): string {
	const path = join(argument.startsWith(sep) ? "" : workingFolder, argument);
	const fromBuilt = relative(built, path);
	const source = fromBuilt.startsWith("..") ? relative(packageRoot, path) : fromBuilt;
	return source
		.split(sep)
		.join("/")
		.replace(/\.test\.js$/, ".test.ts");
}

/** Where tsc puts it. */
export function compiledPath(source: string, built: string): string {
	return join(built, source.replace(/\.ts$/, ".js"));
}
