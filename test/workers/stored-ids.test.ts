import fc from "fast-check";
import t from "tap";
import { type HourIds, StoredIds } from "../../workers/stored-ids.ts";

const seed = Number(process.env["FC_SEED"] ?? Date.now() % 2 ** 31);
fc.configureGlobal({ seed, numRuns: 500 });
t.comment(`fast-check seed ${seed} (FC_SEED repeats it)`);

function ids(users: readonly string[], sessions: readonly number[] = []): HourIds {
	return { users: new Set(users), sessions: new Set(sessions) };
}

t.test("what is added is known, per hour and per kind", async (t) => {
	const stored = new StoredIds(100);
	stored.add(1, ids(["a", "b"], [7]));
	stored.add(1, ids(["b", "c"], [8]));
	stored.add(2, ids(["z"]));
	t.same([...stored.of(1)!.users].sort(), ["a", "b", "c"]);
	t.same([...stored.of(1)!.sessions], [7, 8]);
	t.same([...stored.of(2)!.users], ["z"]);
	t.equal(stored.of(3), undefined);
	t.equal(stored.size, 6, "an id known twice counts once");
});

t.test("the oldest hours make room, whole, and only for newer ones", async (t) => {
	const stored = new StoredIds(4);
	stored.add(20, ids(["a", "b"]));
	stored.add(10, ids(["c"]));
	stored.add(30, ids(["d", "e"]));
	t.equal(stored.of(10), undefined, "the oldest hour went");
	t.equal(stored.of(20)?.users.size, 2);
	stored.add(5, ids(["late"]));
	t.equal(stored.of(5), undefined, "a straggler does not push out the hours in use");
	t.equal(stored.size, 4);
	stored.add(30, ids(["f"]));
	t.equal(stored.of(20), undefined);
	stored.add(30, ids(["g", "h"]));
	t.equal(stored.of(30)?.users.size, 3, "a full hour stops growing");
	t.equal(stored.size, 3);
	stored.add(40, ids(["1", "2", "3", "4", "5"]));
	t.equal(stored.of(40), undefined, "more than all the room is not kept");
	t.equal(stored.of(30)?.users.size, 3, "and evicts nothing");
});

t.test("no Set outgrows its limit", async (t) => {
	const stored = new StoredIds(1000, 10);
	for (let i = 0; i < 50; i++) stored.add(1, ids([`u${i}`], [i]));
	t.equal(stored.of(1)?.users.size, 10);
	t.equal(stored.of(1)?.sessions.size, 10);
	t.equal(stored.size, 20);
});

t.test("the number of hours is bounded too", async (t) => {
	const stored = new StoredIds(1_000_000);
	for (let hour = 0; hour < 10_000; hour++) stored.add(hour, ids(["u"]));
	t.equal(stored.size, 8784, "a leap year of hours");
	t.equal(stored.of(10_000 - 8784 - 1), undefined);
	t.ok(stored.of(9_999));
});

t.test("the version tells when an hour came or went, and clear leaves nothing", async (t) => {
	const stored = new StoredIds(2);
	const versions = [stored.version];
	stored.add(1, ids(["a"]));
	versions.push(stored.version);
	stored.add(2, ids(["b", "c"]));
	versions.push(stored.version);
	stored.clear();
	versions.push(stored.version);
	t.equal(new Set(versions).size, versions.length);
	t.equal(stored.size, 0);
	t.equal(stored.of(2), undefined);
	stored.add(1, ids(["a"]));
	t.equal(stored.size, 1);
});

t.test(
	"whatever is added, it stays within its limits, counts right, and never knows what it was not told",
	async (t) => {
		const batch = fc.record({
			hour: fc.integer({ min: -3, max: 12 }),
			users: fc.uniqueArray(fc.constantFrom(..."abcdefghij"), { maxLength: 8 }),
			sessions: fc.uniqueArray(fc.nat(9), { maxLength: 8 }),
		});
		fc.assert(
			fc.property(fc.array(batch, { maxLength: 60 }), fc.integer({ min: 0, max: 40 }), (batches, idsMax) => {
				const stored = new StoredIds(idsMax, 7);
				const told = new Set<string>();
				for (const { hour, users, sessions } of batches) {
					for (const user of users) told.add(`${hour} ${user}`);
					for (const session of sessions) told.add(`${hour} ${session}`);
					stored.add(hour, ids(users.slice(0, 7), sessions.slice(0, 7)));
					let size = 0;
					for (let at = -3; at <= 12; at++) {
						const known = stored.of(at);
						for (const id of [...(known?.users ?? []), ...(known?.sessions ?? [])]) {
							size++;
							if (!told.has(`${at} ${id}`)) return false;
						}
						if ((known?.users.size ?? 0) > 7 || (known?.sessions.size ?? 0) > 7) return false;
					}
					if (size !== stored.size || size > idsMax) return false;
				}
				return true;
			}),
		);
		t.pass("all histories held");
	},
);
