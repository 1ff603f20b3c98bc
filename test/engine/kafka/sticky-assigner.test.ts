import assert from "node:assert/strict";
import fc from "fast-check";
import { AssignerProtocol } from "kafkajs";
import t from "tap";
import { assignSticky, type Member, stickyAssigner } from "../../../engine/kafka/sticky-assigner.ts";
import { seedProperties } from "../../support/property-seed.ts";

seedProperties(t, 500);

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const membersOf = (assigned: ReadonlyMap<string, readonly number[]>): Member[] =>
	[...assigned].map(([memberId, owned]) => ({ memberId, owned }));

function assertFair(partitions: readonly number[], assigned: ReadonlyMap<string, readonly number[]>): void {
	const all = [...assigned.values()].flat().sort((a, b) => a - b);
	assert.deepEqual(all, [...partitions], "every partition exactly once");
	const counts = [...assigned.values()].map(({ length }) => length);
	assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `counts ${counts}`);
}

/** How many partitions with an owner stay where they are. */
function kept(members: readonly Member[], assigned: ReadonlyMap<string, readonly number[]>): number {
	return members.reduce(
		(sum, { memberId, owned }) =>
			sum + (assigned.get(memberId) ?? []).filter((partition) => owned.includes(partition)).length,
		0,
	);
}

/** The most that any even spread can leave in place, when no partition has two owners. */
function mostKept(partitions: number, members: readonly Member[]): number {
	const quota = Math.floor(partitions / members.length);
	const above = members.filter(({ owned }) => owned.length > quota).length;
	const within = members.reduce((sum, { owned }) => sum + Math.min(owned.length, quota), 0);
	return within + Math.min(above, partitions % members.length);
}

t.test("without a history partitions are dealt out evenly, in order", async (t) => {
	const assigned = assignSticky(range(7), [
		{ memberId: "b", owned: [] },
		{ memberId: "a", owned: [] },
	]);
	t.same(Object.fromEntries(assigned), { a: [0, 2, 4, 6], b: [1, 3, 5] });
});

t.test("a member that joins takes only what it must", async (t) => {
	const assigned = assignSticky(range(8), [
		{ memberId: "a", owned: [0, 1, 2, 3] },
		{ memberId: "b", owned: [4, 5, 6, 7] },
		{ memberId: "c", owned: [] },
	]);
	t.same(Object.fromEntries(assigned), { a: [0, 1, 2], b: [4, 5, 6], c: [3, 7] });
});

t.test("more members than partitions leave some without", async (t) => {
	const assigned = assignSticky(
		[0],
		[
			{ memberId: "a", owned: [] },
			{ memberId: "b", owned: [0] },
		],
	);
	t.same(Object.fromEntries(assigned), { a: [], b: [0] });
});

const owners = fc.tuple(fc.integer({ min: 1, max: 8 }), fc.array(fc.nat(9), { maxLength: 40 }));

/** Members that own disjoint parts of a topic, as uneven as can be; owner 8 and 9 left the group. */
const history = owners.map(([count, ownerOf]) => {
	const members = range(count).map((i) => {
		const owned = ownerOf.flatMap((owner, partition) => (owner === i ? [partition] : []));
		return { memberId: `member-${i}`, owned };
	});
	return { partitions: range(ownerOf.length), members };
});

t.test("whatever was owned, the spread is fair and as few partitions move as possible", async (t) => {
	fc.assert(
		fc.property(history, ({ partitions, members }) => {
			const assigned = assignSticky(partitions, members);
			assertFair(partitions, assigned);
			assert.equal(kept(members, assigned), mostKept(partitions.length, members));
		}),
	);
	t.pass("all histories held");
});

t.test("when nothing changed nothing moves", async (t) => {
	fc.assert(
		fc.property(history, ({ partitions, members }) => {
			const assigned = assignSticky(partitions, members);
			assert.deepEqual(assignSticky(partitions, membersOf(assigned)), assigned);
		}),
	);
	t.pass("all assignments held");
});

t.test("a member that leaves moves only its own partitions; one that joins only what it gets", async (t) => {
	fc.assert(
		fc.property(history, fc.nat(7), ({ partitions, members }, leaver) => {
			const before = membersOf(assignSticky(partitions, members));
			const joined = [...before, { memberId: "new", owned: [] }];
			const after = assignSticky(partitions, joined);
			assertFair(partitions, after);
			assert.equal(kept(joined, after), partitions.length - after.get("new")!.length);
			if (before.length === 1) return;
			const stayed = before.filter((_, i) => i !== leaver % before.length);
			const without = assignSticky(partitions, stayed);
			assertFair(partitions, without);
			assert.equal(
				kept(stayed, without),
				stayed.reduce((sum, { owned }) => sum + owned.length, 0),
			);
		}),
	);
	t.pass("all changes held");
});

t.test("the order in which members are listed does not matter", async (t) => {
	fc.assert(
		fc.property(history, fc.nat(7), ({ partitions, members }, turn) => {
			const turned = [...members.slice(turn), ...members.slice(0, turn)].reverse();
			assert.deepEqual(assignSticky(partitions, turned), assignSticky(partitions, members));
		}),
	);
	t.pass("all orders held");
});

t.test("nonsense about the past harms nobody: two owners, repeated and unknown partitions", async (t) => {
	const members = fc.uniqueArray(
		fc.record({ memberId: fc.string({ maxLength: 3 }), owned: fc.array(fc.integer({ min: -2, max: 30 })) }),
		{ minLength: 1, maxLength: 8, selector: ({ memberId }) => memberId },
	);
	fc.assert(
		fc.property(fc.nat(25), members, (count, members) => {
			assertFair(range(count), assignSticky(range(count), members));
		}),
	);
	t.pass("all pasts held");
});

const { MemberMetadata, MemberAssignment } = AssignerProtocol;

/** The assigner as kafkajs calls it, over a topic with these partitions. */
function assignerOver(partitionIds: readonly number[], owned: () => readonly number[]) {
	const asked: string[] = [];
	const cluster = {
		findTopicPartitionMetadata: (topic: string) => {
			asked.push(topic);
			return partitionIds.map((partitionId) => ({ partitionId }));
		},
	};
	const make = stickyAssigner("events", owned);
	return { assigner: make({ cluster } as unknown as Parameters<typeof make>[0]), asked };
}

t.test("what a member owns travels in its user data, asked anew at every join", async (t) => {
	let owned: readonly number[] = [];
	const { assigner } = assignerOver([], () => owned);
	const says = () =>
		JSON.parse(String(MemberMetadata.decode(assigner.protocol({ topics: ["events"] }).metadata)!.userData));
	t.same(says(), []);
	owned = [3, 1];
	t.same(says(), [3, 1]);
	t.same(MemberMetadata.decode(assigner.protocol({ topics: ["events"] }).metadata)?.topics, ["events"]);
	t.equal(assigner.protocol({ topics: [] }).name, assigner.name);
});

t.test("the leader answers every member with its partitions, a silent or unreadable one too", async (t) => {
	const { assigner, asked } = assignerOver([2, 0, 1, 3], () => []);
	const saying = (text: string) =>
		MemberMetadata.encode({ version: 0, topics: ["events"], userData: Buffer.from(text) });
	const answers = await assigner.assign({
		members: [
			{ memberId: "a", memberMetadata: saying("[3, 1]") },
			{ memberId: "b", memberMetadata: saying("not JSON") },
			{ memberId: "c", memberMetadata: saying('{"owned": [2]}') },
			{ memberId: "d", memberMetadata: Buffer.alloc(0) },
		],
		topics: ["events"],
	});
	const assigned = Object.fromEntries(
		answers.map(({ memberId, memberAssignment }) => [
			memberId,
			MemberAssignment.decode(memberAssignment)?.assignment["events"],
		]),
	);
	t.same(asked, ["events"]);
	t.same(assigned, { a: [3], b: [0], c: [1], d: [2] });
});
