/** Names of figures as people read them. */

/** `p99-latency` as people say it. */
export function spoken(name: string): string {
	return name.replaceAll("-", " ");
}

/** For a heading. */
export function capital(text: string): string {
	return text.slice(0, 1).toUpperCase() + text.slice(1);
}
