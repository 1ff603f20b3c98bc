/**
 * The engine's one HTTP port: read-only, for Prometheus, probes and people.
 *
 * It is answered by the main thread between batches, so that a scrape also proves that the event loop turns.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { loadFiles, type StaticFile, type StaticFiles } from "./http-files.ts";
import { LiveStream } from "./http-stream.ts";
import type { ConfigRow } from "./live.ts";
import type { LiveFeed } from "./live-feed.ts";
import type { EngineStatus } from "./status.ts";

export interface HttpOptions {
	readonly host: string;
	/** 0 takes a free port. */
	readonly port: number;
	readonly metrics: { render(): Promise<string>; readonly contentType: string };
	readonly status: () => EngineStatus;
	/** What the live page shows, and its table of variables; null when nobody handed that over. */
	readonly live: Pick<LiveFeed, "subscribe" | "history">;
	readonly configRows: readonly ConfigRow[] | null;
	readonly log: { error(fields: object, message: string): void };
}

export interface HttpService {
	/** Where it listens, without a slash at the end; a wildcard host is given as the loopback address. */
	readonly url: string;
	/** Stops listening and ends every connection at once, also those kept alive; safe twice. */
	close(): Promise<void>;
}

/** The port could not be opened; the message says what to do. `code` is Node's, such as `EADDRINUSE`. */
export class HttpListenError extends Error {
	readonly code: string;
	constructor(message: string, code: string, cause: unknown) {
		super(message, { cause });
		this.name = "HttpListenError";
		this.code = code;
	}
}

/** Scrapers and probes keep a handful of connections; whoever opens more must not take the engine's file descriptors. */
const CONNECTIONS_MAX = 128;
/** A request is one line and a few headers; who needs longer to send it is not a scraper. */
const REQUEST_TIMEOUT_MS = 10_000;

interface Answer {
	readonly code: number;
	readonly type: string;
	readonly body: string | Buffer;
	readonly headers?: Readonly<Record<string, string>>;
}

/** What a route has to answer from. */
interface Desk extends HttpOptions {
	readonly files: () => StaticFiles;
	readonly stream: LiveStream;
}

type Route = (desk: Desk, request: IncomingMessage) => Answer | Promise<Answer>;

const LIVE_PATH = "/api/live";

const ROUTES: ReadonlyMap<string, { readonly about: string; readonly answer: Route }> = new Map([
	["/", { about: "the live page in a browser, this list elsewhere", answer: front }],
	["/help", { about: "this list", answer: () => text(200, index()) }],
	["/metrics", { about: "Prometheus metrics", answer: metricsPage }],
	["/livez", { about: "200 while the event loop turns", answer: () => text(200, "ok\n") }],
	["/readyz", { about: "200 when ready, else 503 with the reasons", answer: readiness }],
	["/api/status", { about: "the engine's state as JSON", answer: ({ status }: Desk) => json(200, status()) }],
	[LIVE_PATH, { about: "what the page shows, as server-sent events", answer: noMoreViewers }],
]);

/** @throws HttpListenError when the port cannot be opened. */
export async function startHttp(options: HttpOptions): Promise<HttpService> {
	let files: StaticFiles | null = null;
	// Read when the first person comes: an engine that nobody looks at does not need them.
	const readFiles = (): StaticFiles => {
		files ??= loadFiles();
		return files;
	};
	const stream = new LiveStream({
		feed: options.live,
		config: options.configRows,
		build: () => readFiles().build,
		now: () => performance.now(),
	});
	const desk: Desk = { ...options, files: readFiles, stream };
	const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
		void handle(request, response, desk);
	});
	server.maxConnections = CONNECTIONS_MAX;
	await listen(server, options);
	server.on("error", (error) => options.log.error({ err: error }, "HTTP server failed"));
	let closing: Promise<void> | undefined;
	return {
		url: urlOf(server, options.host),
		close() {
			closing ??= new Promise((resolve) => {
				server.close(() => resolve());
				stream.close();
				server.closeAllConnections();
			});
			return closing;
		},
	};
}

function listen(server: Server, { host, port }: HttpOptions): Promise<void> {
	return new Promise((resolve, reject) => {
		server.once("error", (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)));
		server.listen({ host, port }, resolve);
	});
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): HttpListenError {
	const code = error.code ?? "ERR_LISTEN";
	const nextStep: Readonly<Record<string, string>> = {
		EADDRINUSE:
			"is already in use, perhaps by another engine. Set HTTP_PORT to another port, or HTTP_PORT=0 for a free one.",
		EACCES:
			"needs rights this user does not have. Set HTTP_PORT to a port above 1023, or HTTP_PORT=0 for a free one.",
		EADDRNOTAVAIL:
			"is no address of this machine. Set HTTP_HOST to 127.0.0.1, or to 0.0.0.0 for all its addresses.",
		ENOTFOUND: "cannot be resolved. Set HTTP_HOST to an address of this machine, such as 127.0.0.1.",
	};
	const why = nextStep[code] ?? `cannot be opened: ${error.message}. Check HTTP_HOST and HTTP_PORT.`;
	return new HttpListenError(`The HTTP address ${host}:${port} ${why}`, code, error);
}

function urlOf(server: Server, host: string): string {
	const { port } = server.address() as AddressInfo;
	if (host === "0.0.0.0" || host === "::") return `http://127.0.0.1:${port}`;
	return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

async function handle(request: IncomingMessage, response: ServerResponse, desk: Desk): Promise<void> {
	let answer: Answer;
	try {
		if (wantsStream(request) && !desk.stream.isFull) {
			desk.stream.open(response, SAFETY_HEADERS);
			return;
		}
		answer = await route(request, desk);
	} catch (error) {
		desk.log.error({ err: error, path: request.url }, "HTTP request failed");
		if (response.headersSent) {
			response.destroy();
			return;
		}
		answer = text(500, "This request failed inside the engine; its log says why.\n");
	}
	// An answer without content has no length either.
	const length = answer.code === 304 ? {} : { "content-length": String(Buffer.byteLength(answer.body)) };
	response.writeHead(answer.code, {
		"content-type": answer.type,
		"cache-control": "no-store",
		...length,
		...SAFETY_HEADERS,
		...answer.headers,
	});
	// Node leaves the body out of the answer to HEAD and keeps its length.
	response.end(answer.body);
}

/**
 * Everything comes from here and nothing is sent anywhere else; no other page may frame this one. uPlot sets styles by
 * script, which the policy allows; `style` attributes in markup it would not.
 */
const SAFETY_HEADERS = {
	"x-content-type-options": "nosniff",
	"referrer-policy": "no-referrer",
	"content-security-policy":
		"default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
};

function pathOf(request: IncomingMessage): string {
	return (request.url ?? "/").split("?", 1)[0]!;
}

function wantsStream(request: IncomingMessage): boolean {
	return request.method === "GET" && pathOf(request) === LIVE_PATH;
}

function route(request: IncomingMessage, desk: Desk): Answer | Promise<Answer> {
	const path = pathOf(request);
	const answer = ROUTES.get(path)?.answer ?? fileRoute(path, desk);
	if (answer === null) return text(404, `There is nothing here. What there is:\n\n${index()}`);
	if (request.method !== "GET" && request.method !== "HEAD") {
		return { ...text(405, "This port is read-only: use GET or HEAD.\n"), headers: { allow: "GET, HEAD" } };
	}
	return answer(desk, request);
}

/** Only paths that can be files make the files be read. */
function fileRoute(path: string, { files }: Desk): Route | null {
	if (!path.startsWith("/page/") && !path.startsWith("/docs/")) return null;
	const file = files().byPath.get(path);
	return file === undefined ? null : (_desk, request) => fileAnswer(file, request);
}

/**
 * The page for a browser, which names text/html first; the list for everybody else. curl accepts anything, and somebody
 * at a prompt is served better by ten lines of text than by markup.
 */
function front({ files }: Desk, request: IncomingMessage): Answer {
	const isBrowser = request.headers.accept?.includes("text/html") === true;
	const answer = isBrowser ? fileAnswer(files().byPath.get("/")!, request) : text(200, index());
	return { ...answer, headers: { ...answer.headers, vary: "accept" } };
}

/** Asked again at every visit, and sent again only when it has changed: an upgraded engine shows its own page. */
function fileAnswer({ type, body, etag }: StaticFile, request: IncomingMessage): Answer {
	const headers = { etag, "cache-control": "no-cache" };
	const isKnown = request.headers["if-none-match"]?.includes(etag) === true;
	return isKnown ? { code: 304, type, body: "", headers } : { code: 200, type, body, headers };
}

/** Only reached when a stream is not to be opened: for HEAD, or with all places taken. */
function noMoreViewers(_desk: Desk, request: IncomingMessage): Answer {
	if (request.method === "HEAD") return { code: 200, type: "text/event-stream; charset=utf-8", body: "" };
	const body = "As many people as this engine serves are watching already. Close a page and try again.\n";
	return { ...text(503, body), headers: { "retry-after": "10" } };
}

async function metricsPage({ metrics }: Desk): Promise<Answer> {
	return { code: 200, type: metrics.contentType, body: await metrics.render() };
}

function readiness({ status }: Desk): Answer {
	const { state, notReady } = status();
	const ready = notReady.length === 0;
	return json(ready ? 200 : 503, { ready, state, reasons: notReady });
}

function index(): string {
	const lines = [...ROUTES].map(([path, { about }]) => `${path.padEnd(14)}${about}`);
	return `Lottery engine\n\n${lines.join("\n")}\n`;
}

function text(code: number, body: string): Answer {
	return { code, type: "text/plain; charset=utf-8", body };
}

function json(code: number, value: unknown): Answer {
	return { code, type: "application/json; charset=utf-8", body: `${JSON.stringify(value)}\n` };
}
