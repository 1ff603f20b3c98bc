import fc from "fast-check";
import t from "tap";
import { int8At, int8Elements } from "../../../engine/sink/int8-elements.ts";
import { int8, readElements } from "../../support/copy-reader.ts";
import { seedProperties } from "../../support/property-seed.ts";

seedProperties(t, 300);

t.test("numbers up to 2^53 become elements of int8, and can be read back", async (t) => {
	const edges = [0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, -1, -(2 ** 32), -(2 ** 32) - 1, -(2 ** 53)];
	const written = (values: readonly number[]) => int8Elements(Float64Array.from(values));
	t.same(readElements(written(edges)).map(int8), edges.map(BigInt));
	t.equal(written([]).length, 0);
	fc.assert(
		fc.property(fc.array(fc.oneof(fc.maxSafeInteger(), fc.integer()), { maxLength: 20 }), (values) => {
			const elements = written(values);
			const view = new DataView(elements.buffer, elements.byteOffset, elements.byteLength);
			return (
				readElements(elements)
					.map(int8)
					.every((value, i) => value === BigInt(values[i]!)) &&
				values.every((value, i) => int8At(view, i) === value)
			);
		}),
	);
});
