import { once } from "node:events";
import { connect, createServer } from "node:net";
import t, { type Test } from "tap";
import { HttpListenError, type HttpOptions, startHttp } from "../../monitoring/http.ts";
import { createMetrics } from "../../monitoring/metrics.ts";
import type { EngineStatus } from "../../monitoring/status.ts";
import { engineStatus, NOW_MS } from "../support/engine-status.ts";
import { StubFeed } from "../support/live-page.ts";
import { metricValue, parseMetrics } from "../support/prometheus-text.ts";

async function setup(t: Test, change: Partial<HttpOptions> = {}) {
	const state = { status: engineStatus() as EngineStatus };
	const logged: string[] = [];
	const http = await startHttp({
		host: "127.0.0.1",
		port: 0,
		metrics: createMetrics({ status: () => state.status, now: () => NOW_MS, processMetrics: false }),
		status: () => state.status,
		live: new StubFeed(),
		configRows: null,
		log: { error: (_fields, message) => logged.push(message) },
		...change,
	});
	t.teardown(() => http.close());
	return { http, state, logged, get: (path: string, init?: RequestInit) => fetch(http.url + path, init) };
}

t.test("/metrics is the page of the metrics, with its content type and never cached", async (t) => {
	const { get } = await setup(t);
	const response = await get("/metrics?whatever=1");
	t.equal(response.status, 200);
	t.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
	t.equal(response.headers.get("cache-control"), "no-store");
	t.equal(metricValue(parseMetrics(await response.text()), "engine_ready"), 1);
});

t.test("/readyz is 200 when ready, else 503 and says why", async (t) => {
	const { get, state } = await setup(t);
	const ready = await get("/readyz");
	t.equal(ready.status, 200);
	t.strictSame(await ready.json(), { ready: true, state: "running", reasons: [] });
	state.status = engineStatus({
		state: "recovering",
		notReady: ["Postgres cannot be reached", "not in the group"],
	});
	const not = await get("/readyz");
	t.equal(not.status, 503);
	t.strictSame(await not.json(), {
		ready: false,
		state: "recovering",
		reasons: ["Postgres cannot be reached", "not in the group"],
	});
	t.equal((await get("/livez")).status, 200, "an engine that is not ready is alive");
});

t.test("/api/status is the status as JSON", async (t) => {
	const { get, state } = await setup(t);
	const response = await get("/api/status");
	t.match(response.headers.get("content-type"), /^application\/json/);
	t.strictSame(await response.json(), JSON.parse(JSON.stringify(state.status)));
});

t.test("/ is the page for a browser and a list for curl; /help and a wrong path are the list", async (t) => {
	const { get } = await setup(t);
	const page = await get("/", { headers: { accept: "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8" } });
	t.equal(page.headers.get("content-type"), "text/html; charset=utf-8");
	t.equal(page.headers.get("vary"), "accept", "a cache keeps the two apart");
	t.match(await page.text(), "<!doctype html>");
	// What curl sends.
	const index = await get("/", { headers: { accept: "*/*" } });
	t.equal(index.status, 200);
	t.equal(index.headers.get("content-type"), "text/plain; charset=utf-8");
	t.equal(index.headers.get("vary"), "accept");
	t.equal(await (await get("/help", { headers: { accept: "text/html" } })).text(), await index.text());
	const text = await (await get("/help")).text();
	for (const path of ["/api/live", "/metrics", "/livez", "/readyz", "/api/status"]) t.match(text, path);
	const missing = await get("/metric");
	t.equal(missing.status, 404);
	t.match(await missing.text(), "/metrics");
	t.equal((await get("/__proto__")).status, 404);
});

t.test("HEAD answers like GET without a body", async (t) => {
	const { get } = await setup(t);
	for (const path of ["/", "/help", "/page/app.js", "/metrics", "/livez", "/readyz", "/api/status"]) {
		const head = await get(path, { method: "HEAD" });
		const full = await get(path);
		t.equal(head.status, 200, path);
		t.equal(head.headers.get("content-type"), full.headers.get("content-type"));
		t.equal(head.headers.get("etag"), full.headers.get("etag"));
		t.ok(Number(head.headers.get("content-length")) > 0);
		t.equal(await head.text(), "");
	}
});

t.test(
	"every file of the page is there, is what it says, and is sent again only when it has changed",
	async (t) => {
		const { get } = await setup(t);
		const html = await (await get("/", { headers: { accept: "text/html" } })).text();
		const named = [...html.matchAll(/(?:src|href)="(\/page\/[^"]+)"/g)].map(([, path]) => path!);
		t.ok(
			named.includes("/page/app.js") && named.includes("/page/uplot.js"),
			"the page names its script and uPlot",
		);
		const script = await (await get("/page/app.js")).text();
		const imported = [...script.matchAll(/from "\.\/([^"]+)"/g)].map(([, name]) => `/page/${name}`);
		for (const path of new Set([...named, ...imported])) {
			const file = await get(path);
			t.equal(file.status, 200, path);
			t.equal(file.headers.get("x-content-type-options"), "nosniff");
			t.equal(file.headers.get("cache-control"), "no-cache", "kept, and asked for again");
			const etag = file.headers.get("etag");
			t.match(etag, /^"[0-9a-f]{16}"$/);
			const again = await get(path, { headers: { "if-none-match": etag! } });
			t.equal(again.status, 304, `${path} is known`);
			t.equal(again.headers.get("etag"), etag);
			t.equal((await get(path, { headers: { "if-none-match": '"0000000000000000"' } })).status, 200);
		}
		t.equal((await get("/page/app.js")).headers.get("content-type"), "text/javascript; charset=utf-8");
	},
);

t.test("only files of the page and runbooks are served, whatever the path says", async (t) => {
	const { http, get } = await setup(t);
	const runbook = await get("/docs/runbooks/engine-not-ready.md");
	t.equal(runbook.status, 200);
	t.match(runbook.headers.get("content-type"), /^text\/plain/, "shown, not downloaded");
	// `fetch` would resolve the dots itself.
	for (const path of [
		"/page/../package.json",
		"/page/%2e%2e/package.json",
		"/docs/guarantees.md",
		"/page/",
		"/page",
	]) {
		const socket = connect(Number(new URL(http.url).port), "127.0.0.1");
		socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
		const [chunk] = (await once(socket, "data")) as [Buffer];
		t.match(chunk.toString(), /^HTTP\/1\.1 404 /, path);
		socket.destroy();
	}
});

t.test("whatever is answered may load nothing from elsewhere and is framed by nobody", async (t) => {
	const { get } = await setup(t);
	for (const path of ["/", "/help", "/page/app.js", "/api/status", "/nothing"]) {
		const policy = (await get(path)).headers.get("content-security-policy") ?? "";
		t.match(policy, /^default-src 'self';/, path);
		t.match(policy, "frame-ancestors 'none'");
		t.notMatch(policy, "unsafe");
	}
});

t.test("any other method is refused with the ones allowed", async (t) => {
	const { get } = await setup(t);
	for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
		const response = await get("/metrics", { method });
		t.equal(response.status, 405, method);
		t.equal(response.headers.get("allow"), "GET, HEAD");
	}
	t.equal((await get("/nothing", { method: "POST" })).status, 404);
});

t.test("a page that fails is a 500 and a line in the log; the server goes on", async (t) => {
	const render = () => Promise.reject(new Error("secret detail"));
	const { get, logged } = await setup(t, { metrics: { render, contentType: "text/plain" } });
	const response = await get("/metrics");
	t.equal(response.status, 500);
	t.notMatch(await response.text(), "secret detail");
	t.strictSame(logged, ["HTTP request failed"]);
	t.equal((await get("/livez")).status, 200);
});

t.test("a port in use is an error that says what to do", async (t) => {
	const other = createServer().listen(0, "127.0.0.1");
	await once(other, "listening");
	t.teardown(() => other.close());
	const { port } = other.address() as { port: number };
	const error = await setup(t, { port }).then(
		() => undefined,
		(reason: unknown) => reason,
	);
	t.ok(error instanceof HttpListenError);
	t.match(error, { code: "EADDRINUSE", message: `127.0.0.1:${port} is already in use` });
	t.match((error as Error).message, "HTTP_PORT=0");
});

t.test("an address of another machine is an error that names HTTP_HOST", async (t) => {
	// 192.0.2.0/24 is kept for documentation (RFC 5737), so that no machine has it.
	await t.rejects(setup(t, { host: "192.0.2.1" }), { code: "EADDRNOTAVAIL", message: /HTTP_HOST/ });
});

t.test("a wildcard host is told as an address one can open", async (t) => {
	const { http, get } = await setup(t, { host: "0.0.0.0" });
	t.match(http.url, /^http:\/\/127\.0\.0\.1:\d+$/);
	t.equal((await get("/livez")).status, 200);
});

t.test("close ends connections that are kept alive, at once and also when called twice", async (t) => {
	const { http } = await setup(t);
	const idle = connect(Number(new URL(http.url).port), "127.0.0.1");
	idle.write("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
	const [chunk] = (await once(idle, "data")) as [Buffer];
	t.match(chunk.toString(), /^HTTP\/1\.1 200 OK/);
	const ended = once(idle, "close");
	t.equal(http.close(), http.close(), "one close, waited for twice");
	await http.close();
	await ended;
	await t.rejects(fetch(`${http.url}/livez`), "nobody listens any more");
});

t.test("close does not wait for an answer that never comes", async (t) => {
	let asked: () => void = () => {};
	const called = new Promise<void>((resolve) => {
		asked = resolve;
	});
	const render = () => {
		asked();
		return new Promise<string>(() => {});
	};
	const { http, get } = await setup(t, { metrics: { render, contentType: "text/plain" } });
	const scrape = t.rejects(get("/metrics"), "the scraper sees the connection end");
	await called;
	await http.close();
	await scrape;
});
