/** Keys decide who folds a message and nothing else: whatever they are, totals and distinct counts stay exact. */
import t from "tap";
import { seededRandom } from "../support/business.ts";
import { createDatabase } from "../support/database.ts";
import { startEngine } from "../support/engine-process.ts";
import { expectTables, untilCounted } from "../support/expect-tables.ts";
import { lotteryEvent } from "../support/lottery-event.ts";
import { oracle } from "../support/oracle.ts";
import { createTopic, type OutgoingMessage, type SentMessage, send } from "../support/topic.ts";

const PARTITIONS = 4;
/** Few users and hours, so that each (hour, user) comes again in many sets, from many partitions. */
const USERS = 12;
const HOURS = 3;
const TYPES = ["login", "view_numbers", "ticket_purchased", "claim_reward", "logout"];
/** Several sets a wave, and waves that meet the ids of the sets before. */
const SMALL_SETS = { FLUSH_INTERVAL_MS: "20", FLUSH_ROWS_MAX: "150", ACTORS: "3" };

type KeyOf = (user: string, random: () => number) => string | Buffer | null;

const KEYS: readonly (readonly [string, KeyOf])[] = [
	["messages without a key", () => null],
	["empty keys", () => Buffer.alloc(0)],
	["keys that are not the user", (_, random) => `user_${Math.floor(random() * USERS)}`],
	["two spellings of the key for one user", (user, random) => (random() < 0.5 ? user : user.toUpperCase())],
	["keys that are not UTF-8", (_, random) => Buffer.from([0xff, Math.floor(random() * 256), 0x00])],
	["any mixture of them", (user, random) => KEYS[Math.floor(random() * (KEYS.length - 1))]![1](user, random)],
];

/** Messages of users that write to all partitions, whatever their key. */
function anyMessages(count: number, keyOf: KeyOf, random: () => number): OutgoingMessage[] {
	const below = (limit: number) => Math.floor(random() * limit);
	return Array.from({ length: count }, () => {
		const user = `user_${below(USERS)}`;
		const value = lotteryEvent({
			type: TYPES[below(TYPES.length)]!,
			time: `2025-06-01T1${below(HOURS)}:${10 + below(50)}:00Z`,
			user,
			session: below(30),
			amount: below(10_000) / 100,
		});
		return { key: keyOf(user, random), value, partition: below(PARTITIONS) };
	});
}

t.test("totals and distinct users stay exact", async (t) => {
	const seed = Number(process.env["TEST_SEED"] || 20_250_601);
	t.comment(`TEST_SEED=${seed}`);
	const random = seededRandom(seed);
	for (const [name, keyOf] of KEYS) {
		await t.test(`with ${name}`, async (t) => {
			const database = await createDatabase(t);
			const topic = await createTopic(t, { partitions: PARTITIONS });
			await startEngine(t, { topic, database, env: SMALL_SETS });
			const sent: SentMessage[] = [];
			for (let wave = 0; wave < 3; wave++) {
				sent.push(...(await send(topic, anyMessages(400, keyOf, random))));
				await untilCounted(database.client, sent.length);
			}
			await expectTables(t, database.client, oracle(sent));
		});
	}
});

t.test("a user seen by two engines at the same time counts once", async (t) => {
	const seed = Number(process.env["TEST_SEED"] || 20_250_602);
	t.comment(`TEST_SEED=${seed}`);
	const random = seededRandom(seed);
	const database = await createDatabase(t);
	const topic = await createTopic(t, { partitions: PARTITIONS });
	const engines = [];
	for (const label of ["first", "second"]) {
		engines.push(await startEngine(t, { topic, database, env: SMALL_SETS, label }));
	}
	for (const engine of engines) await engine.ready();
	const sent: SentMessage[] = [];
	for (let wave = 0; wave < 5; wave++) {
		sent.push(
			...(await send(
				topic,
				anyMessages(1000, (user) => user, random),
			)),
		);
	}
	await untilCounted(database.client, sent.length);
	await expectTables(t, database.client, oracle(sent));
	const owners = await database.client.query("SELECT DISTINCT owner FROM source_offsets");
	t.equal(owners.rowCount, 2, "both had partitions");
});
