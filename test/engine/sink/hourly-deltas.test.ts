import assert from "node:assert/strict";
import fc from "fast-check";
import t from "tap";
import { hourlyDeltas } from "../../../engine/sink/hourly-deltas.ts";
import { CENTS_CARRY, centsOf } from "../../../workers/part.ts";
import { fold, part, windowsOf } from "../../support/frozen-parts.ts";
import { seedProperties } from "../../support/property-seed.ts";

seedProperties(t, 300);

t.test("nothing folded is no delta", async (t) => {
	t.same(hourlyDeltas([]), []);
	t.same(hourlyDeltas([part(0), part(1, [fold({ partition: 0 })])]), []);
});

t.test("hours come in the order in which every engine locks them, before 1970 too", async (t) => {
	const hours = [10, 9, -1, 100, 2, -14].map((hour) => ({ hour }));
	t.same(
		hourlyDeltas([part(0, [fold({ partition: 0, windows: windowsOf(hours) })])]).map(({ hour }) => hour),
		[-14, -1, 2, 9, 10, 100],
	);
});

t.test("one cent counts on either side of the carry", async (t) => {
	const windows = windowsOf([
		{ hour: 1, revenueHi: 2, revenueLo: CENTS_CARRY - 1, payoutHi: 3, payoutLo: 1 },
		{ hour: 1, revenueLo: 1 },
	]);
	const [delta] = hourlyDeltas([part(0, [fold({ partition: 0, windows })])]);
	t.equal(centsOf(delta!.revenueHi, delta!.revenueLo), 3n * 2n ** 52n);
	t.equal(centsOf(delta!.payoutHi, delta!.payoutLo), 3n * 2n ** 52n + 1n);
});

const count = fc.nat(1_000_000);
const window = fc.record({
	hour: fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -14, max: 70_000_000 })),
	revenueHi: fc.nat(2 ** 31 - 1),
	revenueLo: fc.maxSafeNat().map((n) => n % CENTS_CARRY),
	ticketCount: count,
	payoutHi: fc.nat(2 ** 31 - 1),
	payoutLo: fc.maxSafeNat().map((n) => n % CENTS_CARRY),
	payoutEvents: count,
	loginCount: count,
	eventCount: count,
});

t.test("the sums are exact past 2^53, whatever parts and folds the hours come from", async (t) => {
	let largest = 0n;
	fc.assert(
		fc.property(
			fc.array(fc.array(fc.array(window, { maxLength: 5 }), { maxLength: 3 }), { maxLength: 4 }),
			(all) => {
				const parts = all.map((folds, shard) =>
					part(
						shard,
						folds.map((rows, partition) => fold({ partition, windows: windowsOf(rows) })),
					),
				);
				const expected = new Map<number, bigint[]>();
				for (const row of all.flat(2)) {
					const sums = expected.get(row.hour) ?? [0n, 0n, 0n, 0n, 0n, 0n];
					expected.set(row.hour, sums);
					const added = [
						BigInt(row.revenueHi) * 4_503_599_627_370_496n + BigInt(row.revenueLo),
						BigInt(row.ticketCount),
						BigInt(row.payoutHi) * 4_503_599_627_370_496n + BigInt(row.payoutLo),
						BigInt(row.payoutEvents),
						BigInt(row.loginCount),
						BigInt(row.eventCount),
					];
					for (const [i, each] of added.entries()) sums[i]! += each;
				}
				const found = hourlyDeltas(parts);
				assert.equal(found.length, expected.size);
				for (const delta of found) {
					const { ticketCount, payoutEvents, loginCount, eventCount } = delta;
					assert.ok(delta.revenueLo < CENTS_CARRY && delta.payoutLo < CENTS_CARRY);
					const revenueCents = centsOf(delta.revenueHi, delta.revenueLo);
					const payoutCents = centsOf(delta.payoutHi, delta.payoutLo);
					const counts = [revenueCents, ticketCount, payoutCents, payoutEvents, loginCount, eventCount];
					assert.deepEqual(counts.map(BigInt), expected.get(delta.hour));
					if (revenueCents > largest) largest = revenueCents;
				}
			},
		),
	);
	t.ok(largest > 2n ** 60n, `the largest sum was ${largest}`);
});
