/**
 * A byte account with two marks: full at the high one, open again only below half of it. The gap keeps Kafka from
 * being paused and resumed for every batch, each time throwing away what was fetched (K6, #1376).
 */
export class Credit {
	readonly bytesMax: number;
	#bytes = 0;
	#full = false;

	constructor(bytesMax: number) {
		this.bytesMax = bytesMax;
	}

	get bytes(): number {
		return this.#bytes;
	}

	get full(): boolean {
		return this.#full;
	}

	take(bytes: number): void {
		this.#bytes += bytes;
		if (this.#bytes > this.bytesMax) this.#full = true;
	}

	giveBack(bytes: number): void {
		this.#bytes = Math.max(0, this.#bytes - bytes);
		if (this.#bytes < this.bytesMax / 2) this.#full = false;
	}

	clear(): void {
		this.#bytes = 0;
		this.#full = false;
	}
}
