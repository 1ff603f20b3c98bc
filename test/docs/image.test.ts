/** Dockerfile and .dockerignore: what can be known of the image without building it. */
import { cpSync, existsSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import t, { type Test } from "tap";
import { VARIABLE_NAMES, VARIABLES } from "../../engine/config/variables.ts";
import { readMigrations } from "../../engine/sink/migration-files.ts";
import { reportNames } from "../../engine/sink/report.ts";
import { loadFiles } from "../../monitoring/http-files.ts";
import { packageRoot, packageVersion } from "../../schema/package-root.ts";
import { runNode } from "../support/command.ts";
import { readComposeFile } from "../support/compose-file.ts";
import { dockerIgnore } from "../support/docker-ignore.ts";
import { lastOf, readDockerfile } from "../support/dockerfile.ts";

const root = packageRoot();
const { globalArgs, stages } = readDockerfile(readFileSync(join(root, "Dockerfile"), "utf8"));
const image = stages.at(-1)!;
const isKeptOut = dockerIgnore(readFileSync(join(root, ".dockerignore"), "utf8"));
const fromContext = stages.flatMap(({ copies }) => copies.filter(({ from }) => from === null));

/** Where this very build lies, whatever its folder is called. */
const built = fileURLToPath(new URL("../../", import.meta.url));

/** Every file of a file or folder below the package, with slashes. */
function filesOf(path: string): string[] {
	if (statSync(join(root, path)).isFile()) return [path];
	return readdirSync(join(root, path), { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}

/** The last stage in a folder, made by its COPY lines: this build as that of the first stage, our node_modules as the second's. */
function assemble(t: Test): string {
	const app = t.testdir({});
	for (const { from, sources, target } of image.copies) {
		for (const source of sources) {
			const isFile = target.endsWith("/");
			const to = join(app, target, isFile ? source.split("/").at(-1)! : "");
			if (from === null) {
				for (const file of filesOf(source).filter((one) => !isKeptOut(one)))
					cpSync(join(root, file), isFile ? to : join(to, file.slice(source.length)));
			} else if (source === "/app/node_modules") symlinkSync(join(root, "node_modules"), to);
			else
				for (const part of ["engine", "monitoring", "producer", "schema", "workers"])
					cpSync(join(built, part), join(to, part), { recursive: true });
		}
	}
	return app;
}

t.test("all stages stand on one pinned release of Node, which the package allows", async (t) => {
	const version = globalArgs.get("NODE_VERSION") ?? "";
	t.match(version, /^\d+\.\d+\.\d+$/);
	for (const { base } of stages) t.equal(base, `node:${version}-bookworm-slim`);
	t.ok(stages.length >= 2);
	const { engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
	const [major, minor] = version.split(".").map(Number);
	const [oldest, oldestMinor] = /^>=(\d+)\.(\d+)$/.exec(engines.node)!.slice(1).map(Number);
	t.ok(major! > oldest! || (major === oldest && minor! >= oldestMinor!), `${version} is ${engines.node}`);
	t.equal(major! % 2, 0, "an even one is supported for years");
});

t.test("what is copied exists, and .dockerignore lets all of it through that is needed", async (t) => {
	for (const source of fromContext.flatMap(({ sources }) => sources)) {
		t.ok(existsSync(join(root, source)), `${source} is there`);
		t.notOk(isKeptOut(source), `${source} is let through`);
	}
	const lost = fromContext
		.flatMap(({ sources }) => sources.flatMap(filesOf))
		.filter((file) => isKeptOut(file) && /\.(ts|js|json|sql|jsonl|html|css|svg|xml)$/.test(file));
	t.same(
		lost.filter((file) => !/^monitoring\/(grafana|prometheus)\//.test(file)),
		[],
		"only what Prometheus and Grafana read is kept out",
	);
	for (const copy of stages.flatMap(({ copies }) => copies))
		if (copy.from !== null)
			t.ok(
				stages.some(({ name }) => name === copy.from),
				`there is a stage ${copy.from}`,
			);
});

t.test("nothing that lies about in a checkout gets into a build", async (t) => {
	const strangers = [
		".env",
		".git/config",
		".engine/postgres.password",
		"containers/secrets/postgres_password",
	];
	const leftovers = [
		"node_modules/pg/package.json",
		"dist/engine/main.js",
		"data/bad_events.log",
		"engine/x.log",
	];
	const nested = [
		"engine/.env.local",
		"monitoring/page/node_modules/x.js",
		"test/run.js",
		"perf/results/a.json",
	];
	for (const path of [...strangers, ...leftovers, ...nested]) t.ok(isKeptOut(path), path);
});

t.test("it runs without rights, is asked for its health, and gets signals itself", async (t) => {
	t.equal(lastOf(image, "USER"), "1000:1000", "a number: Kubernetes trusts no name");
	t.equal(lastOf(image, "EXPOSE"), VARIABLES.HTTP_PORT.defaultText);
	const environment = (lastOf(image, "ENV") ?? "").split(" ");
	t.ok(environment.includes("HTTP_HOST=0.0.0.0"), "reached from outside of the container");
	const names = environment.map((pair) => pair.split("=")[0]);
	t.same(
		names.filter((name) => name !== "NODE_ENV" && !VARIABLE_NAMES.some((one) => one === name)),
		[],
	);
	t.equal(lastOf(image, "ENTRYPOINT"), '["node", "engine"]', "no shell in between");
	t.equal(lastOf(image, "CMD"), '["start"]');
	t.equal(lastOf(image, "WORKDIR"), "/app");
	const script = "containers/healthcheck.js";
	t.match(lastOf(image, "HEALTHCHECK"), `CMD ["node", "${script}", "/livez"]`);
	t.same(readComposeFile().services["engine"]?.healthcheck?.test, ["CMD", "node", script, "/readyz"]);
});

t.test("it holds all that the program reads while it runs", async (t) => {
	const app = assemble(t);
	t.notOk(existsSync(join(app, "test")));
	const run = (...args: string[]) => runNode(args, { cwd: app, env: { HTTP_PORT: "1" } });
	const version = await run("engine", "--version");
	t.same(version, { code: 0, stdout: `${packageVersion()}\n`, stderr: "" });
	t.equal((await run("producer", "--version")).code, 0);
	t.match(await run("containers/healthcheck.js"), { code: 1, stderr: "/livez: connect ECONNREFUSED" });

	const load = (path: string) => import(pathToFileURL(join(app, "dist", path)).href);
	t.equal((await load("schema/package-root.js")).packageRoot(), app, "it takes nothing from the checkout");
	const { readMigrations: migrationsThere } = await load("engine/sink/migration-files.js");
	t.same(await migrationsThere(), await readMigrations());
	const { reportNames: reportsThere } = await load("engine/sink/report.js");
	t.same(await reportsThere(), await reportNames());
	const { loadFiles: pageThere } = await load("monitoring/http-files.js");
	t.same([...pageThere().byPath.keys()], [...loadFiles().byPath.keys()]);
	t.ok(existsSync(join(app, "data/events.jsonl")), "the sample of `produce` and `demo`");
});
