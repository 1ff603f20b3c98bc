/** The live page in a real Chromium while the engine falls silent, goes, comes back, changes, or lets nobody in. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import t from "tap";
import { VIEWERS_MAX } from "../../monitoring/http-stream.ts";
import { openBrowser, openPage } from "../support/browser.ts";
import { engineStatus } from "../support/engine-status.ts";
import { livePage } from "../support/live-page.ts";
import { pushed, servePage, showPage } from "../support/page-stage.ts";
import { waitUntil } from "../support/wait-until.ts";

const browser = await openBrowser(t);

t.test("without a snapshot for five seconds the page says that it is old, until the next one", async (t) => {
	const { feed, http } = await servePage(t);
	const context = await browser.newContext();
	t.teardown(() => context.close());
	const page = await context.newPage();
	await page.clock.install();
	await page.goto(http.url);
	await pushed(feed, livePage(), { page });
	// The clock goes on by itself meanwhile.
	await page.clock.runFor(2_000);
	t.equal(await page.locator("body").getAttribute("data-connection"), "live");
	await page.clock.runFor(6_000);
	t.equal(await page.locator("body").getAttribute("data-connection"), "stale");
	t.match(await page.locator("#verdict-title").textContent(), /No update for \d+ s/);
	t.match(await page.locator("#verdict-text").textContent(), "What you see is of 12:00:00");
	await pushed(feed, livePage(), { page });
	t.match(await page.locator("#verdict-title").textContent(), "Running");
});

t.test(
	"an engine that is gone is said to be gone; one that comes back on the port is shown again",
	async (t) => {
		const { http, feed, page, text, complaints } = await showPage(t, browser, livePage(), { isCutOff: true });
		t.match(await text("#verdict-title"), "Running");
		const port = Number(new URL(http.url).port);
		await http.close();
		await page.locator("body[data-connection=disconnected]").waitFor();
		t.match(await text("#verdict-title"), "The engine does not answer any more");
		t.match(await text("#verdict-text"), "What you see is of 12:00:00");
		t.equal(await page.locator("#hours tbody tr").count(), 24, "what was known stays");
		t.equal(feed.listeners, 0);
		const again = await servePage(t, port);
		await pushed(again.feed, livePage(engineStatus({ pid: 4712 })), { page });
		await waitUntil(async () => (await text("#identity")).includes("pid 4712"), { what: "the new engine" });
		t.match(await text("#verdict-title"), "Running");
		t.strictSame(complaints, []);
	},
);

t.test("a page that finds another version of the engine loads itself again", async (t) => {
	const { http, page } = await showPage(t, browser, livePage(), { isCutOff: true });
	const port = Number(new URL(http.url).port);
	await http.close();
	// The next engine's files: a page that says so, and a stream whose build is another.
	const next = createServer((request, response) => {
		if (request.url === "/api/live") {
			response.writeHead(200, { "content-type": "text/event-stream" });
			response.write('event: hello\ndata: {"build":"another","config":null,"history":{}}\n\n');
		} else response.writeHead(200, { "content-type": "text/html" }).end("<title>the next page</title>");
	});
	next.listen(port, "127.0.0.1");
	t.teardown(async () => {
		next.closeAllConnections();
		await new Promise((resolve) => next.close(resolve));
	});
	await waitUntil(async () => (await page.title()) === "the next page", { what: "the next page" });
	t.equal((next.address() as AddressInfo).port, port);
});

t.test("a viewer too many is told so, and let in when there is room", async (t) => {
	const { feed, http } = await servePage(t);
	const others = await Promise.all(Array.from({ length: VIEWERS_MAX }, () => fetch(`${http.url}/api/live`)));
	t.teardown(() => Promise.all(others.map((one) => one.body?.cancel().catch(() => {}))).then(() => {}));
	const { page, text } = await openPage(browser, http.url, { isCutOff: true });
	t.teardown(() => page.context().close());
	await page.locator("body[data-connection=refused]").waitFor();
	t.match(await text("#verdict-title"), "lets no more viewers in");
	await others[0]!.body!.cancel();
	await pushed(feed, livePage(), { page });
	t.match(await text("#verdict-title"), "Running");
});
