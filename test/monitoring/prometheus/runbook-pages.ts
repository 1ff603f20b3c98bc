/** Reads the pages of docs/runbooks for tests. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../../schema/package-root.ts";

export const RUNBOOKS_FOLDER = join(packageRoot(), "docs", "runbooks");

export interface RunbookPage {
	/** `engine-down` */
	readonly name: string;
	readonly text: string;
	/** Contents of its code blocks by language, in their order. */
	blocks(language: "promql" | "sql" | "sh" | "log"): readonly string[];
}

/** Every page but the index. */
export function runbookPages(): readonly RunbookPage[] {
	return readdirSync(RUNBOOKS_FOLDER)
		.filter((file) => file.endsWith(".md") && file !== "README.md")
		.sort()
		.map((file) => {
			const text = readFileSync(join(RUNBOOKS_FOLDER, file), "utf8");
			return {
				name: file.slice(0, -".md".length),
				text,
				blocks: (language) =>
					[...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map(([, block]) =>
						block!.trim(),
					),
			};
		});
}
