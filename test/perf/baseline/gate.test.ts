/** A short drain and a short steady load, compared by ratios with the checked-in baseline. Runs alone, last. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import t from "tap";
import { BASELINE_SCENARIOS, readBaseline, TOLERANCE } from "../../../perf/support/baseline.ts";
import { type Comparable, compare } from "../../../perf/support/compare.ts";
import { comparisonTable } from "../../../perf/support/comparison-table.ts";
import type { ScenarioResult } from "../../../perf/support/result.ts";
import { environmentFor } from "../../support/parts.ts";

/** What falls once or twice may have met a neighbour; what falls three times has fallen. */
const TRIES = 3;
const MAIN = new URL("../../../perf/main.js", import.meta.url).href;

for (const scenario of BASELINE_SCENARIOS) {
	t.test(`${scenario} is not slower against its denominators than the baseline allows`, async (t) => {
		const before = readBaseline().find((result) => result.scenario === scenario);
		if (before === undefined)
			throw new Error(`perf/baseline.json has no ${scenario}: run "node perf baseline"`);
		t.ok(
			before.ratios.some(({ better }) => better !== null),
			"there is a ratio to hold",
		);
		let fallen: readonly string[] = [];
		for (let number = 1; number <= TRIES; number++) {
			const comparison = compare(before, await measure(scenario), TOLERANCE);
			t.comment(comparisonTable(comparison, ["baseline", `try ${number}`]));
			fallen = comparison.fallen;
			if (fallen.length === 0) break;
		}
		t.strictSame(fallen, [], "no ratio has fallen");
	});
}

/** `node perf <scenario> --quick --json`, of the same build as this file. */
async function measure(scenario: string): Promise<Comparable> {
	const script = `import(${JSON.stringify(MAIN)}).then(async (m) => process.exit(await m.runPerf(process.argv.slice(1))))`;
	const { PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE, KAFKA_BROKERS } = process.env;
	if (!PGHOST || !KAFKA_BROKERS)
		throw new Error("PGHOST and KAFKA_BROKERS are not set: run this through `npm test`");
	const databaseUrl = `postgres://${PGUSER}:${encodeURIComponent(PGPASSWORD ?? "")}@${PGHOST}:${PGPORT}/${PGDATABASE}`;
	const child = spawn(process.execPath, ["-e", script, "--", scenario, "--quick", "--json"], {
		env: environmentFor({ KAFKA_BROKERS, DATABASE_URL: databaseUrl }),
		stdio: ["ignore", "pipe", "pipe"],
	});
	const output = { stdout: "", stderr: "" };
	for (const name of ["stdout", "stderr"] as const)
		child[name].setEncoding("utf8").on("data", (chunk: string) => {
			output[name] += chunk;
		});
	const [code] = await once(child, "close");
	if (code !== 0) throw new Error(`perf ${scenario} ended with ${code}:\n${output.stderr}`);
	return JSON.parse(output.stdout) as ScenarioResult;
}
