import t from "tap";
import { IdHash } from "../../workers/id-hash.ts";
import { Members } from "../../workers/members.ts";
import { StoredIds } from "../../workers/stored-ids.ts";
import { addUser, anagrams, sessionPairs, userPairs, weakHash } from "../support/id-pairs.ts";

t.test("each pair is told once, in the order in which it was met", async (t) => {
	const members = new Members(new StoredIds(100));
	for (const [hour, id] of [
		[5, "a"],
		[6, "a"],
		[5, "b"],
		[5, "a"],
		[-14, "é"],
		[6, "a"],
		[5, "ab"],
	] as const) {
		addUser(members, hour, id);
	}
	members.addSession(5, 2 ** 53 - 1);
	members.addSession(5, 2 ** 53 - 1);
	members.addSession(6, 0);
	members.addSession(5, 2 ** 32);
	t.same(userPairs(members), ["5/a", "6/a", "5/b", "-14/é", "5/ab"]);
	t.same(sessionPairs(members), ["5/9007199254740991", "6/0", "5/4294967296"]);
});

t.test("the longest ids and the last hours of the year 9999 are told exactly", async (t) => {
	const members = new Members(new StoredIds(100));
	const lastHour = Date.UTC(9999, 11, 31, 23) / 3_600_000;
	const longest = ["\u{10ffff}".repeat(256), `${"\u{10ffff}".repeat(255)}\u{10fffe}`];
	for (const id of [...longest, ...longest]) addUser(members, lastHour, id);
	t.same(
		userPairs(members),
		longest.map((id) => `${lastHour}/${id}`),
	);
});

t.test("stored pairs are not told, and pairs are stored only when their set is", async (t) => {
	const stored = new StoredIds(100);
	const first = new Members(stored);
	addUser(first, 1, "a");
	first.addSession(1, 10);
	const second = new Members(stored);
	addUser(second, 1, "a");
	second.addSession(1, 10);
	t.same(userPairs(second), ["1/a"], "a pair of an earlier set that is not acknowledged is sent again");
	t.same(sessionPairs(second), ["1/10"]);

	first.store();
	first.store();
	t.equal(stored.size, 2);
	const third = new Members(stored);
	for (const user of ["a", "b"]) addUser(third, 1, user);
	for (const session of [10, 11]) third.addSession(1, session);
	addUser(third, 2, "a");
	t.same(userPairs(third), ["1/b", "2/a"]);
	t.same(sessionPairs(third), ["1/11"]);
});

t.test(
	"a stream in which everybody is new is told whole, and hardly kept, until somebody comes again",
	async (t) => {
		const stored = new StoredIds(1_000_000);
		const users = 10_000;
		/** A committed set of these users in one hour, and one session; how many pairs were told. */
		const told = (hour: number): number => {
			const members = new Members(stored);
			for (let user = 0; user < users; user++) addUser(members, hour, `u${user}`);
			members.addSession(hour, hour);
			const { length } = userPairs(members);
			members.store();
			return length;
		};
		for (let hour = 0; hour < 20; hour++) t.equal(told(hour), users);
		// The first four decide; of the 16 behind them one in eight is a trial.
		const kept = (stored.size - 20) / users;
		t.ok(kept >= 5 && kept <= 7, `${kept} of 20; sessions are too few to decide anything, and are kept`);
		const again = Array.from({ length: 60 }, () => told(100));
		t.ok(again.includes(0), "the trials found out");
		t.same(again.slice(-10), Array(10).fill(0), "and it is known to stay");
	},
);

t.test("what was stored twice is used again by one partition only", async (t) => {
	const stored = new StoredIds(100);
	const first = new Members(stored);
	addUser(first, 1, "a");
	first.store();
	first.store();
	const [second, third] = [new Members(stored), new Members(stored)];
	addUser(second, 2, "b");
	addUser(third, 2, "c");
	second.addSession(2, 1);
	t.same([...userPairs(second), ...userPairs(third)], ["2/b", "2/c"]);
	t.same([...sessionPairs(second), ...sessionPairs(third)], ["2/1"]);
});

t.test("an acknowledgement counts at once, in the middle of an hour", async (t) => {
	const stored = new StoredIds(100);
	const first = new Members(stored);
	addUser(first, 1, "a");
	const second = new Members(stored);
	addUser(second, 1, "b");
	first.store();
	addUser(second, 1, "a");
	t.same(userPairs(second), ["1/b"]);
});

t.test("after a clear everything is told again", async (t) => {
	const stored = new StoredIds(100);
	const first = new Members(stored);
	addUser(first, 1, "a");
	first.store();
	const second = new Members(stored);
	addUser(second, 1, "a");
	stored.clear();
	addUser(second, 1, "a");
	t.same(userPairs(second), ["1/a"]);
});

t.test("columns are buffers of their own", async (t) => {
	const members = new Members(new StoredIds(100));
	addUser(members, 1, "a");
	const { hours, ids } = members.userColumns();
	t.equal(hours.buffer.byteLength, 12, "nothing is charged that is not sent");
	t.equal(ids.buffer.byteLength, 5);
	hours.fill(0);
	ids.fill(0);
	t.same(userPairs(members), ["1/a"], "and what becomes of them does no harm");
	t.same([...new Members(new StoredIds(1)).userColumns().ids], []);
});

t.test("the same hash is not the same pair", async (t) => {
	const stored = new StoredIds(100, weakHash(1));
	const members = new Members(stored);
	for (const [hour, id] of [
		[1, "ab"],
		[256, "ab"],
		[1, "ba"],
	] as const) {
		addUser(members, hour, id);
	}
	t.same(userPairs(members), ["1/ab", "256/ab", "1/ba"]);
	members.store();
	const next = new Members(stored);
	for (const id of ["ab", "ba", "ba", "c`"]) addUser(next, 1, id);
	addUser(next, 256, "ba");
	t.same(userPairs(next), ["1/c`", "256/ba"]);
});

t.test("the beginning of an id is not the id, even under one hash for all", async (t) => {
	const ids = ["abc", "ab", "a", "abcd"];
	const stored = new StoredIds(100, new IdHash((keys) => keys.fill(0)));
	const members = new Members(stored);
	for (const id of ids) addUser(members, 1, id);
	t.equal(userPairs(members).length, 4);
	members.store();
	t.equal(stored.size, 4);
	const next = new Members(stored);
	for (const id of [...ids, "abcde", "b"]) addUser(next, 1, id);
	t.same(userPairs(next), ["1/abcde", "1/b"]);
});

t.test("ids that collide cost one new hash, and none of them is lost", async (t) => {
	const ids = anagrams(2_000);
	const stored = new StoredIds(10_000, weakHash(1));
	const members = new Members(stored);
	for (const id of [...ids, ...ids]) addUser(members, 7, id);
	t.equal(stored.generation, 1);
	const told = userPairs(members);
	t.same(new Set(told), new Set(ids.map((id) => `7/${id}`)));
	t.ok(told.length <= 2_001, `${told.length} pairs are told`);
	members.store();
	t.equal(stored.size, 2_000);
	const next = new Members(stored);
	for (const id of ids) addUser(next, 7, id);
	t.equal(next.userColumns().count, 0, "and each is found under its new hash");
});

t.test("a collision that the stored ids meet first costs one new hash, too", async (t) => {
	const ids = anagrams(2_000);
	const stored = new StoredIds(10_000, weakHash(1));
	// Small sets, so that no set alone is crowded.
	for (let from = 0; from < ids.length; from += 100) {
		const members = new Members(stored);
		for (const id of ids.slice(from, from + 100)) addUser(members, 7, id);
		members.store();
	}
	t.equal(stored.generation, 1);
	t.equal(stored.size, 1_999, "the one that was refused is told again");
	const next = new Members(stored);
	for (const id of ids) addUser(next, 7, id);
	t.equal(next.userColumns().count, 1);
});

t.test("were every hash bad, all would be told, some more than once, and hashes seldom drawn", async (t) => {
	const ids = anagrams(1_500);
	const stored = new StoredIds(10_000, weakHash(1_000));
	const members = new Members(stored);
	for (const id of ids) addUser(members, 7, id);
	members.addSession(7, 1);
	t.same(new Set(userPairs(members)), new Set(ids.map((id) => `7/${id}`)));
	members.store();
	t.ok(stored.size > 200 && stored.size < 300, `${stored.size} are stored`);
	t.ok(stored.generation <= 12, `hashes were drawn ${stored.generation} times`);
	const next = new Members(stored);
	for (const id of ids) addUser(next, 7, id);
	t.ok(next.userColumns().count > 1_200);
});
