import assert from "node:assert/strict";
import fc from "fast-check";
import t from "tap";
import { Ledger } from "../../engine/ledger.ts";
import type { CommitSet } from "../../engine/ports.ts";
import type { FrozenPart } from "../../workers/part.ts";
import { fold, part } from "../support/frozen-parts.ts";
import { seedProperties } from "../support/property-seed.ts";

seedProperties(t, 500);

const PARTITIONS = 3;
const SHARDS = 2;

/** A record somewhere on its way, as the model sees it. */
interface Held {
	readonly partition: number;
	readonly epoch: number;
	readonly shard: number;
	readonly bytes: number;
}

/**
 * The world around a ledger: a log per partition, actors that fold, answers under way, and the rows of Postgres.
 * Set contents are tracked as plain lists of records, which is what the ledger's sums must agree with.
 */
class World {
	readonly ledger = new Ledger(SHARDS);
	/** Bytes charged, as the flusher keeps them. */
	credit = 0;
	readonly positions = Array.from({ length: PARTITIONS }, () => 0);
	readonly durable = Array.from({ length: PARTITIONS }, () => 0);
	readonly epochs = Array.from({ length: PARTITIONS }, () => 1);
	readonly committedRecords = Array.from({ length: PARTITIONS }, () => 0);
	/** Records in the log below each position that was ever reached, by offset: true is a record, false a gap. */
	readonly log = Array.from({ length: PARTITIONS }, () => [] as boolean[]);
	open: Held[] = [];
	waiting: { set: number; held: Held[] } | null = null;
	committing: { set: CommitSet; held: Held[] } | null = null;
	/** What the actors hold since their last barrier: stale records stay when the actor was not told (it always is). */
	readonly actors: Held[][] = Array.from({ length: SHARDS }, () => []);
	readonly answers: { set: number; part: FrozenPart }[] = [];

	accept(partition: number, spots: readonly boolean[], bytes: number, shardOf: (i: number) => number): void {
		const log = this.log[partition]!;
		const from = this.positions[partition]!;
		const to = from + spots.length;
		for (let at = log.length; at < to; at++) log.push(spots[at - from]!);
		const epoch = this.epochs[partition]!;
		const held: Held[] = [];
		for (let at = from; at < to; at++) {
			if (log[at]) held.push({ partition, epoch, shard: shardOf(at), bytes });
		}
		const total = bytes * held.length;
		const identity = { offset: to - 1, timestampMs: 0, hash: new Uint8Array(16) };
		this.ledger.accept(
			{
				partition,
				epoch,
				from,
				to,
				records: held.length,
				bytes: total,
				first: held.length > 0 ? { timestampMs: from } : null,
				last: held.length > 0 ? identity : null,
			},
			0,
		);
		this.credit += total;
		this.open.push(...held);
		for (const record of held) this.actors[record.shard]!.push(record);
		this.positions[partition] = to;
	}

	freeze(): void {
		const isPossible = this.ledger.open !== null && this.waiting === null;
		const frozen = this.ledger.freeze();
		assert.equal(frozen !== null, isPossible);
		if (frozen === null) return;
		this.waiting = { set: frozen.set, held: this.open };
		this.open = [];
		for (let shard = 0; shard < SHARDS; shard++) {
			this.answers.push({ set: frozen.set, part: part(shard, foldsOf(this.actors[shard]!)) });
			this.actors[shard] = [];
		}
	}

	/** One answer arrives, in any order, and perhaps twice. */
	answer(at: number, twice: boolean): void {
		if (this.answers.length === 0) return;
		const [one] = this.answers.splice(at % this.answers.length, 1);
		const isLast = !this.answers.some(({ set }) => set === one!.set) && this.waiting?.set === one!.set;
		assert.equal(this.ledger.part(one!.set, one!.part), isLast);
		if (twice) assert.equal(this.ledger.part(one!.set, one!.part), false);
	}

	take(): void {
		const set = this.waiting?.set ?? 1;
		const isPossible =
			this.waiting !== null && this.committing === null && !this.answers.some((answer) => answer.set === set);
		const taken = this.ledger.take(set, 0);
		assert.equal(taken !== null, isPossible);
		if (taken === null) return;
		for (const range of taken.ranges) {
			assert.equal(range.from, this.durable[range.partition], "ranges are contiguous");
			assert.equal(range.epoch, this.epochs[range.partition]);
			const spots = this.log[range.partition]!.slice(range.from, range.to);
			assert.equal(range.records, spots.filter(Boolean).length);
			assert.equal(range.gaps, spots.filter((spot) => !spot).length);
		}
		const folded = taken.parts.flatMap(({ folds }) => folds);
		for (const one of folded) assert.equal(one.epoch, this.epochs[one.partition], "no stale fold");
		this.committing = { set: taken, held: this.waiting!.held };
		this.waiting = null;
	}

	committed(): void {
		const expected = this.committing;
		const done = this.ledger.committed(expected?.set.set ?? 1);
		assert.equal(done !== null, expected !== null);
		if (done === null || expected === null) return;
		this.credit -= done.bytes;
		this.store(expected.set);
		this.committing = null;
	}

	store(set: CommitSet): void {
		for (const range of set.ranges) {
			assert.equal(range.from, this.durable[range.partition]);
			this.durable[range.partition] = range.to;
			this.committedRecords[range.partition]! += range.records;
		}
	}

	/** Lost and claimed again; the claim waits for the COMMIT that holds the row, so that its outcome is decided. */
	forget(partition: number): void {
		const mine = (held: readonly Held[]): Held[] => held.filter((record) => record.partition === partition);
		const others = (held: readonly Held[]): Held[] => held.filter((record) => record.partition !== partition);
		const free = [...mine(this.open), ...mine(this.waiting?.held ?? [])];
		const bytes = this.ledger.forget([partition]);
		assert.equal(bytes, bytesOf(free));
		this.credit -= bytes;
		this.open = others(this.open);
		if (this.waiting !== null) this.waiting.held = others(this.waiting.held);
		for (let shard = 0; shard < SHARDS; shard++) this.actors[shard] = others(this.actors[shard]!);
		if (this.committing?.set.ranges.some((range) => range.partition === partition)) this.committed();
		this.epochs[partition]!++;
		this.positions[partition] = this.durable[partition]!;
	}

	/** Step 9; the set in COMMIT was stored or was not. */
	drop(wasStored: boolean): void {
		const pending = this.open.length + (this.waiting?.held.length ?? 0) + (this.committing?.held.length ?? 0);
		assert.equal(this.ledger.drop(), pending);
		this.credit = 0;
		if (this.committing !== null && wasStored) this.store(this.committing.set);
		this.open = [];
		this.waiting = null;
		this.committing = null;
		for (let shard = 0; shard < SHARDS; shard++) this.actors[shard] = [];
		for (let p = 0; p < PARTITIONS; p++) {
			this.epochs[p]!++;
			this.positions[p] = this.durable[p]!;
		}
	}

	check(): void {
		const { ledger } = this;
		const pairs = [
			[ledger.open, this.open],
			[ledger.waiting, this.waiting?.held ?? []],
			[ledger.committing, this.committing?.held ?? []],
		] as const;
		for (const [set, held] of pairs) {
			assert.equal(set?.records ?? 0, held.length);
			assert.equal(set?.bytes ?? 0, bytesOf(held));
		}
		const all = pairs.flatMap(([, held]) => held);
		assert.equal(ledger.pendingRecords, all.length);
		assert.equal(this.credit, bytesOf(all), "the credit is what the sets hold");
	}
}

const bytesOf = (held: readonly Held[]): number => held.reduce((sum, { bytes }) => sum + bytes, 0);

function foldsOf(held: readonly Held[]) {
	const counts = new Map<
		string,
		{ partition: number; epoch: number; rowCount: number; deadLetterCount: number }
	>();
	for (const [i, { partition, epoch }] of held.entries()) {
		const key = `${partition}:${epoch}`;
		const counted = counts.get(key) ?? { partition, epoch, rowCount: 0, deadLetterCount: 0 };
		counts.set(key, counted);
		if (i % 3 === 0) counted.deadLetterCount++;
		else counted.rowCount++;
	}
	return [...counts.values()].map((counted) => fold(counted));
}

type Step = (world: World) => void;
const accept = fc
	.tuple(fc.nat(PARTITIONS - 1), fc.array(fc.boolean(), { minLength: 1, maxLength: 6 }), fc.nat(9), fc.nat(7))
	.map(([partition, spots, bytes, salt]): Step => {
		return (world) => world.accept(partition, spots, bytes, (i) => (i ^ salt) % SHARDS);
	});
const step: fc.Arbitrary<Step> = fc.oneof(
	{ weight: 6, arbitrary: accept },
	{ weight: 4, arbitrary: fc.constant<Step>((world) => world.freeze()) },
	{
		weight: 8,
		arbitrary: fc.tuple(fc.nat(9), fc.boolean()).map(
			([at, twice]): Step =>
				(world) =>
					world.answer(at, twice),
		),
	},
	{ weight: 4, arbitrary: fc.constant<Step>((world) => world.take()) },
	{ weight: 4, arbitrary: fc.constant<Step>((world) => world.committed()) },
	fc.nat(PARTITIONS - 1).map(
		(partition): Step =>
			(world) =>
				world.forget(partition),
	),
	fc.boolean().map(
		(wasStored): Step =>
			(world) =>
				world.drop(wasStored),
	),
);

t.test(
	"in any order of events, ranges stay contiguous, and records, bytes and credit agree with what is held",
	async (t) => {
		let commits = 0;
		fc.assert(
			fc.property(fc.array(step, { minLength: 10, maxLength: 120 }), (steps) => {
				const world = new World();
				for (const next of steps) {
					next(world);
					world.check();
				}
				// Whatever is left can be brought to its end, and then everything read is stored once.
				for (let round = 0; round < 3; round++) {
					while (world.answers.length > 0) world.answer(0, false);
					world.take();
					world.committed();
					world.freeze();
				}
				assert.ok(world.ledger.idle);
				assert.equal(world.credit, 0);
				for (let p = 0; p < PARTITIONS; p++) {
					assert.equal(world.durable[p], world.positions[p]);
					const records = world.log[p]!.slice(0, world.durable[p]).filter(Boolean).length;
					assert.equal(world.committedRecords[p], records, "each record below the offset was committed once");
					commits += records;
				}
			}),
		);
		t.ok(commits > 1000, "the histories did commit something");
	},
);
