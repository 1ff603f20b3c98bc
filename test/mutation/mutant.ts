/** A copy of the compiled program in which guards are taken out. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import typescript from "typescript";
import type { Edit } from "./guard.ts";

/** How often `text` stands in the source. */
export function occurrences(source: string, text: string): number {
	return source.split(text).length - 1;
}

/** The source with one guard gone. Throws when the text to replace is not there exactly once. */
export function mutated(source: string, { file, find, replace }: Edit): string {
	const found = occurrences(source, find);
	if (found !== 1) throw new Error(`${file} holds this ${found} times, not once: ${find.trim()}`);
	return source.replace(find, () => replace);
}

export class MutantFolder {
	/** Where the compiled program is, as `dist` is. */
	readonly path: string;
	readonly #root: string;
	readonly #packageRoot: string;
	readonly #built: string;

	/** `built`: the folder that holds the compiled program. */
	constructor(packageRoot: string, built: string) {
		this.#packageRoot = packageRoot;
		this.#built = built;
		this.#root = mkdtempSync(join(tmpdir(), "mutant-"));
		this.path = join(this.#root, "dist");
		cpSync(built, this.path, { recursive: true });
		for (const name of ["package.json", "node_modules", "schema"]) {
			symlinkSync(join(packageRoot, name), join(this.#root, name));
		}
	}

	/** Takes these guards out of the copy; returns how to put them back. */
	apply(edits: readonly Edit[]): () => void {
		const files = [...new Set(edits.map(({ file }) => file))];
		const compiled = (file: string) => file.replace(/\.ts$/, ".js");
		for (const file of files) {
			let source = readFileSync(join(this.#packageRoot, file), "utf8");
			for (const edit of edits.filter((one) => one.file === file)) source = mutated(source, edit);
			const target = join(this.path, compiled(file));
			mkdirSync(join(target, ".."), { recursive: true });
			writeFileSync(target, transpiled(source));
		}
		return () => {
			for (const file of files) cpSync(join(this.#built, compiled(file)), join(this.path, compiled(file)));
		};
	}

	remove(): void {
		rmSync(this.#root, { recursive: true, force: true });
	}
}

/** As the build compiles it, without looking at types: a guard that is gone may leave a name unused. */
function transpiled(source: string): string {
	return typescript.transpileModule(source, {
		compilerOptions: {
			module: typescript.ModuleKind.ESNext,
			target: typescript.ScriptTarget.ES2023,
			moduleResolution: typescript.ModuleResolutionKind.Bundler,
			rewriteRelativeImportExtensions: true,
			verbatimModuleSyntax: true,
		},
	}).outputText;
}
