/** Damage to bytes, as wires, disks and careless programs do it, and as somebody does who knows the scanner. */
import type { Random } from "../../producer/random.ts";

/** Bytes that mean something to JSON, or are just beside those that do. */
const TELLING = Buffer.from(
	'{}[]",:\\ \t\n\r\0\x1f!0123456789+-.eETZntf_/;\x7f\x80\xbf\xc0\xc2\xe0\xed\xf0\xf4\xff',
	"latin1",
);

/** `bytes` with one change; `other` is another text to take pieces from. */
export function mutated(bytes: Buffer, other: Buffer, random: Random): Buffer {
	const at = random.below(bytes.length + 1);
	const end = Math.min(bytes.length, at + 1 + random.below(8));
	const head = bytes.subarray(0, at);
	switch (random.below(8)) {
		case 0: {
			const flipped = Buffer.from(bytes);
			if (at < bytes.length) flipped[at]! ^= 1 << random.below(8);
			return flipped;
		}
		case 1:
			return Buffer.concat([head, Buffer.of(random.pick([...TELLING])), bytes.subarray(at)]);
		case 2:
			return Buffer.concat([head, bytes.subarray(Math.min(at + 1, bytes.length))]);
		case 3: {
			const replaced = Buffer.from(bytes);
			if (at < bytes.length) replaced[at] = random.pick([...TELLING]);
			return replaced;
		}
		case 4: {
			const from = random.below(other.length + 1);
			const piece = other.subarray(from, from + random.below(40));
			return Buffer.concat([head, piece, bytes.subarray(end)]);
		}
		case 5:
			return Buffer.concat([head, bytes.subarray(end)]);
		case 6:
			return Buffer.concat([head, bytes.subarray(at, end), bytes.subarray(at)]);
		default:
			return Buffer.from(head);
	}
}
