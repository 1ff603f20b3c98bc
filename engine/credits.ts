/** Below this a limit is not squeezed: one batch of Kafka must fit. */
const SQUEEZED_BYTES_MIN = 64 * 1024;

/**
 * The mark below which a full account is open again. Far below, Kafka and the actors stand still for long while Postgres
 * works, and then the other way round; too near, every pause throws away what was just fetched (K6).
 */
const OPEN_BELOW = 0.8;

/**
 * A byte account with two marks: full at the high one, open again only below the other. The gap keeps Kafka from
 * being paused and resumed for every batch, each time throwing away what was fetched (K6, #1376).
 */
export class Credit {
	readonly #bytesMax: number;
	#limit: number;
	#bytes = 0;
	#full = false;

	constructor(bytesMax: number) {
		this.#bytesMax = bytesMax;
		this.#limit = bytesMax;
	}

	/** Where it is full now; lower than it was made for while squeezed. */
	get bytesMax(): number {
		return this.#limit;
	}

	get bytes(): number {
		return this.#bytes;
	}

	get full(): boolean {
		return this.#full;
	}

	take(bytes: number): void {
		this.#bytes += bytes;
		if (this.#bytes > this.#limit) this.#full = true;
	}

	giveBack(bytes: number): void {
		this.#bytes = Math.max(0, this.#bytes - bytes);
		if (this.#bytes < this.#limit * OPEN_BELOW) this.#full = false;
	}

	clear(): void {
		this.#bytes = 0;
		this.#full = false;
	}

	/** What this many bytes became could not be finished in time: less from now on. */
	squeeze(bytes: number): void {
		const squeezed = Math.max(Math.min(this.#limit, Math.floor(bytes / 2)), SQUEEZED_BYTES_MIN);
		this.#limit = Math.min(squeezed, this.#bytesMax);
	}

	/** It went well: twice as much, up to what it was made for. */
	relax(): void {
		this.#limit = Math.min(this.#bytesMax, this.#limit * 2);
	}
}
