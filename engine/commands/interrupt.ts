/** Ctrl-C for commands that have something to finish: the first one asks them to stop, the second one ends at once. */
import { EXIT } from "../exit-codes.ts";

export interface Interrupt {
	readonly signal: AbortSignal;
	/** Exit code by the signal that came; null while none has come. */
	exitCode(): number | null;
	/** Gives the signals back. */
	dispose(): void;
}

/** 128 + SIGTERM. */
const TERMINATED = 143;

export function listenForInterrupt(): Interrupt {
	const controller = new AbortController();
	let code: number | null = null;
	const listen = (given: number) => () => {
		if (code !== null) process.exit(given);
		code = given;
		controller.abort();
	};
	const listeners = [
		["SIGINT", listen(EXIT.interrupted)],
		["SIGTERM", listen(TERMINATED)],
	] as const;
	for (const [signal, listener] of listeners) process.on(signal, listener);
	return {
		signal: controller.signal,
		exitCode: () => code,
		dispose() {
			for (const [signal, listener] of listeners) process.off(signal, listener);
		},
	};
}
