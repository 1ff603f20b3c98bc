import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import t from "tap";
import type { PerfEngine } from "../../../perf/support/engine.ts";
import type { Sample } from "../../../perf/support/result.ts";
import { startSampler } from "../../../perf/support/sampler.ts";

const NO_SERVERS = { postgres: null, kafka: null };

function engineAt(url: string, ended: () => string | null = () => null): PerfEngine {
	const nothing = async () => {};
	return {
		url,
		ended,
		pid: process.pid,
		logFile: "",
		startedAtMs: 0,
		stop: nothing,
		kill: nothing,
		freeze: () => {},
		thaw: () => {},
		logTail: () => "",
	};
}

async function metricsServer(t: { teardown(end: () => void): void }, text: () => string): Promise<string> {
	const server = createServer((_, response) => response.end(text()));
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	t.teardown(() => {
		server.closeAllConnections();
		server.close();
	});
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

t.test("samples hold what the engines say together, in the order of their time", async (t) => {
	let stored = 0;
	const url = await metricsServer(t, () => {
		stored += 10;
		return `events_received_total{status="success"} ${stored}\nevents_received_total{status="failure"} 1
engine_consumer_lag{partition="0"} 5\nengine_partition_paused{partition="0"} 1\n`;
	});
	let taken = 0;
	let enough = () => {};
	const three = new Promise<void>((resolve) => {
		enough = resolve;
	});
	const sampler = await startSampler(
		{
			engines: () => [engineAt(url), engineAt(url)],
			databaseUrl: null,
			sent: () => 77,
			intervalMs: 1,
			onSample: () => {
				if (++taken === 3) enough();
			},
		},
		NO_SERVERS,
	);
	await three;
	sampler.mark("something happened");
	const { samples, marks } = await sampler.stop();
	t.ok(samples.length >= 4, "the three, and one at the end");
	t.match(samples[0], { sent: 77, committed: null, engineCommitted: 32, engineLag: 10, paused: 2 });
	t.ok((samples[0]?.memoryBytes ?? 0) > 0 && (samples[0]?.cpuSeconds.engine ?? 0) > 0);
	t.equal(samples[0]?.cpuSeconds.postgres, null);
	const times = samples.map(({ atSeconds }) => atSeconds);
	t.strictSame(
		times,
		times.toSorted((a, b) => a - b),
	);
	t.match(marks, [{ text: "something happened" }]);
	t.strictSame(await sampler.stop(), { samples, marks }, "stopping twice is the same as once");
});

t.test("half a sum is none, and an engine that has ended does not count", async (t) => {
	const url = await metricsServer(t, () => "engine_consumer_lag 5\n");
	const take = async (engines: PerfEngine[]): Promise<Sample | undefined> => {
		const sampler = await startSampler({ engines: () => engines, databaseUrl: null }, NO_SERVERS);
		return (await sampler.stop()).samples.at(-1);
	};
	t.equal((await take([engineAt(url), engineAt("http://127.0.0.1:1")]))?.engineLag, null);
	t.equal((await take([engineAt(url), engineAt("http://127.0.0.1:1", () => "SIGKILL")]))?.engineLag, 5);
	t.match(await take([]), { engineLag: null, memoryBytes: null, cpuSeconds: { engine: null } });
});

t.test("a Postgres that is away leaves a gap in the samples", async (t) => {
	const sampler = await startSampler(
		{ engines: () => [], databaseUrl: "postgres://nobody@127.0.0.1:1/none" },
		NO_SERVERS,
	);
	t.equal((await sampler.stop()).samples.at(-1)?.committed, null);
});
