/** Ctrl-C for commands that have something to finish: the first one asks them to stop, the second one ends at once. */
import { exitCodeOf } from "../exit-codes.ts";

export interface Interrupt {
	readonly signal: AbortSignal;
	/** Exit code by the signal that came; null while none has come. */
	exitCode(): number | null;
	/** Gives the signals back. */
	dispose(): void;
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

export function listenForInterrupt(): Interrupt {
	const controller = new AbortController();
	let code: number | null = null;
	const listener = (signal: NodeJS.Signals): void => {
		if (code !== null) process.exit(exitCodeOf(signal));
		code = exitCodeOf(signal);
		controller.abort();
	};
	for (const signal of SIGNALS) process.on(signal, listener);
	return {
		signal: controller.signal,
		exitCode: () => code,
		dispose() {
			for (const signal of SIGNALS) process.off(signal, listener);
		},
	};
}
