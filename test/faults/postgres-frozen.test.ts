/**
 * A Postgres that does not say no, but nothing: backends frozen in a flush and in a claim, a COMMIT whose answer comes
 * late or never. Each waits for a deadline of half a minute, side by side.
 */
import type { Test } from "tap";
import t from "tap";
import type { EngineProcess } from "../support/engine-process.ts";
import { type FaultSetting, setTheStage } from "../support/fault-setting.ts";
import { type FaultWatch, watchFaults } from "../support/fault-watch.ts";
import { holdStep, prepareHolds, type Step } from "../support/hold-step.ts";
import { startProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Longest time for one step of a transaction (engine/sink/writer.ts). */
const STEP_DEADLINE_MS = 30_000;
/** What `/readyz` says of a flush that takes long (engine/status.ts). */
const SLOW_FLUSH = /a flush has not ended for \d+ s/;
/** Until a recovery after a deadline is through on a busy machine. */
const PATIENCE = { deadlineMs: STEP_DEADLINE_MS * 4 };

t.jobs = 4;

interface Scene extends FaultSetting {
	readonly engine: EngineProcess;
	readonly watch: FaultWatch;
	readonly proxy: TcpProxy;
	end(): Promise<void>;
}

async function openScene(t: Test): Promise<Scene> {
	const stage = await setTheStage(t, { partitions: 2, perSecond: 100 });
	await prepareHolds(stage.client);
	const { settings } = stage.database;
	const proxy = await startProxy(t, settings.port);
	const engine = await stage.start({
		env: { ACTORS: "1" },
		database: { settings: { ...settings, port: proxy.port } },
	});
	await engine.ready();
	await waitUntil(async () => (await engine.status()).flush.commits > 0, { what: "its first commit" });
	const watch = watchFaults(t, engine, stage.database);
	const end = async (): Promise<void> => {
		await stage.expectExact();
		await watch.expectWell();
		t.same(await engine.stop(), { code: 0, signal: null }, "the process is the one that was started");
	};
	return { ...stage, engine, watch, proxy, end };
}

/** The backend that stands at the step, stopped as by a debugger or a hung disk. Continued at the end, whatever happens. */
async function freezeAt(t: Test, { client, engine }: Scene, step: Step): Promise<() => void> {
	const held = await holdStep(client, step, engine.pid);
	await held.reached();
	const lane = step === "claim" ? "claimer" : "writer";
	const { rows } = await client.query<{ pid: number }>(
		`SELECT pid FROM pg_stat_activity
		WHERE datname = current_database() AND application_name LIKE 'lottery-engine ' || $1 || ' %'`,
		[lane],
	);
	const pid = rows[0]!.pid;
	process.kill(pid, "SIGSTOP");
	let isFrozen = true;
	const thaw = (): void => {
		if (isFrozen) process.kill(pid, "SIGCONT");
		isFrozen = false;
	};
	t.teardown(thaw);
	await held.release();
	return thaw;
}

t.test("a backend that freezes in a flush is given up, and its locks are waited for", async (t) => {
	const scene = await openScene(t);
	await scene.watch.recoversFrom(
		"a frozen backend",
		async () => {
			const thaw = await freezeAt(t, scene, "users");
			await waitUntil(
				async () => {
					const { status, body } = await scene.engine.get("/readyz");
					return status === 503 && SLOW_FLUSH.test(body);
				},
				{ what: "readiness that tells of the flush", ...PATIENCE },
			);
			t.notOk(scene.engine.log.some(isDeadline("users")), "before anything was given up");
			await waitUntil(() => scene.engine.log.some(isDeadline("users")), {
				what: "the deadline of the step",
				...PATIENCE,
			});
			const { status } = await scene.engine.get("/readyz");
			t.equal(status, 503, "not ready while its locks are held");
			thaw();
		},
		{ reason: "flush_failed", says: /did not finish "users" within 30000 ms/, times: { atLeast: 1 } },
		PATIENCE,
	);
	await scene.end();
});

t.test("a backend that freezes in a claim is given up, and claimed anew", async (t) => {
	const scene = await openScene(t);
	const { lines } = await scene.watch.recoversFrom(
		"a frozen claim",
		async () => {
			const writer = await holdStep(scene.client, "users", scene.engine.pid);
			await writer.reached();
			const frozen = freezeAt(t, scene, "claim");
			await scene.client.query(
				`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE datname = current_database() AND application_name LIKE 'lottery-engine writer %'`,
			);
			await writer.release();
			const thaw = await frozen;
			await waitUntil(() => scene.engine.log.some(isDeadline("claim")), {
				what: "the deadline of the claim",
				...PATIENCE,
			});
			thaw();
		},
		{ reason: "flush_failed", says: /terminating connection/, times: { atLeast: 2 } },
		PATIENCE,
	);
	t.match(lines[1], { reason: "claim_failed", msg: /did not finish "claim" within 30000 ms/ });
	await scene.end();
});

const isDeadline = (step: string) => (line: { readonly msg: string }) =>
	line.msg.startsWith(`Postgres did not finish "${step}"`);

t.test("a COMMIT that was done and never answered counts once", async (t) => {
	const scene = await openScene(t);
	const { client, proxy, watch } = scene;
	await watch.recoversFrom(
		"a COMMIT without an answer",
		async () => {
			const { rows } = await client.query("SELECT sum(next_offset) AS counted FROM source_offsets");
			let isHeld = false;
			proxy.onRequest = onFirstCommit(() => {
				isHeld = true;
			});
			await waitUntil(() => isHeld, { what: "a COMMIT" });
			await waitUntil(async () => {
				const now = await client.query("SELECT sum(next_offset) AS counted FROM source_offsets");
				return now.rows[0].counted !== rows[0].counted;
			});
		},
		{ reason: "flush_failed", says: /did not finish "COMMIT" within 30000 ms/ },
		PATIENCE,
	);
	await scene.end();
});

t.test("a COMMIT whose answer is five seconds late is waited for", async (t) => {
	const scene = await openScene(t);
	const { proxy, watch, engine } = scene;
	const waitForIt = async (): Promise<void> => {
		const { commits } = (await engine.status()).flush;
		let isHeld = false;
		proxy.onRequest = onFirstCommit(() => {
			isHeld = true;
			setTimeout(() => proxy.thaw(), LATE_MS);
		});
		await waitUntil(async () => isHeld && (await engine.status()).flush.commits > commits);
	};
	await watch.staysWell("a late answer", waitForIt, SLOW_FLUSH);
	t.ok((await longestCommitMs(engine)) >= LATE_MS, "it really was that late");
	await scene.end();
});

const LATE_MS = 5_000;

/**
 * Keeps back all answers to the first COMMIT of a flush: on its connection it follows the hours, the last statement before
 * it. (Who makes days commits too, on a connection of its own.)
 */
function onFirstCommit(act: () => void): TcpProxy["onRequest"] {
	let writer: object | null = null;
	let isOver = false;
	return (chunk, connection) => {
		if (chunk.includes("add_to_hours")) writer ??= connection;
		if (isOver || connection !== writer || !chunk.includes("COMMIT\0")) return "pass";
		isOver = true;
		act();
		return "hold";
	};
}

async function longestCommitMs(engine: EngineProcess): Promise<number> {
	const phases = (await engine.metrics()).get("engine_flush_seconds");
	const sum = phases?.samples.find(
		({ name, labels }) => name.endsWith("_sum") && labels["phase"] === "commit",
	);
	return (sum?.value ?? 0) * 1000;
}
