/** The files of the live page, served as they lie in the package: no build step, nothing from anywhere else. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { packageRoot } from "../schema/package-root.ts";

export interface StaticFile {
	readonly type: string;
	readonly body: Buffer;
	/** With its quotes, as the header has it. */
	readonly etag: string;
}

export interface StaticFiles {
	/** By path; the page itself is `/`. */
	readonly byPath: ReadonlyMap<string, StaticFile>;
	/** Changes with any of the page's files: a page that is open and older loads itself again. */
	readonly build: string;
}

const PAGE_FOLDER = "monitoring/page";
const RUNBOOKS_FOLDER = "docs/runbooks";

/** Types a browser insists on (`nosniff`). Markdown as plain text: as what it is, a browser would download it. */
const TYPES: Readonly<Record<string, string>> = {
	".html": "text/html; charset=utf-8",
	".js": "text/javascript; charset=utf-8",
	".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml",
	".md": "text/plain; charset=utf-8",
};

/** Some 100 kB. Throws when a file of the page or the package uplot is missing. */
export function loadFiles(): StaticFiles {
	const root = packageRoot();
	const byPath = new Map<string, StaticFile>();
	for (const name of namesIn(join(root, PAGE_FOLDER))) {
		byPath.set(name === "index.html" ? "/" : `/page/${name}`, readStatic(join(root, PAGE_FOLDER, name)));
	}
	const uplot = dirname(fileURLToPath(import.meta.resolve("uplot/dist/uPlot.min.css")));
	byPath.set("/page/uplot.js", readStatic(join(uplot, "uPlot.iife.min.js")));
	byPath.set("/page/uplot.css", readStatic(join(uplot, "uPlot.min.css")));
	const page = [...byPath.values()].map(({ etag }) => etag);
	// An image may come without the documents; the page then names the path only.
	if (existsSync(join(root, RUNBOOKS_FOLDER))) {
		for (const name of namesIn(join(root, RUNBOOKS_FOLDER))) {
			byPath.set(`/${RUNBOOKS_FOLDER}/${name}`, readStatic(join(root, RUNBOOKS_FOLDER, name)));
		}
	}
	return { byPath, build: hashOf(page.join()) };
}

function namesIn(folder: string): string[] {
	return readdirSync(folder)
		.filter((name) => TYPES[extname(name)] !== undefined)
		.sort();
}

function readStatic(path: string): StaticFile {
	const body = readFileSync(path);
	return { type: TYPES[extname(path)]!, body, etag: `"${hashOf(body)}"` };
}

function hashOf(content: Buffer | string): string {
	return createHash("sha256").update(content).digest("hex").slice(0, 16);
}
