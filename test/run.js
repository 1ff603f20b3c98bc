/**
 * Runs the tests: `node test/run.js [--unit] [--integration] [--perf] [--preflight] [--serve] [--dist FOLDER] [files...]`, after
 * the build. One embedded Kafka and one Postgres serve all files of a group that need them; what measures (`--perf`) runs
 * last, alone, on fresh ones. The last line is `N passed, N failed`: N counts the tests at the top of each file, and a
 * file that breaks or is missing counts as one failure.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** Per file; tap's own default of 30 s is too short for a file that kills brokers. */
const FILE_TIMEOUT_S = 600;
const JOBS = { unit: 2, integration: 2, perf: 1 };
/** In this order. A measurement would suffer from neighbours, and from servers that are still cleaning up after others. */
const GROUPS = /** @type {const} */ (["unit", "integration", "perf"]);
/** What must not leak from the shell into the tests: they would write into somebody's database. */
const OUTSIDE_SETTINGS =
	/^(PG[A-Z]+|KAFKA_.*|DATABASE_URL|POSTGRES_.*|BOOTSTRAP_SERVERS|ENGINE_.*|NODE_OPTIONS|TAP.*)$/;

const { values: options, positionals } = parseArgs({
	allowPositionals: true,
	options: {
		unit: { type: "boolean" },
		integration: { type: "boolean" },
		perf: { type: "boolean" },
		preflight: { type: "boolean" },
		serve: { type: "boolean" },
		dist: { type: "string", default: "dist" },
	},
});
const built = resolve(root, options.dist);
const home = resolve(root, process.env.ENGINE_TEST_HOME || ".engine-test");
const say = (line) => console.error(`# ${line}`);
const compiled = (path) => import(pathToFileURL(join(built, path)).href);

/** Something to tell the person who ran this, rather than a bug. */
class Refusal extends Error {}

/** @type {AbortController} its reason is the signal that interrupted us */
const interruption = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => interruption.abort(signal));

process.exitCode = await main().catch((error) => {
	console.error(
		error.nextStep
			? `${error.message}\n  ${error.nextStep}`
			: error instanceof Refusal
				? error.message
				: error,
	);
	console.log("0 passed, 1 failed");
	return 1;
});

async function main() {
	if (options.preflight) {
		const checks = [await preflight(), toolsPreflight()];
		return checks.every((isFine) => isFine) ? 0 : 1;
	}
	if (options.serve) return serve();
	if (!existsSync(built)) throw new Refusal(`there is no ${built}: run \`npm run build\` first`);
	const files = await chooseFiles();
	const needsParts = files.some(({ group }) => group !== "unit");
	if (needsParts && !(await preflight()))
		throw new Refusal("the integration tests cannot run; `npm run test:unit` runs the others");
	const results = [];
	for (const group of GROUPS) {
		const chosen = files.filter((file) => file.group === group).map(({ source }) => source);
		if (chosen.length === 0 || interruption.signal.aborted) continue;
		results.push(
			...(group === "unit"
				? await runTap(group, chosen, {})
				: await withParts((env) => runTap(group, chosen, env))),
		);
	}
	return summarise(files, results);
}

/** Everything, unless a flag or names narrow it. */
async function chooseFiles() {
	const { listTestFiles, sourceNamed } = await compiled("test/support/test-files.js");
	const all = listTestFiles(root);
	if (positionals.length > 0) {
		return positionals.map((argument) => {
			const source = sourceNamed(argument, process.cwd(), root, built);
			const file = all.find((one) => one.source === source);
			if (file === undefined) throw new Refusal(`there is no test file ${source}`);
			return file;
		});
	}
	const everything = GROUPS.every((group) => !options[group]);
	return all.filter(({ group }) => everything || options[group]);
}

/** Whether the machine has what the embedded parts need. Works before the build, hence the detour. */
async function preflight() {
	const check = existsSync(join(built, "engine/local/prerequisites.js"))
		? await compiled("engine/local/prerequisites.js")
		: await transpiled(join(root, "engine/local/prerequisites.ts"));
	const { missing, installCommand } = check.checkPrerequisites();
	if (missing.length === 0) return true;
	console.error(
		`the tests need ${missing.join(" and ")} for the embedded Kafka; install with:\n  ${installCommand}`,
	);
	return false;
}

/** Whether the tests of the model, the alerts and the page have what they need; else they would fail only after minutes of others. */
function toolsPreflight() {
	const isThere = (program, argument) => spawnSync(program, [argument], { stdio: "ignore" }).status === 0;
	const missing = [];
	if (!isThere("spin", "-V") || !isThere("gcc", "--version"))
		missing.push({ what: "Spin and a C compiler for the model", packages: "spin gcc libc6-dev" });
	if (!isThere("promtool", "--version") || !isThere("prometheus", "--version"))
		missing.push({ what: "Prometheus for the alerts", packages: "prometheus" });
	if (!isThere(process.env.CHROMIUM_PATH || "chromium", "--version"))
		missing.push({ what: "Chromium for the live page", packages: "chromium" });
	if (missing.length === 0) return true;
	const what = missing.map((one) => one.what).join(", and ");
	const packages = missing.map((one) => one.packages).join(" ");
	const sudo = process.getuid?.() === 0 ? "" : "sudo ";
	console.error(`the tests need ${what}; install with:\n  ${sudo}apt-get install -y ${packages}`);
	return false;
}

/** The file imports nothing of ours, so it can run on its own. */
async function transpiled(path) {
	const { default: typescript } = await import("typescript");
	const { outputText } = typescript.transpileModule(readFileSync(path, "utf8"), {
		compilerOptions: { module: typescript.ModuleKind.ESNext, target: typescript.ScriptTarget.ES2023 },
	});
	return import(`data:text/javascript,${encodeURIComponent(outputText)}`);
}

/** Starts both parts in an empty home, hands their addresses over as environment, and stops them whatever happens. */
async function withParts(work) {
	const [{ startKafka }, { startPostgres }, { wipeHome }] = await Promise.all(
		["kafka", "postgres", "wipe-home"].map((name) => compiled(`engine/local/${name}.js`)),
	);
	await wipeHome(home, say);
	const log = { info: say, warn: say };
	let cleanUp = async () => {};
	const starting = await Promise.allSettled([startKafka({ home, log }), startPostgres({ home, log })]);
	try {
		const failure = starting.find(({ status }) => status === "rejected");
		if (failure !== undefined) throw failure.reason;
		const [kafka, postgres] = starting.map(({ value }) => value);
		say(`Kafka ${kafka.brokers}, Postgres ${postgres.host}:${postgres.port}, logs in ${home}`);
		const outcome = await work({
			KAFKA_BROKERS: kafka.brokers.join(","),
			PGHOST: postgres.host,
			PGPORT: String(postgres.port),
			PGUSER: postgres.user,
			PGPASSWORD: postgres.password,
			PGDATABASE: postgres.database,
		});
		// Of a run that went well nobody reads the logs.
		if (isFine(outcome)) cleanUp = () => wipeHome(home, say);
		return outcome;
	} finally {
		await Promise.all(starting.map(({ value }) => value?.stop()));
		await cleanUp();
	}
}

function isFine(results) {
	return results.every(({ failed, skipped }) => failed === 0 && skipped.length === 0);
}

/** Keeps the parts up for files run by hand (`node dist/test/....test.js`), which then find them by environment. */
async function serve() {
	await withParts(async (env) => {
		for (const [name, value] of Object.entries(env)) console.log(`export ${name}='${value}'`);
		say("they run until Ctrl-C");
		// A listener for the signal alone does not keep Node running.
		const alive = setInterval(() => {}, 60_000);
		if (!interruption.signal.aborted) await once(interruption.signal, "abort");
		clearInterval(alive);
		return [];
	});
	return 0;
}

/** @returns {Promise<import("./support/tap-stream.ts").FileResult[]>} */
async function runTap(group, sources, partsEnv) {
	const [{ TapStream }, { compiledPath }] = await Promise.all([
		compiled("test/support/tap-stream.js"),
		compiled("test/support/test-files.js"),
	]);
	const present = sources.map((source) => compiledPath(source, built)).filter((path) => existsSync(path));
	if (present.length === 0) return [];
	const results = [];
	const stream = new TapStream((result) => {
		results.push(result);
		const fine = isFine([result]);
		console.log(
			`${fine ? "ok  " : "FAIL"} ${result.file} (${result.passed} passed${result.failed > 0 ? `, ${result.failed} failed` : ""})`,
		);
		if (!fine) console.log(result.lines.join("\n"));
	});
	const child = spawn(
		process.execPath,
		[
			tapProgram(),
			"run",
			"--disable-coverage",
			"--reporter=tap",
			`--timeout=${FILE_TIMEOUT_S}`,
			`--jobs=${JOBS[group]}`,
			...present,
		],
		{
			cwd: root,
			env: { ...insideEnvironment(), ...partsEnv },
			stdio: ["ignore", "pipe", "inherit"],
		},
	);
	interruption.signal.addEventListener("abort", () => child.kill("SIGTERM"));
	createInterface({ input: child.stdout }).on("line", (line) => stream.line(line));
	const [code, signal] = await once(child, "close");
	stream.end();
	// tap may fail for a reason of its own, which no file shows.
	if (code !== 0 && results.every(({ failed }) => failed === 0))
		results.push({ file: `tap, ended with ${signal ?? code}`, passed: 0, failed: 1, skipped: [], lines: [] });
	return results;
}

function tapProgram() {
	const manifest = createRequire(import.meta.url).resolve("tap/package.json");
	return join(dirname(manifest), JSON.parse(readFileSync(manifest, "utf8")).bin.tap);
}

function insideEnvironment() {
	return Object.fromEntries(Object.entries(process.env).filter(([name]) => !OUTSIDE_SETTINGS.test(name)));
}

/** Prints what was wrong and the last line. @returns the exit code */
async function summarise(files, results) {
	const [{ compiledPath }, { digest }] = await Promise.all([
		compiled("test/support/test-files.js"),
		compiled("test/support/tap-stream.js"),
	]);
	const reported = new Set(results.map(({ file }) => resolve(root, file)));
	const missing = files
		.map(({ source }) => source)
		.filter((source) => !reported.has(compiledPath(source, built)));
	const skipped = results.flatMap(({ file, skipped }) => skipped.map((name) => `${file}: ${name}`));
	const sum = (pick) => results.reduce((total, result) => total + pick(result), 0);
	const failed = sum((result) => result.failed) + missing.length + skipped.length;
	console.log("");
	for (const result of results) if (result.failed > 0) console.log(digest(result).join("\n"));
	for (const source of missing)
		console.log(`did not run: ${source}${existsSync(compiledPath(source, built)) ? "" : " (not built)"}`);
	for (const name of skipped) console.log(`skipped, which counts as failed: ${name}`);
	if (interruption.signal.aborted) console.log(`interrupted by ${interruption.signal.reason}`);
	const ran = (group) =>
		files.filter((file) => file.group === group && !missing.includes(file.source)).length;
	const all = (group) => files.filter((file) => file.group === group).length;
	console.log(`files: ${GROUPS.map((group) => `${ran(group)} of ${all(group)} ${group}`).join(", ")}`);
	const passed = sum((result) => result.passed);
	console.log(`${passed} passed, ${failed} failed`);
	return failed === 0 && passed > 0 && !interruption.signal.aborted ? 0 : 1;
}
