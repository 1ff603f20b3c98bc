/** A short run of `npm run fuzz`, another one each time. */
import t from "tap";
import { createRandom } from "../../producer/random.ts";
import { Campaign } from "../fuzz/campaign.ts";
import { Differential } from "../fuzz/differential.ts";
import { ticket } from "../support/lottery-event.ts";

const FUZZED_EVENTS = 30_000;

t.test(`${FUZZED_EVENTS} mutated events are read as the judge reads them`, async (t) => {
	const seed = Number(process.env["FC_SEED"] ?? Date.now() % 2 ** 31);
	t.comment(`seed ${seed} (FC_SEED repeats it)`);
	const campaign = new Campaign(createRandom(seed));
	for (let i = 0; i < FUZZED_EVENTS; i++) {
		const failure = campaign.next();
		if (failure !== null) throw new Error(failure);
	}
	t.comment(campaign.summary());
	t.ok(campaign.counts.taken > FUZZED_EVENTS / 10, "enough of them were taken");
	t.ok(campaign.counts["left bad"] > FUZZED_EVENTS / 10, "and enough were no events");
});

const differential = new Differential();
const nothing = Buffer.alloc(0);

t.test("whatever single byte is changed, added or missing, scanner and judge agree", async (t) => {
	const event = Buffer.from(ticket({ amount: "12.34", extra: { v: "x", n: -1.5e3 } }));
	let left = 0;
	for (let at = 0; at < event.length; at++) {
		for (const byte of Buffer.from('{}[]":,;\\ \t\0\x1f0159-+.eETZabs_\x7f\x80\xc2\xff', "latin1")) {
			const changed = Buffer.from(event);
			changed[at] = byte;
			const longer = Buffer.concat([event.subarray(0, at), Buffer.of(byte), event.subarray(at)]);
			for (const value of [changed, longer])
				if (differential.compare(value, nothing, nothing) === "left bad") left++;
		}
		differential.compare(Buffer.concat([event.subarray(0, at), event.subarray(at + 1)]), nothing, nothing);
	}
	t.ok(left > 1000, `${left} were no events any more`);
});
