/**
 * Reads tap's raw output while it comes: what each test file did, in numbers and with its own lines for the case that
 * it failed. What is counted are the tests at the top of a file, which are the sentences people read.
 */

export interface FileResult {
	/** As given to tap. */
	readonly file: string;
	readonly passed: number;
	/** At least 1 when the file failed as a whole: it threw, timed out, or held no test. */
	readonly failed: number;
	/** Names of tests marked to be skipped or to be done: the runner lets none pass. */
	readonly skipped: readonly string[];
	/** The file's part of the output. */
	readonly lines: readonly string[];
}

const FILE_START = /^# Subtest: (.*)$/;
const FILE_END = /^(not )?ok \d+ - /;
const TEST = /^ {4}(not )?ok \d+(?: - )?(.*)$/;
const DIRECTIVE = /# (?:SKIP|TODO)\b/i;
const NO_TESTS = /^ {4}1\.\.0\b/;

/** Feed it lines; it calls back once per file, with everything up to and including the file's own result. */
export class TapStream {
	readonly #onFile: (result: FileResult) => void;
	#current: { file: string; passed: number; failed: number; skipped: string[]; lines: string[] } | null =
		null;

	constructor(onFile: (result: FileResult) => void) {
		this.#onFile = onFile;
	}

	line(line: string): void {
		const start = FILE_START.exec(line);
		if (start !== null) {
			this.#close(true);
			this.#current = { file: start[1] ?? "", passed: 0, failed: 0, skipped: [], lines: [] };
			return;
		}
		if (this.#current === null) return;
		this.#current.lines.push(line);
		const end = FILE_END.exec(line);
		if (end !== null) {
			this.#close(end[1] !== undefined);
			return;
		}
		if (NO_TESTS.test(line)) this.#current.failed += 1;
		const test = TEST.exec(line);
		if (test === null) return;
		if (DIRECTIVE.test(line)) this.#current.skipped.push(test[2] ?? "");
		else if (test[1] === undefined) this.#current.passed += 1;
		else this.#current.failed += 1;
	}

	/** The output is over: a file still open was cut off, which is a failure. */
	end(): void {
		this.#close(true);
	}

	#close(isFailed: boolean): void {
		const current = this.#current;
		this.#current = null;
		if (current === null) return;
		const failed = isFailed && current.failed === 0 ? 1 : current.failed;
		this.#onFile({ ...current, failed });
	}
}

const FAILURE = /^\s+not ok \d+ - (.*?)(?: # time=\S+)?$/;
/** What tests say about a failure with `t.comment`: the last lines of the processes they started. */
const COMMENT = /^\s+# (?!Subtest: |time=)(.*)$/;
const LINE_MAX = 300;

/**
 * A failed file in few lines, for the end of a long output, which may be all that is kept of it: what failed, and the
 * last comments of the test.
 */
export function digest({ file, lines }: Pick<FileResult, "file" | "lines">, commentsMax = 12): string[] {
	const found = (pattern: RegExp) =>
		lines.flatMap((line) => pattern.exec(line)?.[1] ?? []).map((text) => text.slice(0, LINE_MAX));
	const comments = found(COMMENT).slice(-commentsMax);
	return [
		`failed: ${file}`,
		...found(FAILURE).map((text) => `  not ok: ${text}`),
		...comments.map((text) => `  # ${text}`),
	];
}
