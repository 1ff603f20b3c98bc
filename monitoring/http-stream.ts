/**
 * `/api/live`: the live page's data as server-sent events. Each snapshot becomes text once, whoever watches. Nothing
 * waits for a slow reader: while its socket is full it misses snapshots, and the next one it gets is a whole one again.
 */
import type { ServerResponse } from "node:http";
import type { ConfigRow, LivePage } from "./live.ts";
import type { LiveFeed } from "./live-feed.ts";

/** Each costs a write a second and a socket; a wall of screens has fewer. */
export const VIEWERS_MAX = 20;
/** A reader that has taken nothing for so long is asleep or gone; it connects again when it wakes. */
const BLOCKED_MS_MAX = 30_000;
/** How soon a browser tries again, in ms. */
const RETRY_MS = 2_000;

export interface StreamOptions {
	readonly feed: Pick<LiveFeed, "subscribe" | "history">;
	/** Null: nobody handed it over. */
	readonly config: readonly ConfigRow[] | null;
	/** Of the page's files. */
	readonly build: () => string;
	/** The clock, in ms. */
	readonly now: () => number;
}

interface Viewer {
	/** Since when its socket is full; null while it takes what it gets. */
	blockedAtMs: number | null;
}

export class LiveStream {
	readonly #options: StreamOptions;
	readonly #viewers = new Map<ServerResponse, Viewer>();
	#unsubscribe: (() => void) | null = null;

	constructor(options: StreamOptions) {
		this.#options = options;
	}

	get isFull(): boolean {
		return this.#viewers.size >= VIEWERS_MAX;
	}

	get viewers(): number {
		return this.#viewers.size;
	}

	/** Answers with a stream that ends when either side closes it. The caller has asked `isFull`. */
	open(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
		const { feed, config, build } = this.#options;
		const viewer: Viewer = { blockedAtMs: null };
		response.on("drain", () => {
			viewer.blockedAtMs = null;
		});
		response.on("error", () => response.destroy());
		response.on("close", () => this.#left(response));
		response.writeHead(200, { ...headers, ...STREAM_HEADERS });
		this.#viewers.set(response, viewer);
		const hello = { build: build(), config, history: feed.history() };
		this.#write(response, viewer, `retry: ${RETRY_MS}\n${frameOf("hello", hello)}`);
		// Whoever comes later sees the next snapshot; only the first one starts them.
		this.#unsubscribe ??= feed.subscribe((page) => this.#tell(page));
	}

	/** Ends every stream. */
	close(): void {
		for (const response of [...this.#viewers.keys()]) response.destroy();
	}

	#tell(page: LivePage): void {
		const frame = frameOf("page", page);
		const nowMs = this.#options.now();
		for (const [response, viewer] of this.#viewers) {
			if (viewer.blockedAtMs === null) this.#write(response, viewer, frame);
			else if (nowMs - viewer.blockedAtMs > BLOCKED_MS_MAX) response.destroy();
		}
	}

	#write(response: ServerResponse, viewer: Viewer, frame: string): void {
		if (!response.write(frame)) viewer.blockedAtMs = this.#options.now();
	}

	#left(response: ServerResponse): void {
		this.#viewers.delete(response);
		if (this.#viewers.size > 0) return;
		this.#unsubscribe?.();
		this.#unsubscribe = null;
	}
}

/** `X-Accel-Buffering`: a proxy such as nginx would else gather snapshots until its buffer is full. */
const STREAM_HEADERS = {
	"content-type": "text/event-stream; charset=utf-8",
	"cache-control": "no-store, no-transform",
	"x-accel-buffering": "no",
};

/** JSON has no line breaks, so that it is one line of data. */
function frameOf(event: string, data: unknown): string {
	return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
