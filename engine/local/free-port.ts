/** Ports of the embedded parts: chosen once and remembered, so that a `psql` command from yesterday still works. */
import { createServer } from "node:net";

export const LOOPBACK = "127.0.0.1";

/**
 * A port of 127.0.0.1 that nobody listens on: the preferred one when it is free. Another process may take it before
 * we use it; then the server fails to bind and the caller asks again.
 */
export async function freePort(preferred?: number): Promise<number> {
	if (preferred !== undefined) {
		const port = await tryListen(preferred);
		if (port !== null) return port;
	}
	const port = await tryListen(0);
	if (port === null) throw new Error(`no free port on ${LOOPBACK}`);
	return port;
}

function tryListen(port: number): Promise<number | null> {
	return new Promise((resolve) => {
		const server = createServer();
		server.once("error", () => resolve(null));
		server.listen({ port, host: LOOPBACK, exclusive: true }, () => {
			const address = server.address();
			server.close(() => resolve(typeof address === "object" && address !== null ? address.port : null));
		});
	});
}
