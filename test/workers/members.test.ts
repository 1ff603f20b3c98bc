import t from "tap";
import { Members } from "../../workers/members.ts";
import type { CandidateColumns } from "../../workers/part.ts";
import { StoredIds } from "../../workers/stored-ids.ts";
import { int8, readElements, text, timestamptz } from "../support/copy-reader.ts";

/** Pairs as `hour/id`, in the order of the columns. */
function pairs(columns: CandidateColumns, read: (id: Buffer | null) => unknown): string[] {
	const hours = readElements(columns.hours);
	const ids = readElements(columns.ids);
	t.equal(hours.length, columns.count);
	t.equal(ids.length, columns.count);
	return hours.map((hour, i) => `${timestamptz(hour) / 3_600_000_000n}/${read(ids[i]!)}`);
}

const users = (members: Members) => pairs(members.userColumns(), text).sort();
const sessions = (members: Members) => pairs(members.sessionColumns(), int8).sort();

t.test("each pair is told once, whatever the order of the hours", async (t) => {
	const members = new Members(new StoredIds(100));
	for (const [hour, id] of [
		[5, "a"],
		[6, "a"],
		[5, "b"],
		[5, "a"],
		[-14, "é"],
		[6, "a"],
	] as const) {
		members.addUser(hour, id);
	}
	members.addSession(5, 2 ** 53 - 1);
	members.addSession(5, 2 ** 53 - 1);
	members.addSession(6, 0);
	t.same(users(members), ["-14/é", "5/a", "5/b", "6/a"]);
	t.same(sessions(members), ["5/9007199254740991", "6/0"]);
});

t.test("stored pairs are not told, and pairs are stored only when their set is", async (t) => {
	const stored = new StoredIds(100);
	const first = new Members(stored);
	first.addUser(1, "a");
	first.addSession(1, 10);
	const second = new Members(stored);
	second.addUser(1, "a");
	second.addSession(1, 10);
	t.same(users(second), ["1/a"], "a pair of an earlier set that is not acknowledged is sent again");
	t.same(sessions(second), ["1/10"]);

	first.store();
	const third = new Members(stored);
	for (const user of ["a", "b"]) third.addUser(1, user);
	for (const session of [10, 11]) third.addSession(1, session);
	third.addUser(2, "a");
	t.same(users(third), ["1/b", "2/a"]);
	t.same(sessions(third), ["1/11"]);
});

t.test("an acknowledgement counts at once, in the middle of an hour", async (t) => {
	const stored = new StoredIds(100);
	const first = new Members(stored);
	first.addUser(1, "a");
	const second = new Members(stored);
	second.addUser(1, "b");
	first.store();
	second.addUser(1, "a");
	t.same(users(second), ["1/b"]);
});

t.test("after a clear everything is told again", async (t) => {
	const stored = new StoredIds(100);
	const first = new Members(stored);
	first.addUser(1, "a");
	first.store();
	const second = new Members(stored);
	second.addUser(1, "a");
	stored.clear();
	second.addUser(1, "a");
	t.same(users(second), ["1/a"]);
});

t.test("a Set that reaches its limit is followed by another, and no pair is lost", async (t) => {
	const stored = new StoredIds(100, 100);
	const byUser = new Members(stored, 3);
	const bySession = new Members(stored, 3);
	for (let i = 0; i < 10; i++) {
		byUser.addUser(1, `u${i}`);
		bySession.addSession(1, i);
	}
	t.same(
		users(byUser),
		Array.from({ length: 10 }, (_, i) => `1/u${i}`),
	);
	t.same(
		sessions(bySession),
		Array.from({ length: 10 }, (_, i) => `1/${i}`),
	);
	byUser.addUser(1, "u0");
	bySession.addSession(1, 0);
	t.equal(byUser.userColumns().count, 11, "a pair met again behind a full Set is told twice");
	t.equal(bySession.sessionColumns().count, 11);
	byUser.store();
	bySession.store();
	t.equal(stored.size, 20, "and all of them are stored");
});

t.test("an empty set has empty columns", async (t) => {
	const columns = new Members(new StoredIds(1)).userColumns();
	t.same([columns.count, columns.hours.length, columns.ids.length], [0, 0, 0]);
});
