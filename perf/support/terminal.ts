/** What a person sees on stderr while a scenario runs: notes, and how far a long step is. */
import cliProgress from "cli-progress";

export interface Terminal {
	note(message: string): void;
	progress(label: string, done: number, total: number): void;
	/** Takes the bar away. */
	close(): void;
}

/** Without a terminal a step says so often how far it is, in ms: a log of a CI should tell, not drown. */
const LINE_INTERVAL_MS = 5_000;

/** @param now milliseconds on any clock that does not jump */
export function openTerminal(
	stream: NodeJS.WriteStream,
	now: () => number = () => performance.now(),
): Terminal {
	return stream.isTTY ? withBar(stream) : withLines(stream, now);
}

function withLines(stream: NodeJS.WritableStream, now: () => number): Terminal {
	let label = "";
	let saidAtMs = 0;
	let said = "";
	return {
		note: (message) => void stream.write(`${message}\n`),
		progress(step, done, total) {
			if (step === label && now() - saidAtMs < LINE_INTERVAL_MS) return;
			// A step that is over before its first line is worth none.
			if (step !== label && done >= total) return;
			const line = `${step}: ${percent(done, total)}`;
			if (line === said) return;
			label = step;
			saidAtMs = now();
			said = line;
			stream.write(`${line}\n`);
		},
		close() {},
	};
}

function withBar(stream: NodeJS.WriteStream): Terminal {
	let bar: cliProgress.SingleBar | null = null;
	let label = "";
	const close = () => {
		bar?.stop();
		bar = null;
		label = "";
	};
	return {
		note(message) {
			close();
			stream.write(`${message}\n`);
		},
		progress(step, done, total) {
			if (bar === null || step !== label) {
				close();
				label = step;
				bar = new cliProgress.SingleBar(
					{
						format: "{label} [{bar}] {percentage}% {value}/{total}",
						stream,
						clearOnComplete: true,
						hideCursor: null,
					},
					cliProgress.Presets.rect,
				);
				bar.start(total, done, { label });
			}
			bar.setTotal(total);
			bar.update(Math.min(done, total));
			if (done >= total) close();
		},
		close,
	};
}

function percent(done: number, total: number): string {
	const share = total === 0 ? 1 : Math.min(1, done / total);
	return `${Math.floor(share * 100)} % (${Math.round(done).toLocaleString("en")} of ${Math.round(total).toLocaleString("en")})`;
}
