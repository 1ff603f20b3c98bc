/** Reads the few figures of `/metrics` that a sample needs, without making an object of every line. */

/**
 * Sum of a metric over all its labels, from the text exposition format
 * (https://prometheus.io/docs/instrumenting/exposition_formats/); null when no series has a number.
 */
export function sumOf(text: string, name: string): number | null {
	let sum: number | null = null;
	for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + name.length)) {
		if (at > 0 && text[at - 1] !== "\n") continue;
		const end = text.indexOf("\n", at);
		const value = seriesValue(text.slice(at + name.length, end < 0 ? undefined : end));
		if (value !== null && !Number.isNaN(value)) sum = (sum ?? 0) + value;
	}
	return sum;
}

/** What follows the name: ` 1`, `{partition="0"} 1` or `{…} 1 1700000000000`; null when the name goes on. */
function seriesValue(rest: string): number | null {
	// A label's value may hold blanks and brackets, but the last quote ends the labels.
	const labels = rest.startsWith("{") ? rest.lastIndexOf("}") + 1 : 0;
	if (labels === 0 && !rest.startsWith(" ")) return null;
	const [value = ""] = rest.slice(labels).trim().split(" ");
	if (value === "") return null;
	return value === "+Inf" ? Number.POSITIVE_INFINITY : Number(value);
}
