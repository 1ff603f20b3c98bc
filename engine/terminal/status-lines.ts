/** Where there is no view: a line of status in the log, every ten seconds while something happens. */
import type { EngineStatus } from "../../monitoring/status.ts";
import type { Log } from "../log.ts";
import type { Clock, Timer } from "../ports.ts";
import { type History, observe, paceOf } from "./history.ts";
import type { Shown } from "./live-view.ts";
import { statusLine } from "./status-line.ts";

/** Often enough to see that it works, seldom enough not to fill a log. */
export const LINE_MS = 10_000;
/** While nothing changes: a sign of life. */
export const QUIET_LINE_MS = 60_000;

export class StatusLines {
	readonly #log: Pick<Log, "info">;
	readonly #clock: Pick<Clock, "monotonicMs" | "after">;
	#history: History = [];
	#timer: Timer | null = null;
	#told: string | null = null;
	#toldAtMs = 0;

	constructor(log: Pick<Log, "info">, clock: Pick<Clock, "monotonicMs" | "after">) {
		this.#log = log;
		this.#clock = clock;
	}

	start(shown: Shown): void {
		this.#toldAtMs = this.#clock.monotonicMs();
		this.#look(shown.status());
		const tick = (): void => {
			this.#timer = this.#clock.after(LINE_MS, tick);
			this.#tell(shown.status());
		};
		this.#timer = this.#clock.after(LINE_MS, tick);
	}

	stop(): void {
		this.#timer?.cancel();
	}

	#tell(status: EngineStatus): void {
		this.#look(status);
		const nowMs = this.#clock.monotonicMs();
		const { totals, notReady, state } = status;
		// The log has just said why; its last line is the one that is looked for.
		if (state === "failed" || state === "stopped") return;
		// What the line is about; the lag alone moves with somebody else's traffic.
		const news = JSON.stringify([totals.stored, totals.deadLetters, state, notReady.map(withoutNumbers)]);
		if (news === this.#told && nowMs - this.#toldAtMs < QUIET_LINE_MS) return;
		this.#told = news;
		this.#toldAtMs = nowMs;
		const { text, fields } = statusLine(status, paceOf(this.#history));
		this.#log.info({ component: "status", ...fields }, text);
	}

	#look(status: EngineStatus): void {
		this.#history = observe(this.#history, status, this.#clock.monotonicMs());
	}
}

/** "has not answered for 12 s" is no news ten seconds later. */
function withoutNumbers(reason: string): string {
	return reason.replace(/\d+/g, "");
}
