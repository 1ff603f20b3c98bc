/** Whether Postgres holds what was sent, all of it and nothing twice: the truth is counted from the topic alone. */
import type { HourTotals, SimPostgres } from "./sim-postgres.ts";
import type { SimTopic } from "./sim-topic.ts";
import type { World } from "./world.ts";

/** Compares what Postgres holds with what was sent. */
export function judge(world: World, topic: SimTopic, postgres: SimPostgres): void {
	const users = new Set<string>();
	const sessions = new Set<string>();
	const hours = new Map<number, HourTotals>();
	let offsets = 0;
	let records = 0;
	for (const [partition, log] of topic.logs.entries()) {
		offsets += log.end;
		records += log.records.length;
		for (const { offset, event } of log.records) {
			const key = `${partition}:${offset}`;
			const rows = postgres.stored.get(key) ?? 0;
			const dead = postgres.dead.get(key) ?? 0;
			if (rows !== (event === null ? 0 : 1) || dead !== (event === null ? 1 : 0)) {
				world.problems.add(`record ${key} is stored ${rows} times and a dead letter ${dead} times`);
			}
			if (event === null) continue;
			const totals = hours.get(event.hour) ?? { events: 0, logins: 0, cents: 0 };
			totals.events++;
			totals.cents += event.cents ?? 0;
			totals.logins += event.cents === null ? 1 : 0;
			hours.set(event.hour, totals);
			users.add(`${event.hour}/${event.user}`);
			if (event.cents === null) sessions.add(`${event.hour}/${event.session}`);
		}
	}
	expectSame(world, "distinct users", [...postgres.users], [...users]);
	expectSame(world, "distinct sessions", [...postgres.sessions], [...sessions]);
	expectSame(world, "hours", linesOf(postgres.hours), linesOf(hours));
	expectSame(world, "offsets that hold no record", [String(postgres.gaps)], [String(offsets - records)]);
}

function linesOf(hours: ReadonlyMap<number, HourTotals>): string[] {
	return [...hours].map(([hour, { events, logins, cents }]) => `${hour}: ${events} ${logins} ${cents}`);
}

function expectSame(world: World, what: string, found: readonly string[], wanted: readonly string[]): void {
	const wrong = [
		...found.filter((line) => !wanted.includes(line)).map((line) => `+${line}`),
		...wanted.filter((line) => !found.includes(line)).map((line) => `-${line}`),
	];
	if (wrong.length > 0) world.problems.add(`${what} differ: ${wrong.join(", ")}`);
}
