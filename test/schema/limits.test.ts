import t from "tap";
import * as limits from "../../schema/limits.ts";

t.test("the limits fit together and into Postgres", async (t) => {
	t.equal(limits.SESSION_ID_MAX, Number.MAX_SAFE_INTEGER);
	t.ok(
		limits.AMOUNT_EXCLUSIVE_MAX * limits.CENTS_PER_UNIT < Number.MAX_SAFE_INTEGER,
		"the cents of one amount are exact",
	);
	t.equal(limits.AMOUNT_EXCLUSIVE_MAX, 10 ** (14 - 2), "numeric(14,2)");
	t.ok(
		nextDown(limits.AMOUNT_EXCLUSIVE_MAX) > limits.AMOUNT_EXCLUSIVE_MAX - 0.01 / 2,
		"doubles tell cents apart",
	);
	t.ok(limits.USER_ID_CODE_POINTS_MAX * 4 < 2704, "a user id fits into a btree entry");
	t.ok(limits.MICROS_DIGITS <= limits.FRACTION_DIGITS_MAX);
});

/** The neighbour of a positive double towards zero. */
function nextDown(value: number): number {
	const bits = new BigInt64Array(1);
	const double = new Float64Array(bits.buffer);
	double[0] = value;
	bits[0]! -= 1n;
	return double[0]!;
}
