import type pg from "pg";
import t, { type Test } from "tap";
import { migrate } from "../../engine/sink/migrate.ts";
import { type BusinessEvent, seededRandom, storeBusiness } from "../support/business.ts";
import { createDatabase } from "../support/database.ts";

/** Contract: these names and columns stay as they are. */
const PUBLIC = {
	events: "event_time event_type user_id session_id amount kafka_partition kafka_offset ingested_at",
	dead_letters:
		"topic kafka_partition kafka_offset kafka_timestamp key value headers stage reason pointer detail created_at",
	source_offsets:
		"topic kafka_partition start_offset next_offset gap_count stored_count dead_letter_count epoch owner last_record_offset last_record_timestamp last_record_hash newest_event_time updated_at recent_count recent_dead_letter_count key_slot",
	hourly_business_metrics:
		"hour total_revenue ticket_count avg_ticket_value total_payouts payout_events payout_to_revenue_ratio active_users new_sessions total_logins updated_at",
	rolling_24h_metrics:
		"hour total_revenue avg_24h_revenue avg_24h_users revenue_24h payouts_24h tickets_24h active_users_24h",
	hourly_active_users: "hour user_id",
	hourly_user_blocks: "hour block bits",
	daily_event_summary:
		"date total_revenue total_payouts ticket_count payout_events total_logins active_users avg_revenue avg_users sample_size",
} as const;

const HOUR = Date.UTC(2025, 5, 1) / 3_600_000;

/** `n / d` rounded to `decimals`, halves away from zero, as text. Neither is negative. */
function quotient(n: bigint, d: bigint, decimals: number): string {
	const scaled = (2n * n * 10n ** BigInt(decimals) + d) / (2n * d);
	const digits = scaled.toString().padStart(decimals + 1, "0");
	return `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

function money(cents: bigint): string {
	return quotient(cents, 100n, 2);
}

function sumOf(events: readonly BusinessEvent[], type: BusinessEvent["type"]): bigint {
	return events.reduce((sum, event) => (event.type === type ? sum + event.cents! : sum), 0n);
}

function countOf(events: readonly BusinessEvent[], type: BusinessEvent["type"]): number {
	return events.filter((event) => event.type === type).length;
}

function usersOf(events: readonly BusinessEvent[]): number {
	return new Set(events.map((event) => event.user)).size;
}

function hoursOf(events: readonly BusinessEvent[]): number[] {
	return [...new Set(events.map((event) => event.hour))].sort((a, b) => a - b);
}

/** Mean of the distinct users of each hour that has events. */
function meanUsers(events: readonly BusinessEvent[]): string {
	const perHour = hoursOf(events).map((hour) => usersOf(events.filter((event) => event.hour === hour)));
	return quotient(BigInt(perHour.reduce((a, b) => a + b, 0)), BigInt(perHour.length), 2);
}

function meanRevenue(events: readonly BusinessEvent[]): string {
	return quotient(sumOf(events, "ticket_purchased"), 100n * BigInt(hoursOf(events).length), 2);
}

function expectedHourly(events: readonly BusinessEvent[]) {
	return hoursOf(events).map((hour) => {
		const own = events.filter((event) => event.hour === hour);
		const revenue = sumOf(own, "ticket_purchased");
		const tickets = countOf(own, "ticket_purchased");
		const payouts = sumOf(own, "claim_reward");
		return {
			hour: String(hour),
			total_revenue: money(revenue),
			ticket_count: String(tickets),
			avg_ticket_value: tickets === 0 ? "0.00" : quotient(revenue, 100n * BigInt(tickets), 2),
			total_payouts: money(payouts),
			payout_events: String(countOf(own, "claim_reward")),
			payout_to_revenue_ratio: revenue === 0n ? null : quotient(payouts, revenue, 4),
			active_users: String(usersOf(own)),
			new_sessions: String(new Set(own.filter((e) => e.type === "login").map((e) => e.session)).size),
			total_logins: String(countOf(own, "login")),
		};
	});
}

function expectedRolling(events: readonly BusinessEvent[]) {
	return hoursOf(events).map((hour) => {
		const day = events.filter((event) => event.hour > hour - 24 && event.hour <= hour);
		return {
			hour: String(hour),
			total_revenue: money(
				sumOf(
					events.filter((event) => event.hour === hour),
					"ticket_purchased",
				),
			),
			avg_24h_revenue: meanRevenue(day),
			avg_24h_users: meanUsers(day),
			revenue_24h: money(sumOf(day, "ticket_purchased")),
			payouts_24h: money(sumOf(day, "claim_reward")),
			tickets_24h: String(countOf(day, "ticket_purchased")),
			active_users_24h: String(usersOf(day)),
		};
	});
}

function expectedDaily(events: readonly BusinessEvent[]) {
	const days = [...new Set(events.map((event) => Math.floor(event.hour / 24)))].sort((a, b) => a - b);
	return days.map((day) => {
		const own = events.filter((event) => Math.floor(event.hour / 24) === day);
		return {
			date: new Date(day * 86_400_000).toISOString().slice(0, 10),
			total_revenue: money(sumOf(own, "ticket_purchased")),
			total_payouts: money(sumOf(own, "claim_reward")),
			ticket_count: String(countOf(own, "ticket_purchased")),
			payout_events: String(countOf(own, "claim_reward")),
			total_logins: String(countOf(own, "login")),
			active_users: String(usersOf(own)),
			avg_revenue: meanRevenue(own),
			avg_users: meanUsers(own),
			sample_size: String(hoursOf(own).length),
		};
	});
}

/** All rows with every value as text; hours as whole hours since 1970. */
async function readView(client: pg.Client, view: keyof typeof PUBLIC) {
	const columns = PUBLIC[view].split(" ").filter((column) => column !== "updated_at");
	const values = columns.map((column) =>
		column === "hour" ? "(extract(epoch FROM hour) / 3600)::bigint::text AS hour" : `${column}::text`,
	);
	const { rows } = await client.query(
		`SELECT ${values.join(", ")} FROM ${view} ORDER BY ${view}.${columns[0]}`,
	);
	return rows;
}

async function compare(t: Test, client: pg.Client, events: readonly BusinessEvent[], name: string) {
	await storeBusiness(client, events);
	t.same(await readView(client, "hourly_business_metrics"), expectedHourly(events), `${name}, by the hour`);
	t.same(await readView(client, "rolling_24h_metrics"), expectedRolling(events), `${name}, rolling`);
	t.same(await readView(client, "daily_event_summary"), expectedDaily(events), `${name}, by the day`);
}

function ticket(hour: number, user: string, cents: bigint): BusinessEvent {
	return { hour, type: "ticket_purchased", user, session: 1, cents };
}

function claim(hour: number, user: string, cents: bigint): BusinessEvent {
	return { hour, type: "claim_reward", user, session: 1, cents };
}

function plain(hour: number, user: string, type: "login" | "logout", session = 1): BusinessEvent {
	return { hour, type, user, session, cents: null };
}

async function migrated(test: Parameters<typeof createDatabase>[0]) {
	const database = await createDatabase(test);
	await migrate(database.settings);
	return database;
}

t.test("every public relation has exactly the columns of the contract, and a comment on each", async (t) => {
	const { client } = await migrated(t);
	for (const [relation, columns] of Object.entries(PUBLIC)) {
		const { rows } = await client.query(
			`SELECT attname AS name, col_description(attrelid, attnum) AS comment, obj_description(attrelid, 'pg_class') AS about
			FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
			[relation],
		);
		t.equal(rows.map((row) => row.name).join(" "), columns);
		for (const row of rows) t.ok(row.comment && row.about, `${relation}.${row.name} is explained`);
	}
});

t.test("types of the public columns are those of the contract", async (t) => {
	const { client } = await migrated(t);
	const { rows } = await client.query(
		`SELECT attrelid::regclass || '.' || attname AS name, format_type(atttypid, atttypmod) AS type
		FROM pg_attribute WHERE attrelid = ANY($1::regclass[]) AND attnum > 0`,
		[Object.keys(PUBLIC)],
	);
	const types = Object.fromEntries(rows.map((row) => [row.name, row.type]));
	t.match(types, {
		"events.event_time": "timestamp with time zone",
		"events.amount": "numeric(14,2)",
		"events.session_id": "bigint",
		"events.kafka_partition": "integer",
		"events.kafka_offset": "bigint",
		"hourly_business_metrics.hour": "timestamp with time zone",
		"hourly_business_metrics.total_revenue": "numeric(24,2)",
		"hourly_business_metrics.total_payouts": "numeric(24,2)",
		"hourly_business_metrics.payout_to_revenue_ratio": "numeric",
		"hourly_business_metrics.ticket_count": "bigint",
		"daily_event_summary.date": "date",
		"dead_letters.value": "bytea",
		"dead_letters.headers": "jsonb",
	});
});

t.test("the offsets table refuses counts that do not add up, and offsets that run backwards", async (t) => {
	const { client } = await migrated(t);
	const insert = (start: number, next: number, gaps: number, stored: number, dead: number) =>
		client.query(
			`INSERT INTO source_offsets (topic, kafka_partition, start_offset, next_offset, gap_count, stored_count, dead_letter_count)
			VALUES ('t', 0, $1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
			[start, next, gaps, stored, dead],
		);
	await t.rejects(insert(10, 20, 1, 7, 1), { code: "23514", constraint: "source_offsets_conserve_records" });
	await t.rejects(insert(10, 9, 0, -1, 0), { code: "23514" });
	await t.resolves(insert(10, 20, 1, 7, 2));
	await t.rejects(client.query("INSERT INTO hourly_totals (hour) VALUES ('2025-06-01 10:30Z')"), {
		code: "23514",
	});
	await client.query("INSERT INTO ledger (cluster_id, topic) VALUES ('c', 't')");
	await t.rejects(client.query("INSERT INTO ledger (cluster_id, topic) VALUES ('c', 't')"), {
		code: "23505",
	});
	await t.rejects(
		client.query("INSERT INTO ledger (singleton, cluster_id, topic) VALUES (false, 'c', 't')"),
		{
			code: "23514",
		},
	);
});

t.test("the rolling window is 24 hours, not 24 rows, and ends at its edges", async (t) => {
	const { client } = await migrated(t);
	const at = (offset: number, cents: bigint) => ticket(HOUR + offset, `u${offset}`, cents);
	const events = [at(0, 1n), at(23, 10n), at(24, 100n), at(47, 1_000n), at(1_000, 10_000n)];
	await compare(t, client, events, "edges");
	const { rows } = await client.query(
		"SELECT revenue_24h, active_users_24h FROM rolling_24h_metrics ORDER BY hour",
	);
	t.same(
		rows.map((row) => [row.revenue_24h, row.active_users_24h]),
		[
			["0.01", "1"],
			["0.11", "2"],
			["1.10", "2"],
			["11.00", "2"],
			["100.00", "1"],
		],
		"in figures that were worked out by hand",
	);
});

t.test("ratios and averages at their limits", async (t) => {
	const { client } = await migrated(t);
	const events = [
		claim(HOUR, "u", 99_999_999_999_999n),
		ticket(HOUR, "u", 1n),
		claim(HOUR + 1, "u", 500n),
		plain(HOUR + 1, "v", "login"),
		ticket(HOUR + 2, "u", 0n),
		claim(HOUR + 2, "u", 1n),
		ticket(HOUR + 3, "u", 1n),
		ticket(HOUR + 3, "u", 0n),
		plain(HOUR + 4, "u", "logout"),
		claim(HOUR + 5, "u", 1n),
		ticket(HOUR + 5, "u", 20_000n),
	];
	await compare(t, client, events, "limits");
	const { rows } = await client.query(
		"SELECT avg_ticket_value, payout_to_revenue_ratio FROM hourly_business_metrics ORDER BY hour",
	);
	t.same(
		rows.map((row) => [row.avg_ticket_value, row.payout_to_revenue_ratio]),
		[
			["0.01", "99999999999999.0000"],
			["0.00", null],
			["0.00", null],
			["0.01", "0.0000"],
			["0.00", null],
			["200.00", "0.0001"],
		],
		"in figures that were worked out by hand",
	);
});

t.test("sums stay exact where a double is not", async (t) => {
	const { client } = await migrated(t);
	const events = Array.from({ length: 200 }, (_, i) => ticket(HOUR, `u${i}`, 99_999_999_999_999n));
	await compare(t, client, [...events, ticket(HOUR, "one more", 1n)], "large sums");
});

t.test("hours before 1970 and in the year 9999 are counted like any other", async (t) => {
	const { client } = await migrated(t);
	const last = Date.UTC(9999, 11, 31, 23) / 3_600_000;
	const hours = [-14, -13, -1, 0, 9, last - 24, last];
	await compare(
		t,
		client,
		hours.map((hour) => ticket(hour, "u", 100n)),
		"far away",
	);
});

t.test("hours whose events were all taken away are not shown", async (t) => {
	const { client } = await migrated(t);
	await storeBusiness(client, [plain(HOUR, "u", "login"), plain(HOUR + 1, "u", "login")]);
	await client.query(
		"UPDATE hourly_totals SET events = 0, logins = 0 WHERE hour = to_timestamp($1::bigint * 3600)",
		[HOUR],
	);
	for (const view of ["hourly_business_metrics", "rolling_24h_metrics"] as const) {
		t.same(
			(await readView(client, view)).map((row) => row.hour),
			[String(HOUR + 1)],
			view,
		);
	}
	t.same(
		(await readView(client, "daily_event_summary")).map((row) => row.sample_size),
		["1"],
	);
});

t.test(
	"all views equal a plain recomputation of random events, whatever the zone of the session",
	async (t) => {
		const { client } = await migrated(t);
		const seed = Number(process.env["TEST_SEED"] || Date.now() % 1_000_000);
		t.comment(`TEST_SEED=${seed}`);
		const random = seededRandom(seed);
		const below = (n: number) => Math.floor(random() * n);
		const types = ["login", "view_numbers", "ticket_purchased", "claim_reward", "logout"] as const;
		const zones = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"];
		for (let round = 0; round < 10; round++) {
			// Around a change of summer time, around 1970, and in between; dense, and with gaps of hours and days.
			const first = [Date.UTC(2025, 2, 29) / 3_600_000, -30, HOUR + below(10_000)][round % 3]!;
			const span = [6, 40, 200][below(3)]!;
			const events = Array.from({ length: 1 + below(400) }, (): BusinessEvent => {
				const type = types[below(types.length)]!;
				const hasAmount = type === "ticket_purchased" || type === "claim_reward";
				return {
					hour: first + below(span),
					type,
					user: ["Ä", "a", "B", "\u{1f600}", "\uffee", "user_1", "user_10"][below(7)]! + below(5),
					session: below(20),
					cents: hasAmount ? BigInt(below(random() < 0.1 ? 1e14 : 10_000)) : null,
				};
			});
			const zone = zones[round % zones.length]!;
			await client.query(`SET TimeZone = '${zone}'`);
			await compare(t, client, events, `round ${round} in ${zone}`);
		}
	},
);

t.test(
	"columns that are not asked for are not computed, and the newest rows do not pay for the old ones",
	async (t) => {
		const { client } = await migrated(t);
		await storeBusiness(
			client,
			Array.from({ length: 500 }, (_, i) => ticket(HOUR + i, `u${i % 50}`, 100n)),
		);
		await client.query("ANALYZE");
		const loops = async (sql: string) => {
			const { rows } = await client.query(`EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF) ${sql}`);
			const plan = JSON.stringify(rows[0]["QUERY PLAN"]);
			const subplans = [...plan.matchAll(/"Parent Relationship":"SubPlan".*?"Actual Loops":(\d+)/g)];
			return subplans.map((match) => Number(match[1]));
		};
		t.same(await loops("SELECT hour, revenue_24h FROM rolling_24h_metrics"), []);
		t.same(await loops("SELECT * FROM rolling_24h_metrics ORDER BY hour DESC LIMIT 3"), [3]);
		t.same(await loops("SELECT * FROM daily_event_summary WHERE date = '2025-06-05'"), [1]);
	},
);
