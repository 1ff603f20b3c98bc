/** The events of a corpus as the scanner reads them, kept, for the stages behind it. */
import { createValidator } from "../../schema/validate.ts";
import { EventJudge } from "../../workers/event-judge.ts";
import { EventScanner } from "../../workers/event-scanner.ts";
import { createFoldedEvent, type FoldedEvent } from "../../workers/folded-event.ts";
import { type PackedSlice, SliceReader } from "../../workers/slice.ts";

/** What `NearEvents` keeps of an event besides its user. */
const NUMBERS = 9;

/** As an actor has them: one each, for good. */
const scanner = new EventScanner();
const judge = new EventJudge(createValidator());
const event = createFoldedEvent();

/** Calls `use` with each event; `event` and `reader` are reused. @throws Error for a value that is no event */
export function forEachEvent(
	slices: readonly PackedSlice[],
	use: (event: FoldedEvent, reader: SliceReader, partition: number) => void,
): void {
	for (const slice of slices) {
		const reader = new SliceReader(slice);
		scanner.open(reader.values);
		judge.open(reader.values);
		for (const { partition, count } of slice.runs) {
			for (let i = 0; i < count; i++) {
				reader.next();
				const { valueStart, valueEnd } = reader;
				if (!scanner.scan(valueStart, valueEnd, event) && judge.judge(valueStart, valueEnd, event) !== null)
					throw new Error("the corpus holds a value that is no event");
				use(event, reader, partition);
			}
		}
	}
}

/** The first events of some slices in columns, few enough to stay in the cache, where the scanner leaves its event. */
export class NearEvents {
	static readonly countMax = 4_096;
	readonly #numbers = new Float64Array(NearEvents.countMax * NUMBERS);
	readonly #users: Uint8Array<ArrayBuffer>[] = [];
	#count = 0;

	constructor(slices: readonly PackedSlice[]) {
		const first = slices.slice(0, Math.ceil(NearEvents.countMax / Math.max(1, slices[0]?.count ?? 1)) + 1);
		forEachEvent(first, (event, { offset, timestampMs }) => {
			if (this.#count === NearEvents.countMax) return;
			const { seconds, micros, typeIndex, sessionId, cents, user, userStart, userEnd } = event;
			this.#numbers.set(
				[seconds, micros, typeIndex, sessionId, cents, userStart, userEnd, offset, timestampMs],
				this.#count * NUMBERS,
			);
			this.#users.push(user);
			this.#count++;
		});
	}

	get count(): number {
		return this.#count;
	}

	/** Loads one; `offset` and `timestampMs` are its record's. */
	load(index: number, event: FoldedEvent, record: { offset: number; timestampMs: number }): void {
		const numbers = this.#numbers;
		const at = index * NUMBERS;
		event.seconds = numbers[at]!;
		event.micros = numbers[at + 1]!;
		event.typeIndex = numbers[at + 2]!;
		event.sessionId = numbers[at + 3]!;
		event.cents = numbers[at + 4]!;
		event.user = this.#users[index]!;
		event.userStart = numbers[at + 5]!;
		event.userEnd = numbers[at + 6]!;
		record.offset = numbers[at + 7]!;
		record.timestampMs = numbers[at + 8]!;
	}
}
