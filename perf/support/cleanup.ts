/** What has to be stopped and removed at the end of a run, whatever happened. */

export class Cleanup {
	readonly #actions: (() => Promise<void>)[] = [];
	#closing: Promise<readonly Error[]> | null = null;

	/** Last added, first run. After the end it runs at once: a run that was interrupted may still be making things. */
	add(action: () => Promise<void>): void {
		if (this.#closing === null) this.#actions.push(action);
		else this.#closing = this.#closing.then(async (errors) => [...errors, ...(await errorsOf(action))]);
	}

	/** Runs all of them, one after the other, also when one fails; gives what failed. Safe twice. */
	close(): Promise<readonly Error[]> {
		this.#closing ??= this.#run();
		return this.#closing;
	}

	async #run(): Promise<readonly Error[]> {
		const errors: Error[] = [];
		for (let action = this.#actions.pop(); action !== undefined; action = this.#actions.pop())
			errors.push(...(await errorsOf(action)));
		return errors;
	}
}

async function errorsOf(action: () => Promise<void>): Promise<readonly Error[]> {
	try {
		await action();
		return [];
	} catch (error) {
		return [error as Error];
	}
}
