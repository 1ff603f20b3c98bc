/** What `start` shows of the running engine: a live view on a terminal, a line of status in the log elsewhere. */
import { Writable } from "node:stream";
import { messageOf } from "../core-errors.ts";
import { createLog, type Log, type LogSettings } from "../log.ts";
import type { Clock } from "../ports.ts";
import { isForeground } from "./foreground.ts";
import type { Size } from "./frame.ts";
import { LiveView, type Shown } from "./live-view.ts";
import { Output, openTerminalFile } from "./output.ts";
import { StatusLines } from "./status-lines.ts";
import { styleFor } from "./style.ts";

export interface Terminal {
	/** The log to use from now on: its lines stand above the view. */
	readonly log: Log;
	/** From now on this is shown. */
	show(shown: Shown): void;
	/** Takes the view away; the log goes on. Safe twice, never throws. */
	close(): void;
}

export interface TerminalOptions {
	/** False with `--no-tui`. */
	readonly wanted: boolean;
	readonly settings: LogSettings;
	readonly clock: Clock;
}

/** What is assumed of a terminal that does not tell its size. */
const SIZE_DEFAULT: Size = { columns: 80, rows: 24 };

/** @param log the one used so far */
export function openTerminal(log: Log, { wanted, settings, clock }: TerminalOptions): Terminal {
	const isTerminal = process.stderr.isTTY === true;
	return wanted && canDraw({ isTerminal, settings, env: process.env })
		? openLiveView(settings, clock)
		: openStatusLines(log, clock);
}

/**
 * Whether a view can be drawn and is of use: on a terminal that understands how to move the cursor, which shows no
 * JSON, is not silent, and is looked at by a person and not recorded by a build.
 */
export function canDraw(asked: {
	readonly isTerminal: boolean;
	readonly settings: LogSettings;
	readonly env: NodeJS.ProcessEnv;
}): boolean {
	const { isTerminal, settings, env } = asked;
	const isBuild = !["", "0", "false"].includes(env["CI"] ?? "");
	return (
		isTerminal &&
		env["TERM"] !== "dumb" &&
		!isBuild &&
		settings.format !== "json" &&
		settings.level !== "silent"
	);
}

function openStatusLines(log: Log, clock: Clock): Terminal {
	const lines = new StatusLines(log, clock);
	return { log, show: (shown) => lines.start(shown), close: () => lines.stop() };
}

function openLiveView(settings: LogSettings, clock: Clock): Terminal {
	const { stderr } = process;
	const view = new LiveView({
		out: new Output(openTerminalFile()),
		style: styleFor(process.env),
		clock,
		size: () => ({ columns: stderr.columns || SIZE_DEFAULT.columns, rows: stderr.rows || SIZE_DEFAULT.rows }),
		isForeground,
		onError: (error) => log.warn({ component: "terminal" }, `the view has failed: ${messageOf(error)}`),
	});
	const log = createLog(
		settings,
		new Writable({
			decodeStrings: false,
			write(text: string, _encoding, done) {
				view.print(String(text));
				done();
			},
		}),
	);
	const resized = (): void => view.resized();
	const continued = (): void => view.continued();
	const close = (): void => {
		view.close();
		stderr.off("resize", resized);
		process.off("SIGCONT", continued);
		process.off("exit", close);
	};
	stderr.on("resize", resized);
	process.on("SIGCONT", continued);
	// A second Ctrl-C and what nobody catches end the process from anywhere.
	process.on("exit", close);
	return { log, show: (shown) => view.show(shown), close };
}
