/** Who gets which number, on the real server: two engines, and users whom one of them has not met. */
import type pg from "pg";
import t, { type Test } from "tap";
import { migrate } from "../../engine/sink/migrate.ts";
import { numberUsers } from "../../engine/sink/number-users.ts";
import { UserNumbers } from "../../engine/sink/user-numbers.ts";
import { storeUsers, userColumns } from "../support/candidates.ts";
import { createDatabase } from "../support/database.ts";
import { session, untilBlocked } from "../support/postgres-sessions.ts";

const HOUR = 485_000;
const BLOCK = 1_024;

/** One that writes: its connection, and what it knows. */
class Engine {
	readonly client: pg.Client;
	readonly pid: number;
	readonly numbers = new UserNumbers();

	constructor({ client, pid }: { readonly client: pg.Client; readonly pid: number }) {
		this.client = client;
		this.pid = pid;
	}

	/** A transaction that is open: how many are new in the hour. */
	async begin(users: readonly string[], hour = HOUR): Promise<number> {
		await this.client.query("BEGIN");
		const counts = await storeUsers(this.client, this.numbers, [
			userColumns(users.map((id) => ({ hour, id }))),
		]);
		return counts.get(hour) ?? 0;
	}

	async commit(): Promise<void> {
		await this.client.query("COMMIT");
		this.numbers.keep();
	}

	async rollback(): Promise<void> {
		await this.client.query("ROLLBACK");
	}

	/** A whole set. */
	async store(users: readonly string[], hour = HOUR): Promise<number> {
		const count = await this.begin(users, hour);
		await this.commit();
		return count;
	}
}

async function twoEngines(t: Test) {
	const database = await createDatabase(t);
	await migrate(database.settings);
	const { client } = database;
	const numbersOf = async (): Promise<Record<string, number>> => {
		const { rows } = await client.query<{ user_id: string; number: string }>(
			"SELECT user_id, number FROM user_numbers ORDER BY user_id",
		);
		return Object.fromEntries(rows.map(({ user_id, number }) => [user_id, Number(number)]));
	};
	/** As the public view has them, in byte order. */
	const usersAt = async (hour = HOUR): Promise<string[]> => {
		const { rows } = await client.query<{ user_id: string }>(
			`SELECT user_id FROM hourly_active_users WHERE hour = to_timestamp($1::float8 * 3600) ORDER BY user_id COLLATE "C"`,
			[hour],
		);
		return rows.map((row) => row.user_id);
	};
	const one = new Engine(await session(t, database));
	const two = new Engine(await session(t, database));
	/** Until the second waits for the first. */
	const untilTwoWaits = async () => t.same((await untilBlocked(client, two.pid)).blockers, [one.pid]);
	return { database, client, one, two, numbersOf, usersAt, untilTwoWaits };
}

const place = (numbers: UserNumbers, id: string) =>
	numbers.placeOf(Buffer.from(id), 0, Buffer.byteLength(id));

t.test("numbers count up from 0, and those of two engines lie in different blocks", async (t) => {
	const { one, two, numbersOf } = await twoEngines(t);
	await one.store(["a", "b"]);
	await two.store(["c", "d"]);
	await one.store(["f", "e"]);
	t.same(await numbersOf(), { a: 0, b: 1, c: BLOCK, d: BLOCK + 1, f: 2, e: 3 });
});

t.test("a set of thousands takes as many blocks as it needs, and the next what is left", async (t) => {
	const { client, one, two, usersAt } = await twoEngines(t);
	const users = Array.from({ length: 2_500 }, (_, i) => `user_${String(i).padStart(4, "0")}`);
	t.equal(await one.store(users), 2_500);
	t.equal(await two.store(["somebody else"]), 1);
	t.equal(await one.store([...users, "one more"]), 1);
	t.same(await usersAt(), ["one more", "somebody else", ...users]);
	const { rows } = await client.query(
		`SELECT (number >> 10)::int AS block, count(*)::int AS users, count(DISTINCT number)::int AS numbers,
			max(number)::int - min(number)::int + 1 AS span
		FROM user_numbers GROUP BY 1 ORDER BY 1`,
	);
	const full = (count: number) => ({ users: count, numbers: count, span: count });
	t.same(rows, [
		{ block: 0, ...full(BLOCK) },
		{ block: 1, ...full(BLOCK) },
		{ block: 2, ...full(2_501 - 2 * BLOCK) },
		{ block: 3, ...full(1) },
	]);
});

t.test(
	"of two engines that meet the same new user, the second waits and uses the first's number",
	async (t) => {
		const { one, two, numbersOf, usersAt, untilTwoWaits, client } = await twoEngines(t);
		t.equal(await one.begin(["b", "a"]), 2);
		const waiting = two.begin(["c", "b", "d"]);
		await untilTwoWaits();
		await one.commit();
		t.equal(await waiting, 2, "he is not new in the hour");
		await two.commit();
		t.same(await numbersOf(), { b: 0, a: 1, c: BLOCK, d: BLOCK + 2 });
		t.same(await usersAt(), ["a", "b", "c", "d"]);

		t.equal(await two.store(["b", "d"], HOUR + 1), 2);
		t.equal(await one.store(["d", "b", "a"], HOUR + 1), 1, "whoever remembers him");
		t.same(await usersAt(HOUR + 1), ["a", "b", "d"]);
		const { rows } = await client.query("SELECT count(*)::int AS n FROM user_numbers");
		t.same(rows, [{ n: 4 }]);
	},
);

t.test("when the first of two engines rolls back, the number of the second stands", async (t) => {
	const { one, two, numbersOf, usersAt, untilTwoWaits } = await twoEngines(t);
	t.equal(await one.begin(["a", "b"]), 2);
	const waiting = two.begin(["b"]);
	await untilTwoWaits();
	await one.rollback();
	t.equal(await waiting, 1);
	await two.commit();
	t.same(await numbersOf(), { b: BLOCK });

	t.equal(await one.store(["a", "b"]), 1, "the first tries its set again");
	const { a, ...others } = await numbersOf();
	t.same(others, { b: BLOCK });
	t.ok(a! > 1 && a! < BLOCK, `with number ${a}, none of those it gave before`);
	t.same(await usersAt(), ["a", "b"]);
	t.equal(await one.store(["b"], HOUR + 1), 1);
	t.equal(await two.store(["b"], HOUR + 1), 0, "both know him by the same number");
});

t.test("a set that is stored again after a rollback leaves no trace of the first time", async (t) => {
	const { one, numbersOf, usersAt } = await twoEngines(t);
	t.equal(await one.store(["kept"]), 1);
	t.equal(await one.begin(["kept", "x", "y"]), 2);
	await one.rollback();
	t.same(await numbersOf(), { kept: 0 });
	t.equal(await one.store(["y", "kept", "x"]), 2, "it does not believe that it has numbered them");
	t.same(await usersAt(), ["kept", "x", "y"]);
	t.equal(new Set(Object.values(await numbersOf())).size, 3);
});

t.test(
	"users whom Postgres knows are found by an engine that does not, and nobody counts again",
	async (t) => {
		const { one, two, numbersOf, usersAt } = await twoEngines(t);
		const users = ["größer", "a", "🎲", "B", "ab"];
		t.equal(await one.store(users), 5);
		const before = await numbersOf();
		t.equal(await two.store(users.toReversed()), 0);
		t.same(await numbersOf(), before);
		t.equal(await two.store(users, HOUR + 1), 5);
		t.equal(await one.store(users, HOUR + 1), 0);
		t.same(await usersAt(HOUR + 1), ["B", "a", "ab", "größer", "🎲"]);
	},
);

t.test("of users who are known in part, each gets the number that is stored for him", async (t) => {
	const { client, one, two, numbersOf } = await twoEngines(t);
	await client.query("INSERT INTO user_numbers VALUES ('far', 9007199254740991), ('', 4294967296)");
	await one.store(["b", "d", "ä"]);
	const ids = ["c", "d", "far", "a", "ä", "", "b", "e"];
	const { client: asking, numbers } = two;
	numbers.begin();
	const places = ids.map((id) => place(numbers, id));
	await numberUsers(asking, numbers);
	const found = Object.fromEntries(ids.map((id, i) => [id, numbers.numberAt(places[i]!)]));
	t.same(found, await numbersOf());
	t.match(found, { far: 2 ** 53 - 1, "": 2 ** 32, b: 0, d: 1, ä: 2 });
	t.ok(
		["a", "c", "e"].every((id) => Math.floor(found[id]! / BLOCK) === 1),
		"the new ones are numbered from its own block",
	);
});

t.test(
	"an engine that met a known user expects more of them, until a set of its users is all new",
	async (t) => {
		const { one, two, usersAt, numbersOf } = await twoEngines(t);
		t.ok(two.numbers.expectNew, "at first none is expected");
		await one.store(["m"]);
		t.equal(await two.store(["a", "m", "z"]), 2, "nothing is left of the try that met him");
		t.notOk(two.numbers.expectNew);
		t.equal(await two.store(["b", "y"]), 2);
		t.ok(two.numbers.expectNew);
		t.same(await usersAt(), ["a", "b", "m", "y", "z"]);
		t.equal(new Set(Object.values(await numbersOf())).size, 5);
	},
);

t.test("users whose numbers are known ask nothing of Postgres", async (t) => {
	const { one } = await twoEngines(t);
	await one.store(["a", "b"]);
	one.numbers.begin();
	place(one.numbers, "b");
	await one.client.end();
	await t.resolves(numberUsers(one.client, one.numbers));
	place(one.numbers, "c");
	await t.rejects(numberUsers(one.client, one.numbers), "which a new one does");
});

t.test("a number that is not there after all is an alarm", async (t) => {
	const { client, one } = await twoEngines(t);
	await client.query(`
		CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
		CREATE TRIGGER lose BEFORE INSERT ON user_numbers FOR EACH ROW WHEN (NEW.user_id = 'a') EXECUTE FUNCTION lose()`);
	await t.rejects(one.begin(["a", "b"]), { message: "2 users were numbered, and 1 numbers are there" });
	await one.rollback();
	await t.rejects(one.begin(["a"]), { message: "1 users were numbered, and 0 numbers are there" });
	await one.rollback();
});
