import fc from "fast-check";
import t from "tap";
import { UserNumbers } from "../../../engine/sink/user-numbers.ts";
import { createRandom } from "../../../producer/random.ts";
import { int8, readElements, text } from "../../support/copy-reader.ts";
import { seedProperties } from "../../support/property-seed.ts";
import { shuffled } from "../../support/shuffled.ts";

seedProperties(t, 200);

const PADDING = Buffer.from("<padding>");

/** The place of a user whose id is a range of something larger, as in a column of candidates. */
function placeOf(users: UserNumbers, id: string): number {
	const bytes = Buffer.concat([PADDING, Buffer.from(id), PADDING]);
	return users.placeOf(bytes, PADDING.length, bytes.length - PADDING.length);
}

const placesOf = (users: UserNumbers, ids: readonly string[]) => ids.map((id) => placeOf(users, id));
const numbersOf = (users: UserNumbers, ids: readonly string[]) =>
	placesOf(users, ids).map((place) => users.numberAt(place));

/** Ids of the users that are asked for, as Postgres would read them. */
function askedOf(users: UserNumbers): string[] {
	const { count, elements } = users.asked;
	const ids = readElements(elements).map(text);
	if (ids.length !== count) throw new Error(`${ids.length} of ${count} ids`);
	return ids;
}

const assignedOf = (users: UserNumbers) => readElements(users.assigned).map((field) => Number(int8(field)));

/** What Postgres answers: `int8send` of each, one behind the other. */
function int8send(numbers: readonly number[]): Buffer {
	const bytes = Buffer.alloc(8 * numbers.length);
	for (const [i, number] of numbers.entries()) bytes.writeBigInt64BE(BigInt(number), 8 * i);
	return bytes;
}

/** A set of these users that is committed, numbered from `blocks`. */
function commit(users: UserNumbers, ids: readonly string[], blocks: readonly number[] = []): void {
	users.begin();
	placesOf(users, ids);
	users.assign(blocks);
	users.keep();
}

const manyIds = (count: number, prefix = "user_") => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

t.test("the same id has the same place, another one the next", async (t) => {
	const users = new UserNumbers();
	t.same(placesOf(users, ["b", "a", "b", "", "ab", "ä", "", "a"]), [0, 1, 0, 2, 3, 4, 2, 1]);
	t.equal(users.count, 5);
});

t.test("ids whose hashes are equal are told apart", async (t) => {
	// A byte that is 0 adds nothing to a hash, nor does any behind the 1,024th.
	const long = "x".repeat(1_024);
	const ids = ["", "\0", "\0\0", "a", "a\0", `${long}a`, `${long}b`, `${long}aa`, long];
	const users = new UserNumbers();
	t.same(placesOf(users, ids), range(0, ids.length));
	t.same(placesOf(users, ids.toReversed()), range(0, ids.length).toReversed());
	t.same(askedOf(users), ids);
});

t.test("asked are those whose numbers are not kept, in the order in which they came", async (t) => {
	const users = new UserNumbers();
	t.same(askedOf(users), [], "nobody yet");
	placesOf(users, ["d", "", "b", "d", "größer 🎲", "b"]);
	t.same(askedOf(users), ["d", "", "b", "größer 🎲"]);
	users.assign([0]);
	t.same(askedOf(users), ["d", "", "b", "größer 🎲"], "given is not kept");
	users.keep();
	t.same(askedOf(users), []);
	users.begin();
	placesOf(users, ["b", "a", "", "c"]);
	t.same(askedOf(users), ["a", "c"]);
	t.same(users.asked.count, 2, "which are the last places");
	t.same(placesOf(users, ["a", "c"]), [users.count - 2, users.count - 1]);
});

t.test("blocks are wanted only for those whom what is left does not reach", async (t) => {
	const wantedFor = (left: number, users: number): number => {
		const numbers = new UserNumbers();
		if (left > 0) commit(numbers, manyIds(1_024 - left, "before_"), [0]);
		numbers.begin();
		placesOf(numbers, manyIds(users));
		return numbers.blocksWanted;
	};
	for (const [left, users, blocks] of [
		[0, 0, 0],
		[0, 1, 1],
		[0, 1_024, 1],
		[0, 1_025, 2],
		[0, 3_000, 3],
		[1, 1, 0],
		[1, 2, 1],
		[1, 1_025, 1],
		[1, 1_026, 2],
		[1_000, 0, 0],
	] as const) {
		t.equal(wantedFor(left, users), blocks, `${users} users, ${left} numbers left`);
	}
});

t.test("what is left of a block is given before the next, wherever that lies", async (t) => {
	const users = new UserNumbers();
	commit(users, manyIds(1_000), [5]);
	t.same(numbersOf(users, manyIds(1_000)), range(5 * 1_024, 5 * 1_024 + 1_000));
	users.begin();
	placesOf(users, manyIds(1_060, "more_"));
	t.equal(users.blocksWanted, 2);
	users.assign([9, 2 ** 40]);
	const wanted = [
		...range(5 * 1_024 + 1_000, 6 * 1_024),
		...range(9 * 1_024, 10 * 1_024),
		...range(2 ** 50, 2 ** 50 + 12),
	];
	t.same(assignedOf(users), wanted);
	t.same(numbersOf(users, manyIds(1_060, "more_")), wanted);
});

t.test("no number is given twice, though the set that had it was not committed", async (t) => {
	const users = new UserNumbers();
	users.begin();
	placesOf(users, ["a", "b"]);
	users.assign([0]);
	users.begin();
	placesOf(users, ["b", "c"]);
	t.equal(users.blocksWanted, 0);
	users.assign([]);
	t.same(assignedOf(users), [2, 3]);
});

t.test(
	"numbers given to users who had one go to the next, in ascending order, before any other",
	async (t) => {
		const users = new UserNumbers();
		users.begin();
		placesOf(users, ["a", "known", "b", "also known"]);
		users.assign([0]);
		users.answer(int8send([0, 7_001, 2, 7_002]));
		users.keep();
		users.begin();
		placesOf(users, manyIds(1_022));
		t.equal(users.blocksWanted, 0, "with the two that came back");
		placesOf(users, ["one more"]);
		t.equal(users.blocksWanted, 1);
		users.assign([9]);
		t.same(assignedOf(users), [1, 3, ...range(4, 1_024), 9 * 1_024]);
	},
);

t.test("what Postgres answers counts, not what was given", async (t) => {
	const users = new UserNumbers();
	commit(users, ["kept"], [0]);
	users.begin();
	placesOf(users, ["a", "kept", "b", "c"]);
	users.assign([]);
	users.answer(int8send([2 ** 53 - 1, 7, 2 ** 32]));
	t.same(numbersOf(users, ["a", "b", "c", "kept"]), [2 ** 53 - 1, 7, 2 ** 32, 0]);
	users.keep();
	users.begin();
	t.same(numbersOf(users, ["c", "b", "a", "kept"]), [2 ** 32, 7, 2 ** 53 - 1, 0], "and goes on counting");
});

t.test("the next set forgets what was not kept", async (t) => {
	const users = new UserNumbers();
	commit(users, ["a"], [3]);
	users.begin();
	t.equal(users.count, 1);
	placesOf(users, ["a", "b"]);
	users.assign([]);
	users.begin();
	placesOf(users, ["b"]);
	t.same(askedOf(users), ["b"], "it has a number nowhere");
	users.begin();
	t.equal(users.count, 0);
});

t.test("a set that met nobody new and was not committed costs no memory of others", async (t) => {
	const users = new UserNumbers();
	commit(users, ["a", "b"], [0]);
	users.begin();
	placesOf(users, ["b"]);
	users.begin();
	t.same(numbersOf(users, ["a", "b"]), [0, 1]);
	t.same(askedOf(users), []);
});

t.test("beyond so many users the next set forgets all, and numbers go on where they were", async (t) => {
	const users = new UserNumbers(3);
	commit(users, ["a", "b", "c"], [0]);
	users.begin();
	t.same([users.count, askedOf(users)], [3, []], "as many as may be");
	placesOf(users, ["d", "e"]);
	users.assign([]);
	users.keep();
	t.same(numbersOf(users, ["a", "b", "c", "d", "e"]), range(0, 5), "a set that has begun keeps what it has");
	users.begin();
	t.equal(users.count, 0);
	placesOf(users, ["e"]);
	t.same(askedOf(users), ["e"]);
	users.assign([]);
	t.same(assignedOf(users), [5]);
});

t.test("a table that had grown and was forgotten begins anew", async (t) => {
	const users = new UserNumbers(10_000);
	commit(users, manyIds(20_000, "x"), range(0, 20));
	users.begin();
	t.equal(users.count, 0);
	const ids = [...manyIds(2, "x"), "new"];
	placesOf(users, ids);
	t.same(askedOf(users), ids);
	users.assign([]);
	users.keep();
	t.same(numbersOf(users, ids), [20_000, 20_001, 20_002]);
});

t.test("memory is bounded by the bytes of the ids as well", async (t) => {
	const users = new UserNumbers();
	const padding = "x".repeat(1_000);
	commit(users, manyIds(30_000, padding), range(0, 30));
	users.begin();
	t.equal(users.count, 30_000, "30 MB are kept");
	placesOf(users, manyIds(4_000, `${padding}more_`));
	users.assign(range(30, 34));
	users.keep();
	users.begin();
	t.equal(users.count, 0, "34 MB are not");
	placesOf(users, manyIds(3, padding));
	t.same(askedOf(users), manyIds(3, padding), "all are asked for again");
});

t.test("tens of thousands of users of any length keep their places and numbers", async (t) => {
	const random = createRandom(Number(process.env["FC_SEED"] ?? 1));
	const letters = ["a", "b", "Z", "ü", "€", "🎲", " "];
	const name = (length: number) => Array.from({ length }, () => random.pick(letters)).join("");
	const ids = [...new Set(["", ...Array.from({ length: 40_000 }, () => name(random.below(40)))])];
	const users = new UserNumbers();
	const wanted = new Map<string, number>();
	let block = 0;
	for (let at = 0; at < ids.length; at += 5_000) {
		const set = shuffled(ids.slice(0, at + 5_000), random);
		users.begin();
		for (const id of set) if (!wanted.has(id)) wanted.set(id, wanted.size);
		placesOf(users, set);
		users.assign(range(block, block + users.blocksWanted));
		block = Math.ceil(wanted.size / 1_024);
		users.keep();
	}
	t.equal(users.count, ids.length);
	const order = shuffled(ids, random);
	const wrong = order.filter((id) => numbersOf(users, [id])[0] !== wanted.get(id));
	t.same(wrong.slice(0, 5), [], `${wrong.length} of ${order.length} have another number`);
	t.same(askedOf(users), [], "and nobody was taken for new");
});

const USERS_MAX = 12;

/** `answers`: somebody else numbered one of the users first, so that all are asked for. */
const sets = fc.array(
	fc.record({
		ids: fc.array(fc.oneof(fc.constantFrom("", "a", "b", "c", "ab", "ä"), fc.string({ unit: "grapheme" })), {
			maxLength: 12,
		}),
		isAnswered: fc.boolean(),
		isCommitted: fc.boolean(),
	}),
	{ maxLength: 12 },
);

t.test("whatever sets are committed or not, numbers are those of a Map, each given once", async () => {
	fc.assert(
		fc.property(sets, (sets) => {
			const users = new UserNumbers(USERS_MAX);
			const given = new Set<number>();
			const check = (holds: boolean, what: string) => {
				if (!holds) throw new Error(what);
			};
			let kept = new Map<string, number>();
			let blocks = 0;
			for (const { ids, isAnswered, isCommitted } of sets) {
				if (kept.size > USERS_MAX) kept = new Map();
				users.begin();
				// What was not committed may have taken some of the others with it.
				if (users.count === 0) kept = new Map();
				check(users.count === kept.size, `${users.count} users are there, and ${kept.size} are kept`);
				const places = placesOf(users, ids);
				const asked = [...new Set(ids)].filter((id) => !kept.has(id));
				check(askedOf(users).join("|") === asked.join("|"), `asked: ${askedOf(users)}, not ${asked}`);
				const wanted = users.blocksWanted;
				users.assign(range(blocks, blocks + wanted));
				blocks += wanted;
				const assigned = assignedOf(users);
				check(
					assigned.every((number) => !given.has(number)),
					"a number is given twice",
				);
				for (const number of assigned) given.add(number);
				check(given.size <= blocks * 1_024 && assigned.length === asked.length, "too many numbers");
				const numbers = isAnswered ? assigned.map((number) => 2 ** 40 + number) : assigned;
				if (isAnswered) {
					users.answer(int8send(numbers));
					for (const number of assigned) given.delete(number);
				}
				const set = new Map([...kept, ...asked.map((id, i) => [id, numbers[i]!] as const)]);
				for (const [i, id] of ids.entries()) {
					check(users.numberAt(places[i]!) === set.get(id), `another number for ${JSON.stringify(id)}`);
				}
				if (!isCommitted) continue;
				users.keep();
				kept = set;
			}
		}),
	);
});
