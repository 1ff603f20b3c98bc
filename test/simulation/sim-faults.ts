/** What is done to engines, the group, Postgres and the topic from outside: once per step, mostly nothing. */
import type { SimServer } from "./pg-server.ts";
import type { Outcome } from "./pg-session.ts";
import { ERASE } from "./pg-statements.ts";
import { ACTORS, SimEngine, type Surroundings } from "./sim-engine.ts";
import type { World } from "./world.ts";

const FREEZE_MS_MAX = 8_000;
const RESTART_MS_MAX = 2_500;
/** An engine that takes longer to stop is killed, as its operator would. */
const STOP_MS_MAX = 30_000;

/** The engines there are, one after the other in each place. */
export class Fleet {
	/** Bad input is let pass from now on. */
	#tolerant = false;
	readonly #around: Surroundings;
	readonly #places: { engine: SimEngine | null; starts: number; stopping: boolean }[];

	constructor(around: Surroundings, count: number) {
		this.#around = around;
		this.#places = Array.from({ length: count }, () => ({ engine: null, starts: 0, stopping: false }));
		for (const [place] of this.#places.entries()) this.#start(place);
	}

	get engines(): SimEngine[] {
		return this.#places.flatMap(({ engine }) => engine ?? []);
	}

	/** What ended by itself is started again, by an operator who has seen why. */
	attend(): void {
		for (const [place, { engine }] of this.#places.entries()) {
			if (engine?.isFlooded !== true) continue;
			this.#tolerant = true;
			engine.kill();
			this.#restart(place);
		}
	}

	/** Every process is there and awake. */
	get whole(): boolean {
		return this.#places.every(({ engine, stopping }) => engine !== null && !stopping && !engine.host.frozen);
	}

	/** As kill -9; somebody starts it again. */
	crash(engine: SimEngine): void {
		const place = this.#placeOf(engine);
		if (place < 0) return;
		this.#around.world.note("engine crashed");
		engine.kill();
		this.#restart(place);
	}

	/** As SIGTERM; somebody starts it again. */
	stop(engine: SimEngine): void {
		const place = this.#placeOf(engine);
		if (place < 0 || this.#places[place]!.stopping || engine.isFlooded) return;
		const { world } = this.#around;
		this.#places[place]!.stopping = true;
		world.note("engine stopped");
		const late = world.after(STOP_MS_MAX, () => {
			if (this.#placeOf(engine) !== place) return;
			world.note("engine did not stop in time");
			engine.kill();
			this.#restart(place);
		});
		engine.host.after(0, () => {
			void engine.stop().then(() => {
				late.cancel();
				engine.host.after(0, () => {
					if (this.#placeOf(engine) !== place) return;
					engine.kill();
					this.#restart(place);
				});
			});
		});
	}

	#placeOf(engine: SimEngine): number {
		return this.#places.findIndex((place) => place.engine === engine);
	}

	#restart(place: number): void {
		this.#places[place]!.engine = null;
		const { world } = this.#around;
		world.after(50 + world.random.float() * RESTART_MS_MAX, () => this.#start(place));
	}

	#start(place: number): void {
		const at = this.#places[place]!;
		at.stopping = false;
		at.starts++;
		at.engine = new SimEngine(`${"ABC"[place]}${at.starts}`, this.#around, this.#tolerant);
	}
}

/** One step's injuries. */
export function injure(fleet: Fleet, { world, topic, group, server }: Surroundings): void {
	const { random } = world;
	const { engines } = fleet;
	if (engines.length === 0) return;
	const engine = random.pick(engines);
	const { actors, host, source } = engine;
	const partition = random.below(topic.count);
	if (world.fault("rebalance", 0.02)) group.rebalance();
	if (random.chance(0.01) && world.fault("actor lost", 0.6)) actors.kill(random.below(ACTORS));
	if (random.chance(0.01) && world.fault("actor silent", 0.4)) actors.hang(random.below(ACTORS));
	if (world.fault("thrown out of the group", 0.008)) group.leave(source);
	if (world.fault("consumer crashed", 0.004)) host.after(0, () => void source.rebuild());
	if (world.fault("process froze", 0.008)) host.freeze(random.float() * FREEZE_MS_MAX);
	if (world.fault("engine killed", 0.005)) fleet.crash(engine);
	if (world.fault("engine told to stop", 0.005)) fleet.stop(engine);
	if (world.fault("Postgres restarted", 0.003)) server.restart(false);
	if (world.fault("Postgres restored", 0.002)) server.restart(true);
	if (random.chance(0.02)) server.backup();
	if (world.fault("erase", 0.006)) erase(world, server);
	if (world.fault("backend killed", 0.004)) endOne(world, server);
	if (world.fault("log trimmed", 0.005)) {
		topic.trim(partition, server.tables.rows.get(partition)?.next_offset ?? 0);
	}
	if (world.fault("log trimmed too far", 0.0003)) {
		topic.trim(partition, random.below(topic.end(partition) + 1));
	}
	if (topic.recreated.size === 0 && world.fault("topic recreated", 0.0005)) {
		topic.recreate(partition);
		group.rebalance(partition);
		world.after(2_500, () => group.rebalance());
	}
	if (topic.count < topic.logs.length && random.chance(0.02)) {
		world.note("partition added");
		topic.count++;
		group.rebalance();
	}
}

function endOne(world: World, server: SimServer): void {
	const backends = [...server.backends];
	if (backends.length > 0) server.end(world.random.pick(backends), null);
}

/** Somebody runs the command beside the engines. */
function erase(world: World, server: SimServer): void {
	const backend = server.accept({ ended() {} }, { frozenUntilMs: 0 });
	if (backend === null) return;
	const run = (text: string, values: unknown[] = []): Promise<void> =>
		new Promise((resolve) => {
			const answer = (outcome: Outcome) => {
				if ("error" in outcome) server.end(backend, null);
				else resolve();
			};
			void server.run(backend, { text, values, copied: null }, answer);
		});
	void (async () => {
		await run("BEGIN");
		await run(ERASE, [`u${world.random.below(6)}`]);
		await run("COMMIT");
		world.note("user erased");
		server.end(backend, null);
	})();
}
