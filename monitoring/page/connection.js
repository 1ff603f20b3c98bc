/** The stream of snapshots, and what is to be said of it: connecting, live, stale, disconnected, full. */

/** Snapshots come every second: this long without one, the figures are old and must say so. */
const STALE_MS = 5_000;
const LOOK_EVERY_MS = 500;
/** After the engine has refused us (its places are taken), the browser does not try again by itself. */
const RETRY_MS = 3_000;
/** A page nobody looks at gives its place back after this long. */
const HIDDEN_MS = 30_000;

/**
 * Calls `hello` at every (re)connection, `page` with every snapshot, `connection` whenever its state may have changed.
 * @param {{ hello: (data: unknown) => void, page: (data: unknown) => void, connection: (now: { state: string, silentMs: number }) => void }} listener
 */
export function connect(listener) {
	/** @type {EventSource | null} */
	let source = null;
	let state = "connecting";
	let heardAt = performance.now();
	let hidden = null;

	function open() {
		source?.close();
		source = new EventSource("/api/live");
		source.addEventListener("hello", (event) => {
			heard();
			listener.hello(JSON.parse(event.data));
		});
		source.addEventListener("page", (event) => {
			heard();
			listener.page(JSON.parse(event.data));
			tell("live");
		});
		source.addEventListener("error", () => {
			// Refused with an answer: nobody tries again but us. Refused without one: the browser does.
			if (source?.readyState === EventSource.CLOSED) {
				tell("refused");
				setTimeout(open, RETRY_MS);
			} else tell("disconnected");
		});
	}

	function heard() {
		heardAt = performance.now();
	}

	function tell(next) {
		state = next;
		listener.connection({ state, silentMs: performance.now() - heardAt });
	}

	document.addEventListener("visibilitychange", () => {
		clearTimeout(hidden);
		if (document.hidden) hidden = setTimeout(() => source?.close(), HIDDEN_MS);
		else if (source?.readyState === EventSource.CLOSED) open();
	});
	setInterval(() => {
		const isSilent = performance.now() - heardAt > STALE_MS;
		if (isSilent && (state === "live" || state === "stale")) tell("stale");
		else if (state !== "live") tell(state);
	}, LOOK_EVERY_MS);
	open();
	tell("connecting");
}
