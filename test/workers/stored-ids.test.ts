import t from "tap";
import { IdHash } from "../../workers/id-hash.ts";
import { Members } from "../../workers/members.ts";
import { StoredIds } from "../../workers/stored-ids.ts";
import { addUser, sessionPairs, userPairs } from "../support/id-pairs.ts";

/** Room for so many ids, which are kept whatever comes of them. */
const keeping = (idsMax: number) => new StoredIds(idsMax, new IdHash(), Number.MAX_SAFE_INTEGER);

/** Commits a set with these pairs. */
function store(stored: StoredIds, hour: number, users: readonly string[], sessions: readonly number[] = []) {
	const members = new Members(stored);
	for (const user of users) addUser(members, hour, user);
	for (const session of sessions) members.addSession(hour, session);
	members.store();
}

/** Those of the ids that would be told again. */
function unknown(
	stored: StoredIds,
	hour: number,
	users: readonly string[],
	sessions: readonly number[] = [],
) {
	const members = new Members(stored);
	for (const user of users) addUser(members, hour, user);
	for (const session of sessions) members.addSession(hour, session);
	return [...userPairs(members), ...sessionPairs(members)].map((pair) => pair.split("/")[1]);
}

t.test("what is added is known, per hour and per kind", async (t) => {
	const stored = keeping(100);
	store(stored, 1, ["a", "b"], [7]);
	store(stored, 1, ["b", "c"], [8]);
	store(stored, 2, ["z"]);
	t.same(unknown(stored, 1, ["a", "b", "c", "z"], [7, 8, 9]), ["z", "9"]);
	t.same(unknown(stored, 2, ["a", "z"], [7]), ["a", "7"]);
	t.equal(stored.size, 6, "an id known twice counts once");
	const sessionAsText = "\0\0\0\0\0\0\0\u0007";
	t.same(unknown(stored, 1, [sessionAsText]), [sessionAsText], "a user may be called what a session is");
});

t.test("the oldest hours make room, whole, and only for newer ones", async (t) => {
	const stored = keeping(4);
	store(stored, 20, ["a", "b"]);
	store(stored, 10, ["c"]);
	store(stored, 30, ["d", "e"]);
	t.equal(stored.of(10), undefined, "the oldest hour went");
	t.same(unknown(stored, 20, ["a", "b"]), []);
	store(stored, 5, ["late"]);
	t.equal(stored.of(5), undefined, "a straggler does not push out the hours in use");
	t.equal(stored.size, 4);
	store(stored, 30, ["f"]);
	t.equal(stored.of(20), undefined);
	t.equal(stored.size, 3);
	store(stored, 30, ["g", "h"]);
	t.same(unknown(stored, 30, ["d", "e", "f", "g", "h"]), ["h"], "a full hour stops growing");
	store(stored, 30, ["d", "e"]);
	t.same(unknown(stored, 30, ["d", "e", "f", "g"]), [], "and a known id needs no room");
});

t.test("the number of hours is bounded too", async (t) => {
	const stored = keeping(1_000_000);
	for (let hour = 0; hour < 10_000; hour++) store(stored, hour, ["u"]);
	t.equal(stored.size, 8784, "a leap year of hours");
	t.equal(stored.of(10_000 - 8784 - 1), undefined);
	t.ok(stored.of(9_999));
});

t.test("memory is bounded by bytes as well, since ids may be long", async (t) => {
	const stored = keeping(1_000);
	for (let i = 0; i < 1_000; i++) store(stored, Math.floor(i / 100), [`${i}${"x".repeat(1_000)}`]);
	t.ok(stored.size < 200, `${stored.size} ids are kept`);
	t.ok(stored.byteLength < 2 * (65_536 + 64 * 1_000), `${stored.byteLength} bytes`);
	t.ok(stored.of(9), "of the newest hours");
});

t.test("pairs cost about 40 bytes each where tables have just grown", async (t) => {
	const stored = keeping(2_000_000);
	const bytes = Buffer.alloc(16);
	for (let hour = 0; hour < 6; hour++) {
		const sum = stored.hash.hourSum(hour);
		for (let user = 0; user < 41_700; user++) {
			const end = bytes.write(`user_${user}`);
			stored.add("users", hour, stored.hash.of(sum, bytes, 0, end), bytes, 0, end);
		}
	}
	t.equal(stored.size, 6 * 41_700);
	t.ok(stored.byteLength / stored.size < 42, `${stored.byteLength / stored.size} bytes each`);
});

t.test("720 hours with few users each cost little", async (t) => {
	const stored = keeping(1_000_000);
	for (let hour = 0; hour < 720; hour++) store(stored, hour, ["user_1", "user_2", "user_3"], [hour]);
	t.equal(stored.size, 720 * 4);
	t.ok(stored.byteLength / 720 < 600, `${stored.byteLength / 720} bytes an hour`);
});

t.test("clear leaves nothing, and the version tells when an hour came or went", async (t) => {
	const stored = keeping(2);
	const versions = [stored.version];
	store(stored, 1, ["a"]);
	versions.push(stored.version);
	store(stored, 2, ["b", "c"]);
	versions.push(stored.version);
	stored.clear();
	versions.push(stored.version);
	t.equal(new Set(versions).size, versions.length);
	t.equal(stored.size, 0);
	t.equal(stored.byteLength, 0);
	t.equal(stored.of(2), undefined);
	store(stored, 1, ["a"]);
	t.equal(stored.size, 1);
});
