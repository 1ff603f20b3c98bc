/** A real Prometheus for one test, with our configuration in a hurry, and what can be asked of it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";
import { freePort, LOOPBACK } from "../../../engine/local/free-port.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { PROMETHEUS_FOLDER } from "./rule-files.ts";

export interface ActiveAlert {
	readonly labels: Readonly<Record<string, string>>;
	readonly annotations: Readonly<Record<string, string>>;
	readonly state: "pending" | "firing";
}

/** As Prometheus itself has read it. */
export interface LoadedRule {
	readonly type: "alerting" | "recording";
	readonly name: string;
	/** Of alerts: seconds. */
	readonly duration?: number;
	readonly labels?: Readonly<Record<string, string>>;
	readonly annotations?: Readonly<Record<string, string>>;
	/** `ok` once it was evaluated without an error. */
	readonly health: string;
	readonly lastError?: string;
}

export interface Prometheus {
	/** What is pending or firing now. */
	alerts(): Promise<readonly ActiveAlert[]>;
	rules(): Promise<readonly LoadedRule[]>;
	/** Labels and value of every series of an instant query. Rejects when Prometheus refuses the query. */
	query(
		expr: string,
	): Promise<readonly { readonly labels: Record<string, string>; readonly value: number }[]>;
	/** Labels and newest value of every series that had one in the last so many seconds, as a chart asks. */
	queryRange(
		expr: string,
		seconds: number,
	): Promise<readonly { readonly labels: Record<string, string>; readonly value: number }[]>;
}

/** Every second instead of every ten, so that a test sees in seconds what takes minutes in earnest. */
const HURRIED_INTERVAL = "1s";

/**
 * Starts it on a free port of 127.0.0.1 with its data in the test's folder; it ends with the test.
 * @param targets `host:port` of the engines
 * @param forSeconds what every alert's `for` is shortened to; null leaves the rules as they are
 */
export async function startPrometheus(
	t: Test,
	{ targets, forSeconds }: { targets: readonly string[]; forSeconds: number | null },
): Promise<Prometheus> {
	const folder = t.testdir({});
	cpSync(PROMETHEUS_FOLDER, folder, { recursive: true });
	rewrite(
		join(folder, "prometheus.yml"),
		/(scrape_interval|scrape_timeout|evaluation_interval): \w+/g,
		`$1: ${HURRIED_INTERVAL}`,
	);
	writeFileSync(join(folder, "targets", "engine.yml"), JSON.stringify([{ targets }]));
	if (forSeconds !== null) rewrite(join(folder, "alerts.rules.yml"), /^( +for:) \w+$/gm, `$1 ${forSeconds}s`);
	rewrite(join(folder, "recording.rules.yml"), /^( {4}interval:) \w+$/gm, `$1 ${HURRIED_INTERVAL}`);

	const port = await freePort();
	const server = spawn(
		"prometheus",
		[
			`--config.file=${join(folder, "prometheus.yml")}`,
			`--storage.tsdb.path=${join(folder, "data")}`,
			`--web.listen-address=${LOOPBACK}:${port}`,
			"--log.level=warn",
		],
		{ stdio: ["ignore", "ignore", "pipe"] },
	);
	let said = "";
	server.stderr.on("data", (chunk) => {
		said += chunk;
	});
	const gone = once(server, "close").catch((error: Error) => {
		said += `${error.message}: apt-get install -y --no-install-recommends prometheus`;
	});
	t.teardown(async () => {
		server.kill("SIGTERM");
		await gone;
		if (!t.passing()) t.comment(`Prometheus said:\n${said}`);
	});

	const url = `http://${LOOPBACK}:${port}`;
	const ask = async (path: string): Promise<unknown> => {
		const answer = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(20_000) });
		const body = (await answer.json()) as { status: string; data: unknown; error?: string };
		if (body.status !== "success") throw new Error(`Prometheus refuses ${path}: ${body.error}`);
		return body.data;
	};
	await waitUntil(
		async () => {
			if (server.exitCode !== null || server.pid === undefined) throw new Error(said);
			return (await fetch(`${url}/-/ready`)).ok;
		},
		{ what: "Prometheus" },
	);
	return {
		alerts: async () => ((await ask("/api/v1/alerts")) as { alerts: ActiveAlert[] }).alerts,
		rules: async () => {
			const { groups } = (await ask("/api/v1/rules")) as { groups: { rules: LoadedRule[] }[] };
			return groups.flatMap(({ rules }) => rules);
		},
		query: async (expr) => {
			const { result } = (await ask(`/api/v1/query?query=${encodeURIComponent(expr)}`)) as {
				result: { metric: Record<string, string>; value: [number, string] }[];
			};
			return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
		},
		queryRange: async (expr, seconds) => {
			const end = Date.now() / 1000;
			const range = `start=${end - seconds}&end=${end}&step=1`;
			const { result } = (await ask(`/api/v1/query_range?query=${encodeURIComponent(expr)}&${range}`)) as {
				result: { metric: Record<string, string>; values: [number, string][] }[];
			};
			return result.map(({ metric, values }) => ({ labels: metric, value: Number(values.at(-1)![1]) }));
		},
	};
}

/**
 * Names of the alerts about the engine that are active, or in this state; what is sold and paid out is the generated
 * stream's business.
 */
export async function engineAlerts(
	prometheus: Prometheus,
	state?: ActiveAlert["state"],
): Promise<readonly string[]> {
	const active = (await prometheus.alerts()).filter((one) => state === undefined || one.state === state);
	const names = active.map(({ labels }) => labels["alertname"] ?? "none");
	return [...new Set(names)].filter((name) => name.startsWith("Engine")).sort();
}

function rewrite(path: string, pattern: RegExp, replacement: string): void {
	const before = readFileSync(path, "utf8");
	if (before.search(pattern) < 0) throw new Error(`${path} has nothing like ${pattern}`);
	writeFileSync(path, before.replace(pattern, replacement));
}
