/**
 * Where the package lies, for the files the compiler does not copy: SQL, sample data, dashboards.
 *
 * The same source runs from the tree and from any build folder, so the depth of this file is not known.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const PACKAGE_NAME = "lottery-engine";

interface FoundPackage {
	readonly root: string;
	readonly version: string;
}

let found: FoundPackage | null = null;

/** Absolute path of the folder that holds our package.json. Throws when no folder above this file does. */
export function packageRoot(): string {
	return findPackage().root;
}

/** `version` of our package.json. Throws like `packageRoot`. */
export function packageVersion(): string {
	return findPackage().version;
}

function findPackage(): FoundPackage {
	found ??= searchUpwards(dirname(fileURLToPath(import.meta.url)));
	return found;
}

function searchUpwards(start: string): FoundPackage {
	for (let folder = start; ; folder = dirname(folder)) {
		const manifest = readManifest(join(folder, "package.json"));
		if (manifest?.name === PACKAGE_NAME) return { root: folder, version: String(manifest.version) };
		if (dirname(folder) === folder) {
			throw new Error(
				`no package.json named ${PACKAGE_NAME} at or above ${start}: run from a complete checkout or a complete installation`,
			);
		}
	}
}

/** Null when there is no such file; another package's manifest on the way up is fine and is passed by. */
function readManifest(path: string): { name?: unknown; version?: unknown } | null {
	let text: string;
	try {
		text = readFileSync(path, "utf8");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
		throw error;
	}
	return JSON.parse(text);
}
