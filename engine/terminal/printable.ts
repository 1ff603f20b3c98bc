/**
 * Text of others, made safe for a terminal. Topics, errors of servers and reasons are data: an escape sequence in them
 * would move the cursor, rename the window or answer questions in the user's name.
 */

const ESCAPE = "\u001b";
/** Control and format characters (bidirectional overrides among them), halves of surrogate pairs, line separators. */
const UNPRINTABLE = "[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}]";
/** Select graphic rendition: colours, bold, and nothing else. */
const COLOUR = `${ESCAPE}\\[[0-9;]*m`;
const RESET = `${ESCAPE}[0m`;

/** Of the whole text, with its line break if there is one. */
const LINE_END = /(\n?)$/;
const WHITE_SPACE = /[\t\r\n]+/g;
const ANY_UNPRINTABLE = new RegExp(UNPRINTABLE, "gu");
const COLOUR_OR_UNPRINTABLE = new RegExp(`${COLOUR}|${UNPRINTABLE}`, "gu");

/** One line: line breaks and tabs become blanks, what cannot be printed is shown as `\u{1b}`. */
export function printable(text: string): string {
	return text.replace(WHITE_SPACE, " ").replace(ANY_UNPRINTABLE, shown);
}

/**
 * Lines of a log: line breaks, tabs and colours stay. A colour that is not ended ends with the text.
 * @param keepsColors false takes the colours out too
 */
export function printableLines(text: string, keepsColors: boolean): string {
	let isColoured = false;
	const safe = text.replace(COLOUR_OR_UNPRINTABLE, (found) => {
		if (found === "\n" || found === "\t") return found;
		if (found.length === 1 || !found.startsWith(ESCAPE)) return shown(found);
		isColoured = keepsColors;
		return keepsColors ? found : "";
	});
	return isColoured ? safe.replace(LINE_END, `${RESET}$1`) : safe;
}

function shown(character: string): string {
	return `\\u{${character.codePointAt(0)!.toString(16)}}`;
}
