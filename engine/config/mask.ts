/** Hiding secrets wherever a value is shown to people: errors, `node engine config`, logs. */

/** A secret is hidden whole: neither its length nor its first letters are shown. */
export const MASK = "********";

/**
 * A URL keeps all but its password and what a query may carry (`?password=`, `?sslkey=`), since people need to see
 * where it points. What does not look like a URL may be a password pasted into the wrong variable: hidden whole.
 */
export function maskUrl(value: string): string {
	if (!URL.canParse(value)) return MASK;
	const url = new URL(value);
	if (url.host === "" && url.pathname === "") return MASK;
	if (url.password !== "") url.password = MASK;
	for (const name of [...url.searchParams.keys()]) {
		if (/pass|secret|key|token/i.test(name)) url.searchParams.set(name, MASK);
	}
	return url.href;
}
