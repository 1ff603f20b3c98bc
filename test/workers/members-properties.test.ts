/**
 * Members and stored ids against a model of plain Sets: whatever partitions meet, in whatever order sets are frozen,
 * acknowledged (as a whole or for some partitions), forgotten and dropped, and hours evicted.
 */
import fc from "fast-check";
import t from "tap";
import { Members } from "../../workers/members.ts";
import { StoredIds } from "../../workers/stored-ids.ts";
import { addUser, sessionPairs, userPairs, weakHash } from "../support/id-pairs.ts";
import { seedProperties } from "../support/property-seed.ts";

seedProperties(t, 300);

const PARTITIONS = 3;

interface Pair {
	readonly kind: "user" | "session";
	readonly hour: number;
	readonly id: number;
}
type Step =
	| { readonly do: "add"; readonly partition: number; readonly pairs: readonly Pair[] }
	| { readonly do: "freeze" }
	| { readonly do: "acknowledge"; readonly partitions: readonly boolean[] }
	| { readonly do: "forget"; readonly partition: number }
	| { readonly do: "drop" };

/** What a partition met in a set, and what may be left out of it. */
interface Open {
	readonly members: Members;
	readonly met: Set<string>;
}

const nameOf = ({ kind, hour, id }: Pair): string => `${kind} ${hour}/${kind === "user" ? `u${id}` : id}`;

const pair: fc.Arbitrary<Pair> = fc.record({
	kind: fc.constantFrom("user", "session"),
	// 256 apart, which a sum of bytes cannot tell from 1 and 0.
	hour: fc.constantFrom(-1, 0, 1, 2, 256, 512),
	id: fc.oneof(fc.nat(9), fc.constantFrom(12, 21, 2 ** 32, 2 ** 53 - 1)),
});
const step: fc.Arbitrary<Step> = fc.oneof(
	{
		weight: 8,
		arbitrary: fc.record({
			do: fc.constant("add"),
			partition: fc.nat(PARTITIONS - 1),
			pairs: fc.array(pair, { maxLength: 20 }),
		}),
	},
	{ weight: 4, arbitrary: fc.record({ do: fc.constant("freeze") }) },
	{
		weight: 4,
		arbitrary: fc.record({
			do: fc.constant("acknowledge"),
			partitions: fc.array(fc.boolean(), { minLength: PARTITIONS, maxLength: PARTITIONS }),
		}),
	},
	{ weight: 1, arbitrary: fc.record({ do: fc.constant("forget"), partition: fc.nat(PARTITIONS - 1) }) },
	{ weight: 1, arbitrary: fc.record({ do: fc.constant("drop") }) },
);

class Model {
	readonly #stored: StoredIds;
	readonly #idsMax: number;
	/** Everything that was committed since the last drop: what may be known. */
	readonly #committed = new Set<string>();
	#open = new Map<number, Open>();
	#awaiting: Map<number, Open>[] = [];
	#pairsTold = 0;

	constructor(idsMax: number, weakDraws: number) {
		this.#stored = new StoredIds(idsMax, weakHash(weakDraws));
		this.#idsMax = idsMax;
	}

	run(step: Step): void {
		switch (step.do) {
			case "add":
				for (const pair of step.pairs) this.#add(step.partition, pair);
				break;
			case "freeze":
				for (const open of this.#open.values()) this.#check(open);
				this.#awaiting.push(this.#open);
				this.#open = new Map();
				break;
			case "acknowledge":
				this.#acknowledge(step.partitions);
				break;
			case "forget":
				for (const set of [this.#open, ...this.#awaiting]) set.delete(step.partition);
				break;
			case "drop":
				this.#open.clear();
				this.#awaiting = [];
				this.#committed.clear();
				this.#stored.clear();
				break;
		}
		if (this.#stored.size > Math.min(this.#idsMax, this.#committed.size)) {
			throw new Error(`${this.#stored.size} ids are stored, of ${this.#committed.size} committed`);
		}
	}

	/** All that was committed and is left must be told by nobody, when nothing had to make room. */
	finish(): void {
		const open: Open = { members: new Members(this.#stored), met: new Set() };
		if (this.#committed.size > this.#idsMax) return;
		for (const name of this.#committed) addByName(open.members, name);
		const told = toldBy(open.members);
		if (told.length > 0) throw new Error(`${told} was committed and is not known`);
	}

	get pairsTold(): number {
		return this.#pairsTold;
	}

	#add(partition: number, pair: Pair): void {
		let open = this.#open.get(partition);
		if (open === undefined) {
			open = { members: new Members(this.#stored), met: new Set() };
			this.#open.set(partition, open);
		}
		const name = nameOf(pair);
		addByName(open.members, name);
		// What is committed when it is met may be left out, what is committed later may not have been.
		if (!this.#committed.has(name)) open.met.add(name);
	}

	/** Told is everything that was not committed when it was met, nothing that was not met, each once. */
	#check({ members, met }: Open): void {
		const told = toldBy(members);
		const unique = new Set(told);
		if (unique.size !== told.length) throw new Error(`told twice: ${told}`);
		for (const name of met) if (!unique.has(name)) throw new Error(`${name} was not told`);
		for (const name of told) {
			if (!met.has(name) && !this.#committed.has(name)) throw new Error(`${name} was never met`);
		}
		this.#pairsTold += told.length;
	}

	#acknowledge(partitions: readonly boolean[]): void {
		const set = this.#awaiting.shift();
		for (const [partition, { members }] of set ?? []) {
			if (!partitions[partition]) continue;
			for (const name of toldBy(members)) this.#committed.add(name);
			members.store();
		}
	}
}

function addByName(members: Members, name: string): void {
	const [kind, hour, id] = name.split(/[ /]/) as [Pair["kind"], string, string];
	if (kind === "user") addUser(members, Number(hour), id);
	else members.addSession(Number(hour), Number(id));
}

function toldBy(members: Members): string[] {
	return [
		...userPairs(members).map((pair) => `user ${pair}`),
		...sessionPairs(members).map((pair) => `session ${pair}`),
	];
}

t.test("what is told is what the model says, whatever happens on the way", async (t) => {
	let pairsTold = 0;
	const idsMax = fc.oneof(fc.nat(12), fc.constant(1_000));
	fc.assert(
		fc.property(fc.array(step, { maxLength: 60 }), idsMax, fc.nat(1), (steps, idsMax, weakDraws) => {
			const model = new Model(idsMax, weakDraws);
			for (const each of steps) model.run(each);
			model.finish();
			pairsTold += model.pairsTold;
		}),
	);
	t.ok(pairsTold > 1_000, `${pairsTold} pairs were told in all runs`);
});
