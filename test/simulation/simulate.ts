/**
 * `npm run simulate -- [--seeds 1000] [--seed N] [--jobs N] [--trace] [--keep-going]`: runs seeds from N (or from one
 * of its own choice) on. Ends with 1 at a seed that fails, telling the command that replays it. `--seed` alone runs that
 * one seed; `--trace` prints what happened in it. `--no-coverage`: do not ask whether every kind of fault was met.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { FAULT_KINDS, tooSeldom } from "./fault-kinds.ts";
import { every, replayOf, runSeeds, Totals } from "./many-seeds.ts";
import { installSimulation, runSeed, type SeedResult } from "./run-seed.ts";

const PROGRESS_MS = 5_000;

if (isMainThread) process.exitCode = await main();
else await work(workerData as Share);

/** What one thread runs. */
interface Share {
	readonly step: number;
	readonly first: number;
	readonly count: number;
}

async function work({ step, first, count }: Share): Promise<void> {
	await runSeeds(every(step, first, count), (result) => {
		parentPort!.postMessage(result);
		return true;
	});
}

async function main(): Promise<number> {
	const { values } = parseArgs({
		options: {
			seeds: { type: "string" },
			seed: { type: "string" },
			jobs: { type: "string" },
			trace: { type: "boolean", default: false },
			"keep-going": { type: "boolean", default: false },
			"no-coverage": { type: "boolean", default: false },
		},
	});
	const first = Number(values.seed ?? Date.now() % 2 ** 31);
	if (values.trace) return await trace(first);
	const seeds = Number(values.seeds ?? (values.seed === undefined ? 1_000 : 1));
	const jobs = Math.min(seeds, Number(values.jobs ?? availableParallelism()));
	if (![first, seeds, jobs].every(Number.isSafeInteger) || seeds < 1 || jobs < 1) {
		console.error("--seed, --seeds and --jobs take whole numbers, the last two from 1");
		return 2;
	}
	console.log(`${seeds} seeds from ${first} on, ${jobs} at a time`);
	const startedMs = performance.now();
	const totals = await inThreads(first, seeds, jobs, values["keep-going"], startedMs);
	const seconds = (performance.now() - startedMs) / 1_000;
	print(totals, seconds);
	const seldom = values["no-coverage"] || totals.failed.length > 0 ? [] : tooSeldom(totals.met, totals.seeds);
	for (const sentence of seldom) console.log(sentence);
	return totals.failed.length + seldom.length > 0 ? 1 : 0;
}

async function trace(seed: number): Promise<number> {
	installSimulation();
	const { problems } = await runSeed(seed, (line) => console.log(line));
	console.log(problems.length === 0 ? `seed ${seed} is fine` : `seed ${seed} failed`);
	return problems.length === 0 ? 0 : 1;
}

async function inThreads(
	first: number,
	seeds: number,
	jobs: number,
	goesOn: boolean,
	startedMs: number,
): Promise<Totals> {
	const totals = new Totals();
	let toldMs = startedMs;
	const threads: Worker[] = [];
	const one = (k: number) =>
		new Promise<void>((resolve, reject) => {
			const share: Share = { step: jobs, first: first + k, count: Math.ceil((seeds - k) / jobs) };
			const thread = new Worker(new URL(import.meta.url), { workerData: share });
			threads.push(thread);
			thread.on("message", (result: SeedResult) => {
				totals.add(result);
				if (result.problems.length > 0) {
					tell(result);
					if (!goesOn) for (const each of threads) void each.terminate();
				}
				if (performance.now() - toldMs < PROGRESS_MS) return;
				toldMs = performance.now();
				const perSecond = totals.seeds / ((toldMs - startedMs) / 1_000);
				console.log(
					`${totals.seeds} seeds, ${perSecond.toFixed(1)} a second, ${totals.failed.length} failed`,
				);
			});
			thread.on("error", reject);
			thread.on("exit", () => resolve());
		});
	await Promise.all(Array.from({ length: jobs }, (_, k) => one(k)));
	return totals;
}

function tell({ seed, problems }: SeedResult): void {
	console.log(`seed ${seed} failed; replay it with: ${replayOf(seed)}\n  ${problems.join("\n  ")}`);
}

function print({ seeds, steps, virtualMs, met, failed }: Totals, seconds: number): void {
	const width = Math.max(...Object.keys(FAULT_KINDS).map((kind) => kind.length));
	for (const kind of Object.keys(FAULT_KINDS)) {
		console.log(`${kind.padEnd(width)} ${String(met.get(kind) ?? 0).padStart(9)}`);
	}
	for (const [kind, times] of [...met].sort()) {
		if (!(kind in FAULT_KINDS)) console.log(`${kind.padEnd(width)} ${String(times).padStart(9)}  (no fault)`);
	}
	console.log(
		`${seeds} seeds, ${failed.length} failed, ${seconds.toFixed(1)} s (${(seeds / seconds).toFixed(1)} a second), ` +
			`${steps} events, ${(virtualMs / 3_600_000).toFixed(1)} h of virtual time`,
	);
}
