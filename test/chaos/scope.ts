/** What the helpers of the tests want of a test, for a program that is none: a place to hang the cleaning up on. */
import type { Test } from "tap";

export class Scope {
	/** False from the first failure on: what cleans up then shows its logs. */
	isFine = true;
	readonly #handlers: (() => unknown)[] = [];
	readonly #say: (line: string) => void;

	constructor(say: (line: string) => void) {
		this.#say = say;
	}

	teardown(handler: () => unknown): void {
		this.#handlers.push(handler);
	}

	passing(): boolean {
		return this.isFine;
	}

	comment(...message: unknown[]): void {
		this.#say(message.join(" "));
	}

	/** For helpers that ask for a whole test and use no more of it than is here. */
	get asTest(): Test {
		return this as unknown as Test;
	}

	/** The last first, as they depend on each other; one that fails keeps nobody from being called. */
	async close(): Promise<void> {
		for (let handler = this.#handlers.pop(); handler !== undefined; handler = this.#handlers.pop()) {
			try {
				await handler();
			} catch (error) {
				this.#say(`while cleaning up: ${(error as Error).message}`);
			}
		}
	}
}
