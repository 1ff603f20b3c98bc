/** GET over a connection that stays open: a tenth of the CPU that `fetch` takes, on cores that are being measured. */
import { Agent, get } from "node:http";

const AGENT = new Agent({ keepAlive: true, maxSockets: 4 });

/** The body of an answer with status 200; null for any other, and while nobody answers in time. */
export function httpGet(url: string, timeoutMs: number): Promise<string | null> {
	return new Promise((resolve) => {
		const request = get(url, { agent: AGENT, signal: AbortSignal.timeout(timeoutMs) }, (response) => {
			const chunks: Buffer[] = [];
			response.on("data", (chunk: Buffer) => chunks.push(chunk));
			response.on("error", () => resolve(null));
			response.on("end", () =>
				resolve(response.statusCode === 200 ? Buffer.concat(chunks).toString() : null),
			);
		});
		request.on("error", () => resolve(null));
	});
}
