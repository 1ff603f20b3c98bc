/** What a .dockerignore keeps out of a build: the last line that matches a path or one of its folders decides. */

/** @param text of the file; @returns whether a path below the context, with slashes, is kept out */
export function dockerIgnore(text: string): (path: string) => boolean {
	const rules = text
		.split("\n")
		.map((line) => line.trim())
		.filter((line) => line !== "" && !line.startsWith("#"))
		.map((line) => ({
			keepsOut: !line.startsWith("!"),
			pattern: patternOf(line.replace(/^!/, "").replace(/\/$/, "")),
		}));
	return (path) => rules.findLast(({ pattern }) => pattern.test(path))?.keepsOut ?? false;
}

/** A double star with a slash is any number of folders, `*` and `?` stay within a name; what lies below a match matches too. */
function patternOf(glob: string): RegExp {
	const body = glob
		.split(/(\*\*\/|\*|\?)/)
		.map((piece) => {
			if (piece === "**/") return "(?:.*/)?";
			if (piece === "*") return "[^/]*";
			if (piece === "?") return "[^/]";
			return piece.replaceAll(/[.+^${}()|[\]\\]/g, "\\$&");
		})
		.join("");
	return new RegExp(`^${body}(?:/|$)`);
}
