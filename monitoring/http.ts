/**
 * The engine's one HTTP port: read-only, for Prometheus, probes and people.
 *
 * It is answered by the main thread between batches, so that a scrape also proves that the event loop turns.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { EngineStatus } from "./status.ts";

export interface HttpOptions {
	readonly host: string;
	/** 0 takes a free port. */
	readonly port: number;
	readonly metrics: { render(): Promise<string>; readonly contentType: string };
	readonly status: () => EngineStatus;
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
	readonly body: string;
	readonly headers?: Readonly<Record<string, string>>;
}

type Route = (options: HttpOptions) => Answer | Promise<Answer>;

const ROUTES: ReadonlyMap<string, { readonly about: string; readonly answer: Route }> = new Map([
	["/", { about: "this list", answer: () => text(200, index()) }],
	["/metrics", { about: "Prometheus metrics", answer: metricsPage }],
	["/livez", { about: "200 while the event loop turns", answer: () => text(200, "ok\n") }],
	["/readyz", { about: "200 when ready, else 503 with the reasons", answer: readiness }],
	["/api/status", { about: "the engine's state as JSON", answer: ({ status }) => json(200, status()) }],
]);

/** @throws HttpListenError when the port cannot be opened. */
export async function startHttp(options: HttpOptions): Promise<HttpService> {
	const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
		void handle(request, response, options);
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

async function handle(
	request: IncomingMessage,
	response: ServerResponse,
	options: HttpOptions,
): Promise<void> {
	let answer: Answer;
	try {
		answer = await route(request, options);
	} catch (error) {
		options.log.error({ err: error, path: request.url }, "HTTP request failed");
		answer = text(500, "This request failed inside the engine; its log says why.\n");
	}
	response.writeHead(answer.code, {
		"content-type": answer.type,
		"content-length": Buffer.byteLength(answer.body),
		"cache-control": "no-store",
		"x-content-type-options": "nosniff",
		...answer.headers,
	});
	// Node leaves the body out of the answer to HEAD and keeps its length.
	response.end(answer.body);
}

function route(request: IncomingMessage, options: HttpOptions): Answer | Promise<Answer> {
	const path = (request.url ?? "/").split("?", 1)[0]!;
	const found = ROUTES.get(path);
	if (found === undefined) return text(404, `There is nothing here. What there is:\n\n${index()}`);
	if (request.method !== "GET" && request.method !== "HEAD") {
		return { ...text(405, "This port is read-only: use GET or HEAD.\n"), headers: { allow: "GET, HEAD" } };
	}
	return found.answer(options);
}

async function metricsPage({ metrics }: HttpOptions): Promise<Answer> {
	return { code: 200, type: metrics.contentType, body: await metrics.render() };
}

function readiness({ status }: HttpOptions): Answer {
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
