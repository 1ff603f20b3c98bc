import { identityOf } from "../router.ts";
import { SourceFileError } from "./errors.ts";
import type { FileLog } from "./file-log.ts";
import type { Counted } from "./turn.ts";

const NEXT_STEP =
	"name the file that was counted (it may only grow at its end), or use another database for this one (DATABASE_URL, or --home for an embedded one)";

/**
 * Is this the file that was counted? It must have as many lines, and the one counted last must be the same in the same
 * place. The claim compares them too, and halts; asked before, the answer is an error that speaks of the file.
 * @throws SourceFileError when it is another one
 */
export async function requireSameFile(log: FileLog, counted: Counted | null): Promise<void> {
	if (counted === null) return;
	const { nextOffset, last } = counted;
	// A run to the end has counted a last line without its line end.
	if (nextOffset === log.lines + 1) log.includeRest();
	if (nextOffset > log.lines) {
		throw notTheSame(
			`${log.path} has ${log.lines} lines, but ${nextOffset} were counted: it was cut off, or is another file`,
		);
	}
	if (last === null) return;
	const { records } = await log.read(last.offset);
	const isThere = records?.next() === true && records.offset === last.offset;
	if (isThere && Buffer.from(identityOf(records).hash).equals(last.hash)) return;
	throw notTheSame(
		`line ${last.offset + 1} of ${log.path} is not the one that was counted there: it was changed, or is another file`,
	);
}

function notTheSame(message: string): SourceFileError {
	return new SourceFileError(message, "NOT_THE_SAME_FILE", NEXT_STEP);
}
