import fc from "fast-check";
import t from "tap";
import { type LimitSettings, limitsOf } from "../../engine/limits.ts";
import { seedProperties } from "../support/property-seed.ts";

seedProperties(t, 500);

const MB = 1024 * 1024;
const SETTINGS: LimitSettings = { flushIntervalMs: 250, flushRowsMax: 20_000, inFlightBytesMax: 64 * MB };

t.test("the settings become limits", async (t) => {
	t.match(limitsOf(SETTINGS), {
		flushIntervalMs: 250,
		flushRowsMax: 20_000,
		setBytesMax: 64 * MB,
		flushBytesMax: 16 * MB,
		actorBytesMax: 16 * MB,
	});
});

t.test(
	"settings that would make a queue wait for itself are refused, with the rule they break",
	async (t) => {
		const refused = (settings: Partial<LimitSettings>, rule: RegExp) =>
			t.throws(() => limitsOf({ ...SETTINGS, ...settings }), { name: "RangeError", message: rule });
		refused({ flushRowsMax: 0 }, /flushRowsMax >= 1/);
		refused({ flushIntervalMs: 0 }, /flushIntervalMs >= 1/);
		refused({ inFlightBytesMax: 512 * 1024 - 1 }, /two slices fit into actorBytesMax/);
		refused({ inFlightBytesMax: Number.NaN }, /does not hold/);
	},
);

t.test("whatever is accepted, two sets and two slices fit in flight", async (t) => {
	const settings = fc.record({
		flushIntervalMs: fc.integer({ min: -1, max: 100_000 }),
		flushRowsMax: fc.integer({ min: -1, max: 10_000_000 }),
		inFlightBytesMax: fc.integer({ min: 0, max: 2 ** 40 }),
	});
	let accepted = 0;
	fc.assert(
		fc.property(settings, (each) => {
			let limits: ReturnType<typeof limitsOf>;
			try {
				limits = limitsOf(each);
			} catch {
				return each.flushIntervalMs < 1 || each.flushRowsMax < 1 || each.inFlightBytesMax < 512 * 1024;
			}
			accepted++;
			return (
				limits.flushBytesMax * 2 <= limits.setBytesMax &&
				limits.sliceBytesMax * 2 <= limits.actorBytesMax &&
				limits.backoffMs <= limits.backoffMsMax &&
				limits.flushRowsMax >= 1
			);
		}),
	);
	t.ok(accepted > 0, `${accepted} settings were accepted`);
});
