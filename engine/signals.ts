/** Resolves with the signal's name at the first SIGINT or SIGTERM; the second one ends the process at once. */
export function nextSignal(onSecond: (signal: NodeJS.Signals) => never): Promise<NodeJS.Signals> {
	return new Promise((resolve) => {
		let asked = false;
		const listener = (signal: NodeJS.Signals): void => {
			if (asked) onSecond(signal);
			asked = true;
			resolve(signal);
		};
		process.on("SIGINT", listener);
		process.on("SIGTERM", listener);
	});
}
