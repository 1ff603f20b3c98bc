/** One page, `/metrics`, for as long as the producer runs. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { UsageError } from "../errors.ts";

export interface MetricsPage {
	render(): Promise<string>;
	readonly contentType: string;
}

/** @returns the port that was taken, and how to close it. @throws {UsageError} when the port is in use */
export async function serveMetrics(
	page: MetricsPage,
	host: string,
	port: number,
): Promise<{ readonly port: number; close(): void }> {
	const server = createServer((request, response) => {
		if (request.method !== "GET" || request.url !== "/metrics") {
			response.writeHead(404).end("only GET /metrics is here\n");
			return;
		}
		page.render().then(
			(text) => response.writeHead(200, { "content-type": page.contentType }).end(text),
			(error: unknown) => response.writeHead(500).end(`${String(error)}\n`),
		);
	});
	await new Promise<void>((resolve, reject) => {
		server.once("error", (error) =>
			reject(new UsageError(`--metrics-port ${port} cannot be used: ${error.message}`)),
		);
		server.listen(port, host, resolve);
	});
	// A scraper keeps its connection open; it must not keep the process.
	server.unref();
	return {
		port: (server.address() as AddressInfo).port,
		close() {
			server.close();
			server.closeAllConnections();
		},
	};
}
