/** I10: money is integer cents end to end. Single amounts at every edge are in times-and-money.test.ts; here are sums. */
import t from "tap";
import { createRandom } from "../../producer/random.ts";
import { createDatabase } from "../support/database.ts";
import { startEngine } from "../support/engine-process.ts";
import { untilCounted } from "../support/expect-tables.ts";
import { untilShared } from "../support/partitions.ts";
import { chooseSeed } from "../support/stream.ts";
import { createTopic, send } from "../support/topic.ts";

const EVENTS = 12_000;
const HOURS = 3;
/** 10^12 less a cent: two hundred of them pass 2^53 cents, where doubles lose the last one. */
const CENTS_MAX = 99_999_999_999_999n;

t.test("sums are exact to the cent, past 2^53 cents, whatever the borders of the sets", async (t) => {
	const random = createRandom(chooseSeed(t));
	const database = await createDatabase(t);
	const topic = await createTopic(t, { partitions: 4 });
	const exact = Array.from({ length: HOURS }, () => ({ revenue: 0n, payouts: 0n, tickets: 0n }));
	// The sum of a double, to show that these amounts are the ones that go wrong.
	let naive = 0;
	const messages = Array.from({ length: EVENTS }, (_, i) => {
		const hour = i % HOURS;
		const cents = hour === 0 ? BigInt(random.below(100)) : CENTS_MAX - BigInt(random.below(1_000));
		const isTicket = random.chance(0.5);
		if (isTicket) {
			exact[hour]!.revenue += cents;
			exact[hour]!.tickets++;
			naive += Number(decimal(cents));
		} else exact[hour]!.payouts += cents;
		const type = isTicket ? "ticket_purchased" : "claim_reward";
		return {
			key: `u${i}`,
			value: `{"event_type":"${type}","event_time":"2025-06-01T0${hour}:59:59.9999999","payload":{"user_id":"u${i}","session_id":${i},"amount":${spelt(cents, random.below(3))}}}`,
		};
	});
	const env = { FLUSH_INTERVAL_MS: "20" };
	const engines = [
		await startEngine(t, {
			topic,
			database,
			label: "one",
			env: { ...env, FLUSH_ROWS_MAX: "1", ACTORS: "3" },
		}),
		await startEngine(t, {
			topic,
			database,
			label: "two",
			env: { ...env, FLUSH_ROWS_MAX: "700", ACTORS: "1" },
		}),
	];
	await untilShared(engines, 4);
	await send(topic, messages);
	await untilCounted(database.client, EVENTS);

	await database.client.query("SET TimeZone = 'UTC'");
	const { rows } = await database.client.query(
		"SELECT total_revenue::text AS revenue, total_payouts::text AS payouts, avg_ticket_value::text AS average FROM hourly_business_metrics ORDER BY hour",
	);
	const half = ({ revenue, tickets }: { revenue: bigint; tickets: bigint }) =>
		(revenue * 2n + tickets) / (tickets * 2n);
	t.same(
		rows,
		exact.map((hour) => ({
			revenue: decimal(hour.revenue),
			payouts: decimal(hour.payouts),
			average: decimal(half(hour)),
		})),
	);
	const total = exact.reduce((sum, { revenue }) => sum + revenue, 0n);
	t.ok(total > 2n ** 53n);
	t.not(naive.toFixed(2), decimal(total), "sums of doubles would have been wrong");
	const { rows: days } = await database.client.query(
		"SELECT total_revenue::text AS revenue FROM daily_event_summary",
	);
	t.same(days, [{ revenue: decimal(total) }]);
	const { rows: stored } = await database.client.query(
		"SELECT (sum(amount) FILTER (WHERE event_type = 'ticket_purchased'))::text AS revenue FROM events",
	);
	t.same(stored, [{ revenue: decimal(total) }]);
	for (const engine of engines) t.same(await engine.stop(), { code: 0, signal: null });
});

function decimal(cents: bigint): string {
	return `${cents / 100n}.${String(cents % 100n).padStart(2, "0")}`;
}

/** The same amount as different producers write it. */
function spelt(cents: bigint, way: number): string {
	if (way === 0) return decimal(cents);
	if (way === 1) return `${decimal(cents)}00`;
	return `${cents}e-2`;
}
