/** A real Chromium for tests of the live page. It speaks to 127.0.0.1 only, and ends with the test. */
import { readFileSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";

/** The part of a tap test that is needed here. */
interface TestWithTeardown {
	teardown(handler: () => Promise<void>): void;
}

export interface OpenPage {
	readonly page: Page;
	/** Errors and warnings of the console, uncaught errors, and requests to anybody but the engine. */
	readonly complaints: string[];
	/** Text of the first element that the selector finds, its spaces as one. */
	text(selector: string): Promise<string>;
}

export interface PageOptions {
	readonly width?: number;
	readonly height?: number;
	readonly colorScheme?: "light" | "dark";
	/** The engine will be taken away: that requests fail then is no complaint. */
	readonly isCutOff?: boolean;
}

/** A browser without a head; `CHROMIUM_PATH` names another than Debian's. Throws when there is none. */
export async function openBrowser(t: TestWithTeardown): Promise<Browser> {
	const browser = await chromium.launch({
		executablePath: process.env["CHROMIUM_PATH"] || "/usr/bin/chromium",
		// Root has no sandbox; /dev/shm of a container may hold 64 MB.
		args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
	});
	t.teardown(() => browser.close());
	return browser;
}

/** Opens `url` and waits for the first snapshot. */
export async function openPage(
	browser: Browser,
	url: string,
	{ width = 1280, height = 900, colorScheme = "light", isCutOff = false }: PageOptions = {},
): Promise<OpenPage> {
	const context = await browser.newContext({ viewport: { width, height }, colorScheme });
	const page = await context.newPage();
	const complaints: string[] = [];
	page.on("console", (message) => {
		const isLost = isCutOff && /ERR_(CONNECTION|INCOMPLETE|EMPTY)/.test(message.text());
		if (["error", "warning"].includes(message.type()) && !isLost) complaints.push(message.text());
	});
	page.on("pageerror", (error) => complaints.push(String(error)));
	page.on("request", (request) => {
		if (!request.url().startsWith(url)) complaints.push(`request to ${request.url()}`);
	});
	await page.goto(url);
	const text = async (selector: string) =>
		((await page.locator(selector).first().textContent()) ?? "").replace(/\s+/g, " ").trim();
	return { page, complaints, text };
}

/** What axe finds serious or worse, as `rule: elements`. */
export async function seriousFindings(page: Page): Promise<string[]> {
	// As text into the page's own world: a script element would be refused by the page's policy.
	await page.evaluate(AXE_SOURCE);
	const { violations } = (await page.evaluate("axe.run()")) as {
		violations: { id: string; impact: string; nodes: { target: string[]; failureSummary: string }[] }[];
	};
	return violations
		.filter(({ impact }) => impact === "serious" || impact === "critical")
		.map(
			({ id, nodes }) =>
				`${id}: ${nodes.map((node) => `${node.target} (${node.failureSummary})`).join(", ")}`,
		);
}

const AXE_SOURCE = readFileSync(new URL(import.meta.resolve("axe-core/axe.min.js")), "utf8");
