/**
 * What a run must show, and where it is looked at:
 *
 * I1  ranges contiguous, epochs never falling     every commit, pg-tables.ts `#judgeRow`
 * I2  conservation                                every commit, pg-tables.ts `#judgeRow` and `#store`
 * I3  hours = fold of the events, members exact   every commit, pg-tables.ts `#judgeHours` and `apply`; at the end below
 * I4  exactly once, as it was sent                every commit, pg-tables.ts; at the end below
 * I5  a function of the messages                  at the end below: whatever happened, the tables are the topic's
 * I6  Kafka never ahead of Postgres               whenever Kafka is told, sim-engine.ts `publishing`
 * I7  everything stored, nothing paused           at the end below, within `CALM_MS_MAX` of run-seed.ts
 * I8  limits reached, never passed                every batch, sim-engine.ts `#judgeLimits`; accounts empty at the end
 * I9  a bad message never stops a partition       at the end below: what kills actors or is refused is a dead letter
 * I10 whole cents                                 every merge, pg-hours.ts
 *
 * And: no two transactions wait for each other (pg-server.ts `lock`), a member that was thrown out does not go on
 * claiming (sim-group.ts `claimed`), an engine never gives up (sim-engine.ts), nothing is thrown into a timer (world.ts).
 */
import { fold, HOUR_COLUMNS, noTotals, placeOf, Tables } from "./pg-tables.ts";
import type { SimEngine, Surroundings } from "./sim-engine.ts";

/** Why a partition is not stored to its end and need not be; null when it must be. */
export function excuseOf({ topic, server }: Surroundings, partition: number): string | null {
	const next = server.tables.rows.get(partition)?.next_offset ?? 0;
	if (topic.recreated.has(partition)) return "recreated";
	if (next < topic.lows[partition]!) return "trimmed";
	return null;
}

/** Every partition is somebody's, and stored to its end or halted as it should be. */
export function isSettled(around: Surroundings, engines: readonly SimEngine[]): boolean {
	const { topic, server } = around;
	return topic.logs.every(({ end }, partition) => {
		if (!engines.some(({ assignment }) => assignment.get(partition) !== undefined)) return false;
		if (server.tables.rows.get(partition)?.next_offset === end) return true;
		const owners = engines.filter(({ assignment }) => assignment.get(partition)?.phase === "halted");
		return owners.length > 0 && excuseOf(around, partition) !== null;
	});
}

/**
 * Nothing is held any more, nothing is paused that should flow, and nothing halted that need not be: an engine that froze in
 * its claim judges by what it read before, until the group tells it that the partition is somebody else's.
 */
export function isAtRest(around: Surroundings, engines: readonly SimEngine[]): boolean {
	return engines.every(({ supervisor, setCredit, watch, assignment, ledger, source }) => {
		const flowing = assignment.all().every(({ partition, phase }) => {
			if (phase === "halted") return excuseOf(around, partition) !== null;
			return phase === "running" && source.flowing.includes(partition);
		});
		return (
			supervisor.state === "running" && setCredit.bytes + watch.credit.bytes === 0 && ledger.idle && flowing
		);
	});
}

/** Compares what Postgres holds with what was sent. */
export function judge(around: Surroundings): void {
	const { world, topic, server } = around;
	const { tables } = server;
	for (const [partition, { records }] of topic.logs.entries()) {
		const row = tables.rows.get(partition);
		for (const { offset, event, deadly } of records) {
			if (row === undefined || offset < row.start_offset || offset >= row.next_offset) continue;
			const place = placeOf(partition, offset);
			const stored = tables.events.has(place) || tables.erased.has(place);
			const reason = tables.dead.get(place);
			const fine =
				event === null ? !stored && reason !== undefined && (deadly ?? reason) === reason : stored && !reason;
			if (!fine)
				world.problem(`I4, I9: ${partition}:${offset} is ${stored ? "stored" : "not stored"}, ${reason}`);
		}
	}
	const wanted = new Tables();
	wanted.events = tables.events;
	wanted.recompute();
	expectSame(around, "distinct users", tables.users, wanted.users);
	expectSame(around, "distinct sessions", tables.sessions, wanted.sessions);
	const folded = fold(tables.events.values());
	for (const hour of new Set([...tables.hours.keys(), ...folded.keys()])) {
		const [found, right] = [tables.hours.get(hour) ?? noTotals(), wanted.hours.get(hour) ?? noTotals()];
		const wrong = HOUR_COLUMNS.filter((column) => found[column] !== right[column]);
		if (wrong.length > 0) world.problem(`I3: hour ${hour} has wrong ${wrong.join()}`);
	}
}

function expectSame(
	{ world }: Surroundings,
	what: string,
	found: ReadonlySet<string>,
	wanted: ReadonlySet<string>,
) {
	const extra = [...found].filter((key) => !wanted.has(key));
	const missing = [...wanted].filter((key) => !found.has(key));
	if (extra.length + missing.length > 0) {
		world.problem(`I3: ${what} differ: +${extra.slice(0, 5).join()} -${missing.slice(0, 5).join()}`);
	}
}
