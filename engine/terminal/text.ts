/** Text in columns of a terminal: how wide it is, cut, padded. For text without escape sequences. */

/** Characters that take two columns (East Asian wide, and emoji that are pictures by themselves). */
const WIDE =
	/[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/u;
/** Marks drawn over the character before them. */
const NARROW = /[\p{Mn}\p{Me}]/u;

/** Columns that the text takes. An error of one or two is harmless: frames are drawn with automatic wrapping off. */
export function widthOf(text: string): number {
	let width = 0;
	for (const character of text) width += columnsOf(character);
	return width;
}

/** As much of the text as fits. */
export function cut(text: string, columns: number): string {
	let kept = "";
	let width = 0;
	for (const character of text) {
		width += columnsOf(character);
		if (width > columns) return kept;
		kept += character;
	}
	return text;
}

export function padStart(text: string, columns: number): string {
	return " ".repeat(Math.max(0, columns - widthOf(text))) + text;
}

export function padEnd(text: string, columns: number): string {
	return text + " ".repeat(Math.max(0, columns - widthOf(text)));
}

function columnsOf(character: string): number {
	if (character < "\u0300") return 1;
	if (NARROW.test(character)) return 0;
	return WIDE.test(character) ? 2 : 1;
}
