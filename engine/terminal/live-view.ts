/** Draws the view once a second, and prints the log above it. It may fail, the engine must not notice. */
import type { EngineStatus } from "../../monitoring/status.ts";
import type { Clock, Timer } from "../ports.ts";
import { frame, type Size } from "./frame.ts";
import { type History, observe } from "./history.ts";
import type { Output } from "./output.ts";
import { printableLines } from "./printable.ts";
import { Screen } from "./screen.ts";
import type { Style } from "./style.ts";
import { plural } from "./words.ts";

/** What is shown. */
export interface Shown {
	readonly url: string;
	status(): EngineStatus;
}

export interface LiveViewOptions {
	readonly out: Output;
	readonly style: Style;
	readonly clock: Pick<Clock, "nowMs" | "monotonicMs" | "after">;
	size(): Size;
	isForeground(): boolean;
	/** Told once, when drawing has failed; the view is gone then. */
	onError(error: unknown): void;
}

/** A person follows numbers at this pace, and the engine does not notice it. */
export const REPAINT_MS = 1_000;
/** In a flood of log lines the frame is not drawn between each two of them. */
const REPAINT_AFTER_LINES_MS = 100;
/** While the terminal has not taken everything. */
const RETRY_MS = 100;
/** How long the end of the process waits for a terminal that takes nothing. */
const FINISH_MS = 500;

export class LiveView {
	readonly #options: LiveViewOptions;
	readonly #screen: Screen;
	#shown: Shown | null = null;
	#history: History = [];
	#tick: Timer | null = null;
	#soon: Timer | null = null;
	#paintedAtMs = Number.NEGATIVE_INFINITY;
	#isClosed = false;

	constructor(options: LiveViewOptions) {
		this.#options = options;
		this.#screen = new Screen(options.out);
	}

	/** From now on the view stands below the log. */
	show(shown: Shown): void {
		if (this.#isClosed) return;
		this.#shown = shown;
		this.#look();
	}

	/** Lines of the log, above the view. */
	print(text: string): void {
		const { out, style, clock } = this.#options;
		const lines = printableLines(text, style.hasColors);
		if (this.#isClosed || !this.#isOurs()) {
			out.send(lines.replaceAll("\n", "\r\n"));
			return;
		}
		this.#screen.print(lines);
		if (out.isBlocked) this.#later(RETRY_MS);
		else if (clock.monotonicMs() - this.#paintedAtMs >= REPAINT_AFTER_LINES_MS) this.#paint();
		else this.#later(REPAINT_AFTER_LINES_MS);
	}

	/** The size of the terminal has changed. */
	resized(): void {
		if (this.#isClosed || !this.#isOurs()) return;
		this.#screen.resized(this.#options.size());
		this.#paint();
	}

	/** The process was stopped and goes on: the shell has written meanwhile. */
	continued(): void {
		this.#screen.forget();
		if (!this.#isClosed) this.#later(RETRY_MS);
	}

	/** Takes the view away; lines of the log are printed still. Safe twice. */
	close(): void {
		if (this.#isClosed) return;
		this.#isClosed = true;
		this.#tick?.cancel();
		this.#soon?.cancel();
		if (this.#isOurs()) this.#screen.clear();
		this.#options.out.finish(FINISH_MS);
	}

	#look(): void {
		this.#tick = this.#options.clock.after(REPAINT_MS, () => this.#look());
		this.#paint((status) => {
			this.#history = observe(this.#history, status, this.#options.clock.monotonicMs());
		});
	}

	#later(delayMs: number): void {
		this.#soon ??= this.#options.clock.after(delayMs, () => {
			this.#soon = null;
			this.#paint();
		});
	}

	/** @param note is shown the status first */
	#paint(note: (status: EngineStatus) => void = () => {}): void {
		if (this.#shown === null || this.#isClosed) return;
		try {
			const status = this.#shown.status();
			note(status);
			this.#draw(status, this.#shown.url);
		} catch (error) {
			this.close();
			this.#options.onError(error);
		}
	}

	#draw(status: EngineStatus, url: string): void {
		const { out, clock, style, size } = this.#options;
		out.flush();
		if (out.isBlocked) this.#later(RETRY_MS);
		if (out.isBlocked || !this.#isOurs()) return;
		if (out.dropped > 0) {
			this.#screen.print(
				`${plural(out.dropped, "line")} of the log left out: the terminal did not take them\n`,
			);
			out.dropped = 0;
		}
		this.#paintedAtMs = clock.monotonicMs();
		const history = this.#history;
		this.#screen.paint(frame({ status, history, nowMs: clock.nowMs(), url, size: size(), style }));
	}

	/** The terminal shows what we have drawn, and may be drawn on. */
	#isOurs(): boolean {
		if (this.#options.isForeground()) return true;
		this.#screen.forget();
		return false;
	}
}
