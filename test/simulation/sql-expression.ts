/**
 * Evaluates the expressions of the engine's own statements, so that the simulated Postgres compares what the statement
 * says and not what the simulation believes it says. Knows what these statements use, and throws at anything else.
 */

/** What a name stands for: `s.epoch`, `v.low`, or a bare column. */
export type Scope = (alias: string | null, column: string) => unknown;

export interface Context {
	readonly scope: Scope;
	readonly values: readonly unknown[];
	/** `(SELECT column FROM ledger)`. */
	readonly ledger: (column: string) => unknown;
}

export type Expression = (context: Context) => unknown;

const TOKEN =
	/\s*(?:(\$\d+)|('(?:[^']|'')*')|(\d+(?:\.\d+)?)|([a-z_]+(?:\.[a-z_]+)?)|(::[a-z0-9]+(?:\[\])?)|(<>|>=|<=|[-+*=<>(),]))/iy;

/** Splits at commas that stand in no parenthesis. */
export function splitList(text: string): string[] {
	const parts: string[] = [];
	let depth = 0;
	let start = 0;
	for (let i = 0; i < text.length; i++) {
		if (text[i] === "(") depth++;
		else if (text[i] === ")") depth--;
		else if (text[i] === "," && depth === 0) {
			parts.push(text.slice(start, i).trim());
			start = i + 1;
		}
	}
	parts.push(text.slice(start).trim());
	return parts;
}

export function parseExpression(text: string): Expression {
	const tokens = tokensOf(text);
	let at = 0;
	const peek = (): string => tokens[at]?.toLowerCase() ?? "";
	const take = (wanted?: string): string => {
		const token = tokens[at++];
		if (token === undefined || (wanted !== undefined && token.toLowerCase() !== wanted)) {
			throw new Error(`expected ${wanted ?? "more"} at ${tokens.slice(at - 1).join(" ")} of: ${text}`);
		}
		return token;
	};
	const conjunction = (): Expression => {
		let left = comparison();
		while (peek() === "and") {
			take();
			const [one, other] = [left, comparison()];
			left = (context) => one(context) === true && other(context) === true;
		}
		return left;
	};
	const comparison = (): Expression => {
		const left = sum();
		const operator = peek();
		if (!["=", "<>", "<", ">", "<=", ">="].includes(operator)) return left;
		take();
		if (peek() === "any") {
			take();
			const list = primary();
			return (context) => (list(context) as unknown[]).some((one) => isEqual(left(context), one));
		}
		const right = sum();
		return (context) => compare(operator, left(context), right(context));
	};
	const sum = (): Expression => {
		let left = product();
		while (peek() === "+" || peek() === "-") {
			const sign = take() === "+" ? 1 : -1;
			const [one, other] = [left, product()];
			left = (context) => Number(one(context)) + sign * Number(other(context));
		}
		return left;
	};
	const product = (): Expression => {
		let left = cast();
		while (peek() === "*") {
			take();
			const [one, other] = [left, cast()];
			left = (context) => Number(one(context)) * Number(other(context));
		}
		return left;
	};
	const cast = (): Expression => {
		const of = primary();
		while (peek().startsWith("::")) take();
		return of;
	};
	const primary = (): Expression => {
		const token = take();
		if (token === "(") return parenthesis();
		if (token.startsWith("$")) return ({ values }) => values[Number(token.slice(1)) - 1];
		if (token.startsWith("'")) return () => token.slice(1, -1);
		if (/^\d/.test(token)) return () => Number(token);
		if (peek() === "(") return call(token.toLowerCase());
		if (/^(null|true|false)$/i.test(token)) {
			const value = token.toLowerCase() === "null" ? null : token.toLowerCase() === "true";
			return () => value;
		}
		const [first, second] = token.split(".") as [string, string | undefined];
		return ({ scope }) => (second === undefined ? scope(null, first) : scope(first, second));
	};
	const parenthesis = (): Expression => {
		let inner: Expression;
		if (peek() === "select") {
			take();
			const column = take();
			take("from");
			take("ledger");
			inner = ({ ledger }) => ledger(column);
		} else inner = conjunction();
		take(")");
		return inner;
	};
	const call = (name: string): Expression => {
		take("(");
		const args: Expression[] = [];
		if (name === "extract") {
			take("epoch");
			take("from");
		}
		while (peek() !== ")") {
			args.push(conjunction());
			if (peek() === ",") take();
		}
		take(")");
		return (context) =>
			invoke(
				name,
				args.map((arg) => arg(context)),
			);
	};
	const whole = conjunction();
	if (at !== tokens.length) throw new Error(`cannot read ${tokens.slice(at).join(" ")} of: ${text}`);
	return whole;
}

function tokensOf(text: string): string[] {
	const tokens: string[] = [];
	TOKEN.lastIndex = 0;
	while (TOKEN.lastIndex < text.trimEnd().length) {
		const from = TOKEN.lastIndex;
		const found = TOKEN.exec(text);
		if (found === null) throw new Error(`cannot read ${text.slice(from)}`);
		tokens.push(found[0].trim());
	}
	return tokens;
}

/** Times are seconds since 1970 here. */
function invoke(name: string, args: readonly unknown[]): unknown {
	const known = args.filter((arg) => arg !== null && arg !== undefined);
	switch (name) {
		case "coalesce":
			return known[0] ?? null;
		case "greatest":
			return known.length === 0 ? null : Math.max(...known.map(Number));
		case "least":
			return known.length === 0 ? null : Math.min(...known.map(Number));
		case "decode":
			return known.length < 2 ? null : Buffer.from(String(args[0]), "hex");
		case "to_timestamp":
		case "extract":
			return args[0] ?? null;
		case "now":
		case "clock_timestamp":
			return 0;
		default:
			throw new Error(`the function ${name} is not simulated`);
	}
}

function isEqual(a: unknown, b: unknown): boolean {
	return a !== null && b !== null && a !== undefined && b !== undefined && String(a) === String(b);
}

function compare(operator: string, a: unknown, b: unknown): boolean {
	if (operator === "=") return isEqual(a, b);
	if (operator === "<>") return !isEqual(a, b);
	const difference = Number(a) - Number(b);
	if (operator === "<") return difference < 0;
	if (operator === ">") return difference > 0;
	return operator === "<=" ? difference <= 0 : difference >= 0;
}

const layouts = new Map<string, readonly (readonly [name: string, parameter: number])[]>();

/** Rows of `unnest($3::int[], ...) AS v(name, ...)`. */
export function unnested(text: string, values: readonly unknown[]): Record<string, unknown>[] {
	let layout = layouts.get(text);
	if (layout === undefined) {
		const found = /unnest\(([^)]*)\)\s*AS v\(([^)]*)\)/.exec(text);
		if (found === null) throw new Error(`no unnest in: ${text}`);
		const parameters = splitList(found[1]!).map((one) => Number(/\$(\d+)/.exec(one)![1]) - 1);
		layout = splitList(found[2]!).map((name, i) => [name, parameters[i]!] as const);
		layouts.set(text, layout);
	}
	const columns = layout.map(([name, parameter]) => [name, values[parameter] as unknown[]] as const);
	const length = Math.max(...columns.map(([, list]) => list.length));
	return Array.from({ length }, (_, i) => Object.fromEntries(columns.map(([name, list]) => [name, list[i]])));
}
