/**
 * Runs the reports without psql: turns a script written for `psql -f` into plain SQL.
 *
 * Of psql's language, the reports use and this understands: `\if :{?name}`, `\else`, `\endif`, `\set name value`,
 * `\pset title '...'` (other settings are ignored), each on a line of its own, and `:'name'` for a quoted value. What
 * would put a value into the statement unquoted (`:name`) is refused, so no value can become SQL.
 */

export interface RenderedScript {
	/** One or more statements; the last one is the report. */
	readonly sql: string;
	/** From `\pset title`; empty without one. */
	readonly title: string;
	/** Every variable the script ended up with, the given ones and its defaults. */
	readonly variables: Readonly<Record<string, string>>;
}

/**
 * @param variables what psql is given as `-v name=value`
 * @param quote makes an SQL literal of any text (pg's `escapeLiteral`)
 * Throws when the script uses more of psql than is understood here.
 */
export function renderScript(
	text: string,
	variables: Readonly<Record<string, string>>,
	quote: (value: string) => string,
): RenderedScript {
	const values = new Map(Object.entries(variables));
	/** For each open `\if`: whether the branch we are in is taken. */
	const branches: boolean[] = [];
	const lines: string[] = [];
	let title = "";
	for (const line of text.split("\n")) {
		const taken = branches.every(Boolean);
		const [, command = "", argument = ""] = /^\\(\w+)\s*(.*)$/.exec(line) ?? [];
		if (command === "") {
			if (line.startsWith("\\")) throw new Error(`not understood: ${line}`);
			if (taken && !line.trimStart().startsWith("--")) lines.push(substitute(line, values, quote));
		} else if (command === "if") {
			const name = /^:\{\?(\w+)\}$/.exec(argument)?.[1];
			if (name === undefined) throw new Error(`only \\if :{?name} is understood: ${line}`);
			branches.push(values.has(name));
		} else if (command === "else") {
			branches.push(!branches.pop());
		} else if (command === "endif") {
			branches.pop();
		} else if (command === "set") {
			const [, name = "", value = ""] = /^(\w+)\s*(.*)$/.exec(argument) ?? [];
			if (taken) values.set(name, unquoted(value));
		} else if (command === "pset") {
			if (taken && argument.startsWith("title ")) title = unquoted(argument.slice("title ".length));
		} else {
			throw new Error(`\\${command} is not understood`);
		}
	}
	if (branches.length > 0) throw new Error("an \\if has no \\endif");
	return { sql: lines.join("\n"), title, variables: Object.fromEntries(values) };
}

function substitute(
	line: string,
	values: ReadonlyMap<string, string>,
	quote: (value: string) => string,
): string {
	// A cast has two colons; a name behind a single one would be put in as it is.
	if (/(?<!:):\w|:"/.test(line)) throw new Error(`only :'name' may be used for a variable: ${line}`);
	return line.replace(/:'(\w+)'/g, (_match, name: string) => {
		const value = values.get(name);
		if (value === undefined) throw new Error(`the variable ${name} has no value and no default`);
		return quote(value);
	});
}

/** psql's own quoting of an argument: `'...'`, with a quote doubled. */
function unquoted(value: string): string {
	return /^'.*'$/.test(value) ? value.slice(1, -1).replaceAll("''", "'") : value;
}
