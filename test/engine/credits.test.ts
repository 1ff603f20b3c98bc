import fc from "fast-check";
import t from "tap";
import { Credit } from "../../engine/credits.ts";
import { seedProperties } from "../support/property-seed.ts";

seedProperties(t, 500);

t.test("it is full above the limit, and open again only below four fifths of it", async (t) => {
	const credit = new Credit(100);
	credit.take(100);
	t.notOk(credit.full, "exactly the limit is not too much");
	credit.take(1);
	t.ok(credit.full);
	credit.giveBack(21);
	t.equal(credit.bytes, 80);
	t.ok(credit.full, "exactly at the mark is not below it");
	credit.giveBack(1);
	t.notOk(credit.full);
	credit.take(20);
	t.notOk(credit.full, "between the marks it stays as it was");
});

t.test("clearing forgets everything", async (t) => {
	const credit = new Credit(10);
	credit.take(11);
	credit.clear();
	t.equal(credit.bytes, 0);
	t.notOk(credit.full);
});

t.test("more given back than taken leaves nothing, never a debt", async (t) => {
	const credit = new Credit(10);
	credit.take(3);
	credit.giveBack(5);
	t.equal(credit.bytes, 0);
	credit.take(11);
	t.ok(credit.full, "no room was won by it");
});

t.test("whatever is taken and given back, it counts right and changes only at its marks", async (t) => {
	fc.assert(
		fc.property(
			fc.integer({ min: 1, max: 50 }),
			fc.array(fc.integer({ min: -30, max: 30 })),
			(max, steps) => {
				const credit = new Credit(max);
				let bytes = 0;
				let full = false;
				for (const step of steps) {
					if (step >= 0) credit.take(step);
					else credit.giveBack(-step);
					bytes = Math.max(0, bytes + step);
					if (bytes > max) full = true;
					else if (bytes < max * 0.8) full = false;
					if (credit.bytes !== bytes || credit.full !== full) return false;
				}
				return true;
			},
		),
	);
	t.pass("all histories held");
});

t.test("a squeezed account is full sooner, and has its old size back after some good commits", async (t) => {
	const credit = new Credit(10_000_000);
	credit.squeeze(4_000_000);
	t.equal(credit.bytesMax, 2_000_000);
	credit.take(2_000_001);
	t.ok(credit.full);
	credit.squeeze(100);
	t.equal(credit.bytesMax, 64 * 1024, "one batch must fit");
	for (let i = 0; i < 10; i++) credit.relax();
	t.equal(credit.bytesMax, 10_000_000);
	credit.giveBack(1);
	t.notOk(credit.full);
});

t.test("squeezing never lifts a limit", async (t) => {
	const credit = new Credit(8_000);
	credit.squeeze(100);
	t.equal(credit.bytesMax, 8_000);
});
