/** Text inside HTML and SVG. Everything a result holds goes through here: names, commands and settings are not ours. */

const ENTITIES: Readonly<Record<string, string>> = {
	"&": "&amp;",
	"<": "&lt;",
	">": "&gt;",
	'"': "&quot;",
	"'": "&#39;",
};

/** Safe as text and inside a quoted attribute. Control characters, which XML does not know, become `?`. */
export function escapeText(text: string): string {
	return (
		text
			// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones that must not get through.
			.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "?")
			.replace(/[&<>"']/g, (character) => ENTITIES[character]!)
	);
}
