/**
 * Postgres as far as the protocol leans on it: backends, transactions, row locks and who waits for whom, all or nothing,
 * and every way in which a statement, or its answer, can get lost. What the statements do is in pg-statements.ts.
 */
import {
	Backend,
	type ClientEnd,
	type Outcome,
	type Process,
	type Server,
	ServerError,
	type Statement,
} from "./pg-session.ts";
import { execute } from "./pg-statements.ts";
import { Staged, Tables } from "./pg-tables.ts";
import type { SimTopic } from "./sim-topic.ts";
import type { World } from "./world.ts";

/** The backend is gone: nobody is to hear of what it did. */
class Gone extends Error {}

const isEngine = (applicationName: string): boolean => applicationName.startsWith("lottery-engine");

/** Refusals that pass: serialization, disk full, cancelled, read-only, out of memory, lock not available. */
const PASSING = ["40001", "53100", "57014", "25006", "53200", "55P03"];
/** How soon a busy backend looks whether its client is still there. */
const CONNECTION_CHECK_MS = 5_000;
/** A frozen engine's locks are freed after 5 s, looked at every second; some of those looks may fail as well. */
const LOCK_WAIT_MS_MAX = 12_000;
/** How often a backend is interrupted before it takes a lock, and for how long: an offset row's, or one of many keys'. */
const PAUSES = { row: { share: 0.3, msMax: 20 }, key: { share: 0.03, msMax: 8 } };
/** A server with other work: transactions overlap so much that their order of locks is all that keeps them apart. */
const PAUSES_WHEN_BUSY = { row: { share: 0.9, msMax: 80 }, key: { share: 0.5, msMax: 10 } };
const BUSY_SHARE = 0.2;
/** Until bytes that nobody acknowledges end the session. */
const TCP_USER_TIMEOUT_MS = 15_000;

export class SimServer implements Server {
	readonly world: World;
	readonly topic: SimTopic;
	tables = new Tables();
	readonly backends = new Set<Backend>();
	readonly refusedOnce = new Set<number>();
	/** Told of the process that has raised an epoch, and when its transaction began. */
	onClaimed: (process: Process, beganMs: number) => void = () => {};
	readonly #isBusy: boolean;
	#backup: Tables | null = null;
	#upAtMs = 0;
	#nextPid = 1;
	readonly #locks = new Map<string, { owner: Backend; readonly waiting: Backend[] }>();

	constructor(world: World, topic: SimTopic) {
		this.world = world;
		this.topic = topic;
		this.#isBusy = world.random.chance(BUSY_SHARE);
	}

	/** Null while the server is down or full. */
	accept(client: ClientEnd, process: Process): Backend | null {
		if (this.world.nowMs < this.#upAtMs || this.world.fault("too many connections", 0.02)) return null;
		const backend = new Backend(this.#nextPid++, client, process);
		this.backends.add(backend);
		return backend;
	}

	/** One statement at a time; `answer` is called at most once, when the server has sent the answer. */
	async run(backend: Backend, statement: Statement, answer: (outcome: Outcome) => void): Promise<void> {
		if (backend.isDead) return;
		backend.state = "statement";
		try {
			const outcome = await this.#outcome(backend, statement);
			backend.state = "client";
			answer(outcome);
			if (backend.clientGone) this.end(backend, null);
		} catch (error) {
			if (error instanceof Gone) return;
			this.world.problem(`the simulated Postgres: ${(error as Error).stack}`);
		}
	}

	async #outcome(backend: Backend, statement: Statement): Promise<Outcome> {
		const { world } = this;
		const isSlow = world.fault("slow statement", 0.003);
		await world.delay(isSlow ? 4_000 : 4);
		this.#mustLive(backend);
		try {
			if (world.fault("backend terminated", 0.002)) {
				this.end(
					backend,
					new ServerError("57P01", "terminating connection due to administrator command", "FATAL"),
				);
				throw new Gone();
			}
			if (backend.txn?.failed && !/^(COMMIT|ROLLBACK)/.test(statement.text)) {
				throw new ServerError("25P02", "current transaction is aborted");
			}
			if (world.fault("statement refused", 0.003)) {
				throw new ServerError(world.random.pick(PASSING), `refused for now: ${statement.text.slice(0, 30)}`);
			}
			const result = await execute(this, backend, statement);
			this.#mustLive(backend);
			return { result };
		} catch (error) {
			if (!(error instanceof ServerError)) throw error;
			this.#abort(backend);
			return { error };
		}
	}

	/** Waits for a row lock, in turn. A cycle of waiting backends is a deadlock, which the lock order must make impossible. */
	async lock(backend: Backend, key: string): Promise<void> {
		this.#mustLive(backend);
		// Somebody else may come in between two locks of one statement: only then can their order matter.
		const pauses = this.#isBusy ? PAUSES_WHEN_BUSY : PAUSES;
		const { share, msMax } = key.startsWith("row:") ? pauses.row : pauses.key;
		if (this.world.random.chance(share)) {
			await this.world.delay(msMax);
			this.#mustLive(backend);
		}
		const held = this.#locks.get(key);
		if (held === undefined) {
			this.#locks.set(key, { owner: backend, waiting: [] });
			return;
		}
		if (held.owner === backend) return;
		if (this.#waitsFor(held.owner, backend)) {
			this.world.problem(
				`deadlock: backend ${backend.pid} (${backend.applicationName}) waits for ${key} in a circle`,
			);
			throw new ServerError("40P01", "deadlock detected");
		}
		this.world.note("waited for a lock");
		held.waiting.push(backend);
		backend.state = "lock";
		backend.waitingFor = key;
		backend.waitingSinceMs = this.world.nowMs;
		const error = await new Promise<Error | null>((resolve) => {
			backend.wake = resolve;
		});
		backend.waitingFor = null;
		backend.wake = null;
		const waitedMs = this.world.nowMs - backend.waitingSinceMs;
		// Whoever waits behind an operator's command waits as long as that does; a frozen engine cannot look, and for a session
		// that an engine has thrown away nobody looks: whom it keeps waiting frees both.
		const couldLook = backend.process.frozenUntilMs < backend.waitingSinceMs && !backend.clientGone;
		const areEngines = [...this.backends].every(({ applicationName }) => isEngine(applicationName));
		if (error === null && waitedMs > LOCK_WAIT_MS_MAX && couldLook && areEngines) {
			this.world.problem(
				`I7: backend ${backend.pid} (${backend.applicationName}) waited ${waitedMs} ms for ${key}`,
			);
		}
		if (error !== null) throw error;
		// Both can fall into one moment: the lock came, and the session ended.
		this.#mustLive(backend);
		backend.state = "statement";
	}

	/** Nobody but a transaction in flight holds `key`. */
	holder(key: string): Backend | null {
		return this.#locks.get(key)?.owner ?? null;
	}

	commit(backend: Backend): "COMMIT" | "ROLLBACK" {
		const { txn } = backend;
		if (txn === null) return "COMMIT";
		if (!txn.failed && this.world.fault("COMMIT answered by ROLLBACK", 0.02)) txn.failed = true;
		if (!txn.failed) {
			const claims = [...txn.staged.rows.values()].some(
				({ partition, epoch }) => epoch > (this.tables.rows.get(partition)?.epoch ?? 0),
			);
			this.tables.apply(txn.staged, this.world, this.topic);
			if (claims) this.onClaimed(backend.process, txn.beganMs);
		}
		const tag = txn.failed ? "ROLLBACK" : "COMMIT";
		this.#release(backend);
		return tag;
	}

	rollback(backend: Backend): void {
		this.#release(backend);
	}

	/** Ends the session, whatever it does; its transaction is rolled back. */
	end(backend: Backend, farewell: ServerError | null): void {
		if (backend.isDead) return;
		if (!backend.clientGone)
			this.world.say(`  the session of "${backend.applicationName}" ends in state ${backend.state}`);
		backend.isDead = true;
		this.backends.delete(backend);
		this.#release(backend);
		backend.wake?.(new Gone());
		backend.client.ended(farewell);
	}

	/** The socket was closed at the other end: a backend that waits for its client sees it at once, a busy one later. */
	hangUp(backend: Backend): void {
		if (backend.isDead) return;
		backend.clientGone = true;
		if (backend.state === "client") this.world.after(1, () => this.end(backend, null));
		else if (backend.state === "lock") this.world.after(CONNECTION_CHECK_MS, () => this.end(backend, null));
	}

	/** Nothing passes any more in either direction, and nobody is told. */
	lose(backend: Backend): void {
		this.world.after(TCP_USER_TIMEOUT_MS, () => this.end(backend, null));
	}

	/** Away for a while. `restored`: it comes back as the last backup, rows and offsets together. */
	restart(restored: boolean): void {
		const { world } = this;
		this.#upAtMs = world.nowMs + world.random.float() * 1_500;
		const farewell = world.random.chance(0.5)
			? new ServerError("57P01", "terminating connection due to administrator command", "FATAL")
			: null;
		for (const backend of [...this.backends]) this.end(backend, farewell);
		if (!restored || this.#backup === null) return;
		world.note("Postgres went back");
		this.tables.adopt(this.#backup);
	}

	backup(): void {
		this.#backup = this.tables.copy();
	}

	/** Who holds which lock, and who waits for it: for a person who looks at a failing seed. */
	describe(): string[] {
		const who = ({ pid, applicationName, state }: Backend) => `${pid} (${applicationName}, ${state})`;
		return [...this.#locks].map(
			([key, { owner, waiting }]) => `${key}: ${who(owner)} < ${waiting.map(who).join()}`,
		);
	}

	#mustLive(backend: Backend): void {
		if (backend.isDead) throw new Gone();
	}

	#abort(backend: Backend): void {
		const inTransaction = backend.txn !== null;
		this.#release(backend);
		if (inTransaction) backend.txn = { staged: new Staged(), beganMs: this.world.nowMs, failed: true };
	}

	#release(backend: Backend): void {
		backend.txn = null;
		for (const [key, lock] of this.#locks) {
			const at = lock.waiting.indexOf(backend);
			if (at >= 0) lock.waiting.splice(at, 1);
			if (lock.owner !== backend) continue;
			const next = lock.waiting.shift();
			if (next === undefined) this.#locks.delete(key);
			else {
				lock.owner = next;
				next.wake?.(null);
			}
		}
	}

	#waitsFor(waiter: Backend, target: Backend): boolean {
		for (let at: Backend | null = waiter; at !== null; ) {
			if (at === target) return true;
			at = at.waitingFor === null ? null : this.holder(at.waitingFor);
		}
		return false;
	}
}
