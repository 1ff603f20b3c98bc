/** The live page of snapshots made by hand, opened in a real Chromium. */
import type { Browser } from "playwright-core";
import type { Test } from "tap";
import { type HttpService, startHttp } from "../../monitoring/http.ts";
import type { LivePage } from "../../monitoring/live.ts";
import { type OpenPage, openPage, type PageOptions } from "./browser.ts";
import { engineStatus } from "./engine-status.ts";
import { livePage, StubFeed } from "./live-page.ts";
import { waitUntil } from "./wait-until.ts";

const SECRET = { name: "PGPASSWORD", value: "********", origin: "environment", description: "password" };

/** The engine's HTTP port with a feed to push into; closed with the test. */
export async function servePage(
	t: Test,
	port = 0,
): Promise<{ readonly feed: StubFeed; readonly http: HttpService }> {
	const feed = new StubFeed();
	const http = await startHttp({
		host: "127.0.0.1",
		port,
		metrics: { render: async () => "", contentType: "text/plain" },
		status: () => engineStatus(),
		live: feed,
		configRows: [
			{ name: "KAFKA_TOPIC", value: "user_events", origin: "default", description: "the topic" },
			SECRET,
		],
		log: { error: () => {} },
	});
	t.teardown(() => http.close());
	return { feed, http };
}

/** Opens the page and shows it one snapshot. */
export async function showPage(
	t: Test,
	browser: Browser,
	snapshot: LivePage = livePage(),
	options: PageOptions = {},
) {
	const served = await servePage(t);
	const opened = await openPage(browser, served.http.url, options);
	t.teardown(() => opened.page.context().close());
	await pushed(served.feed, snapshot, opened);
	return { ...served, ...opened };
}

/** Pushes until it is on the page: the first ones may come before the page listens. */
export async function pushed(
	feed: StubFeed,
	snapshot: LivePage,
	{ page }: Pick<OpenPage, "page">,
): Promise<void> {
	await waitUntil(
		async () => {
			feed.push(snapshot);
			return (await page.locator("body").getAttribute("data-connection")) === "live";
		},
		{ what: "a live page" },
	);
}
