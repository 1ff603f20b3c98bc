/** The live page in a real Chromium, with snapshots made by hand: what it says of them, and how it behaves as a page. */
import t from "tap";
import { openBrowser, seriousFindings } from "../support/browser.ts";
import { actorStatus, engineStatus, NOW_MS, partitionStatus } from "../support/engine-status.ts";
import { business, deadLetter, hourMetrics, livePage } from "../support/live-page.ts";
import { showPage } from "../support/page-stage.ts";

const browser = await openBrowser(t);

t.test("a snapshot is shown in every part, without a complaint of the browser", async (t) => {
	const { text, complaints, page } = await showPage(t, browser);
	t.equal(await page.title(), "Lottery engine · user_events");
	t.match(await text("#verdict-title"), "Running");
	t.match(await text("#identity"), "user_events · group lottery-engine · version 1.2.3");
	t.equal(await page.locator("#signals > li").count(), 14, "each alert the engine can judge, and their sum");
	t.match(await text("[data-key=EngineFreshnessHigh]"), /2\.5 s.*limit 5 min/);
	t.equal(await page.locator("#flow > li").count(), 7, "four steps and three ways");
	t.match(await text("[data-key=postgres]"), "345 rows in 12 ms");
	t.equal(await page.locator("#hours tbody tr").count(), 24);
	t.match(await text("#business-sums"), /Revenue31,572\.00.*Payouts7,446\.00.*Tickets9,876/);
	t.equal(await page.locator("#partitions tbody tr").count(), 2);
	t.match(await text("#partitions tbody tr"), /0 ?flowing ?50/);
	t.equal(await page.locator("#actors tbody tr").count(), 2);
	t.match(await text("#dead"), /amount.*\/payload\/amount: must be >= 0.*partition 1, offset 77/);
	t.equal(await text("#dead mark"), '"amount": -5', "the place at which it is wrong");
	t.equal(await page.locator("#chart-revenue canvas").count(), 1);
	t.strictSame(complaints, []);
});

t.test("markup in anything that comes from outside is text", async (t) => {
	const nasty = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>&lt;b&gt;';
	const status = engineStatus({
		topic: nasty,
		groupId: nasty,
		notReady: [nasty],
		postgres: { trouble: nasty, oldestSnapshotSeconds: null },
		partitions: [partitionStatus(0, { state: "halted", haltReason: nasty, pausedReasons: [nasty] })],
		flush: { ...engineStatus().flush, failures: 1, lastError: nasty },
		totals: { ...engineStatus().totals, deadLettersByReason: { [`validate/${nasty}`]: 3 } },
	});
	const letter = deadLetter({
		key: nasty,
		value: `{"user_id":"${nasty}"}`,
		detail: nasty,
		pointer: `/${nasty}`,
		reason: nasty,
	});
	const seen = business({
		deadLetters: { value: [letter], readAtMs: NOW_MS, trouble: nasty },
		hours: { value: null, readAtMs: null, trouble: nasty },
	});
	const { page, text, complaints } = await showPage(t, browser, livePage(status, seen));
	for (const place of ["#identity", "#verdict-reasons", "#partitions", "#dead", "#business-stale"])
		t.match(await text(place), nasty.replace(/\s+/g, " "), `${place} shows it as it is`);
	t.equal(await page.evaluate("window.pwned"), undefined, "nothing of it has run");
	t.equal(await page.locator("main img, main script").count(), 0, "nothing of it is an element");
	t.strictSame(complaints, []);
});

t.test("a late event's correction is marked with what it changed", async (t) => {
	const { feed, page, text } = await showPage(t, browser);
	t.equal(await page.locator("tr[data-corrected]").count(), 0);
	const correction = { atMs: NOW_MS - 3000, revenue: "+2.50", payouts: "+0.00", tickets: 1, activeUsers: 1 };
	const hours = Array.from({ length: 24 }, (_, i) => hourMetrics(i, i === 7 ? { correction } : {}));
	feed.push(livePage(engineStatus(), business({ hours: { value: hours, readAtMs: NOW_MS, trouble: null } })));
	await page.locator("tr[data-corrected]").waitFor();
	t.equal(await page.locator("tr[data-corrected]").count(), 1);
	t.match(await text("tr[data-corrected] th"), /^05:00.*corrected: revenue \+2\.50$/);
	t.match(await page.locator("tr[data-corrected] th").getAttribute("title"), "tickets +1, users +1");
});

t.test("what is paused, halted, back-pressured or away is said in words, not by colour alone", async (t) => {
	const status = engineStatus({
		partitions: [
			partitionStatus(0, { pausedReasons: ["flush"] }),
			partitionStatus(1, { state: "halted", haltReason: "offset 7 cannot be read" }),
		],
		postgres: { trouble: "connect ECONNREFUSED", oldestSnapshotSeconds: null },
		notReady: ["Postgres does not take writes: connect ECONNREFUSED"],
		actors: [actorStatus(0)],
	});
	const old = { ...business().hours, readAtMs: NOW_MS - 60_000, trouble: "connect ECONNREFUSED" };
	const { page, text } = await showPage(t, browser, livePage(status, business({ hours: old })));
	t.match(await text("#verdict-title"), "Not ready: Postgres does not store");
	t.match(await text("#verdict-text"), "nothing is lost");
	t.match(await text("#verdict-text"), "The business figures below are of 11:59:00");
	t.match(await text("#verdict-reasons"), "ECONNREFUSED");
	t.equal(await page.locator("#verdict").getAttribute("role"), "status", "a screen reader says it");
	t.match(await text("[data-key=postgres]"), /away.*ECONNREFUSED/);
	t.match(await text("[data-key=kafka]"), /back-pressured.*waits for Postgres/);
	t.match(await text("#partitions tbody tr:nth-child(1)"), "paused: Postgres is behind");
	t.match(await text("#partitions tbody tr:nth-child(2)"), "halted: offset 7 cannot be read");
	t.match(await text("[data-key=EngineNotReady]"), /no.*pages in 2 min|no.*pages in 120 s/);
	t.match(await text("#business-stale"), /are of 11:59:00 and may be out of date: connect ECONNREFUSED/);
	t.equal(await page.locator("#hours tbody tr").count(), 24, "the figures stay");
	t.match(await page.title(), /^✕/);
	t.strictSame(await seriousFindings(page), [], "red and amber can be read");
});

t.test("with Kafka away the lag says when it was read, and is not called none", async (t) => {
	const status = engineStatus({
		kafka: { trouble: "connection refused" },
		notReady: ["Kafka does not answer: connection refused"],
		partitions: [partitionStatus(0, { lag: 0, lagSeconds: 0, watermarksAtMs: NOW_MS - 30_000 })],
	});
	const { text } = await showPage(t, browser, livePage(status));
	t.match(await text("#verdict-title"), "Kafka does not answer");
	t.match(await text("#verdict-text"), "The lag below is of 11:59:30; what has come since is not known");
	t.match(await text("[data-key=EngineLagGrowing]"), "as of 30 s ago");
	t.match(await text("#partitions-when"), "lag as of 11:59:30");
	t.match(await text("[data-key=kafka]"), /away.*connection refused/);
});

t.test(
	"without partitions, hours, dead letters and events each part says that there is nothing",
	async (t) => {
		const { totals, flush } = engineStatus();
		const status = engineStatus({
			partitions: [],
			latency: null,
			flush: { ...flush, lastCommitAtMs: null, lastRows: null, lastDurationMs: null },
			totals: { ...totals, consumed: 0, deadLetters: 0, deadLettersByReason: {} },
		});
		const nothing = { readAtMs: NOW_MS, trouble: null };
		const seen = business({
			hours: { ...nothing, value: [] },
			counts: { ...nothing, value: { stored: 0, deadLetters: 0 } },
			deadLetters: { ...nothing, value: [] },
		});
		const { text, page, complaints } = await showPage(t, browser, livePage(status, seen));
		t.match(await text("#verdict-title"), "no event has come");
		t.match(await text("#hours .empty"), "No event is stored yet");
		t.match(await text("#partitions .empty"), "No partition is ours");
		t.match(await text("#dead"), "None: every message was an event.");
		t.match(await text("#chart-revenue .empty"), "Nothing to draw yet");
		t.match(await text("[data-key=postgres]"), "no commit yet");
		t.strictSame(await seriousFindings(page), []);
		t.strictSame(complaints, []);
	},
);

t.test("configuration shows values and origins as it was given them, masked", async (t) => {
	const { page, text } = await showPage(t, browser);
	t.match(await text("#config-summary"), "2 variables, 1 of them set");
	t.equal(await page.locator("#config table").isVisible(), false);
	await page.locator("#config-summary").click();
	t.match(await text("#config tr[data-key=PGPASSWORD]"), /PGPASSWORD ?\*{8} ?environment/);
});

for (const [colorScheme, width] of [
	["light", 360],
	["dark", 1280],
	["dark", 360],
	["light", 1280],
] as const) {
	t.test(
		`at ${width} px in the ${colorScheme} nothing is cut off, and axe finds nothing serious`,
		async (t) => {
			const halted = partitionStatus(1, { state: "halted", haltReason: `offset 7: ${"x".repeat(200)}` });
			const status = engineStatus({
				partitions: [partitionStatus(0), halted],
				topic: "a-topic-with-a-long-name".repeat(5),
			});
			const { page } = await showPage(t, browser, livePage(status), { width, height: 740, colorScheme });
			await page.locator("#config-summary").click();
			t.equal(await page.evaluate("document.documentElement.scrollWidth"), width, "no scrolling sideways");
			const ground = await page.evaluate("getComputedStyle(document.body).backgroundColor");
			t.equal(ground, colorScheme === "dark" ? "rgb(16, 19, 26)" : "rgb(244, 245, 247)");
			t.strictSame(await seriousFindings(page), []);
		},
	);
}

t.test("everything that can be used is reached by Tab in the order of the page, and shows it", async (t) => {
	const { page } = await showPage(t, browser);
	const seen: string[] = [];
	for (let i = 0; i < 30; i++) {
		await page.keyboard.press("Tab");
		const place = await page.evaluate(`(() => {
			const one = document.activeElement;
			if (one === document.body) return "end";
			const outline = getComputedStyle(one).outlineStyle;
			return (outline === "none" ? "invisible " : "") + (one.getAttribute("href") ?? one.id + one.className);
		})()`);
		if (place === "end") break;
		seen.push(String(place));
	}
	t.equal(seen[0], "#main", "first of all the way around the head");
	t.strictSame(
		seen.filter((place) => place.startsWith("invisible")),
		[],
	);
	const order = [
		"#config-title",
		"/docs/runbooks/engine-not-ready.md",
		"/docs/runbooks/payout-ratio-high.md",
		"raw",
		"config-summary",
		"/help",
	];
	const places = order.map((one) => seen.indexOf(one));
	t.ok(
		places.every((place) => place >= 0),
		`all of ${order} are in ${seen}`,
	);
	t.strictSame(
		[...places].sort((a, b) => a - b),
		places,
		"in their order",
	);
	await page.locator("#config-summary").focus();
	await page.keyboard.press("Enter");
	t.equal(await page.locator("#config table").isVisible(), true, "Enter opens it");
});
