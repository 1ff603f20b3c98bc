/** The variables as `node engine config` prints them: value in effect, origin; secrets never leave the engine. */
import { byId, setAttribute, setText } from "./dom.js";
import { cellText, table } from "./tables.js";

let rows = null;

export function drawConfig(config) {
	rows ??= table(byId("config"), {
		caption: "Configuration",
		empty: "This engine was started without handing its configuration over; `node engine config` prints it.",
		columns: [
			{ name: "Variable", class: "text" },
			{ name: "Value", class: "text setting" },
			{ name: "From", class: "text" },
			{ name: "Meaning", class: "text wide" },
		],
	});
	const entries = config ?? [];
	const changed = entries.filter(isSet).length;
	setText(
		byId("config-summary"),
		entries.length === 0
			? "Not known"
			: `${entries.length} variables, ${changed} of them set; secrets are masked`,
	);
	rows.set(
		entries,
		({ name }) => name,
		([name, value, origin, meaning], entry, row) => {
			setAttribute(row, "data-set", isSet(entry) ? "yes" : "no");
			cellText(name, entry.name);
			// A certificate has many lines; the first says what it is.
			cellText(value, entry.value === null ? "–" : entry.value.split("\n", 1)[0]);
			cellText(origin, entry.origin);
			cellText(meaning, entry.description);
		},
	);
}

/** By somebody, whatever the value. */
function isSet({ origin }) {
	return origin !== "default" && origin !== "not set";
}
