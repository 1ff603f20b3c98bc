/** Reads a Dockerfile as far as tests ask: its stages, and what each copies. No heredocs, no escape directive. */

export interface Copy {
	/** The stage it copies from; null: the build context. */
	readonly from: string | null;
	readonly sources: readonly string[];
	readonly target: string;
}

export interface Stage {
	/** Empty for the last one, which is the image. */
	readonly name: string;
	readonly base: string;
	readonly copies: readonly Copy[];
	/** Every other instruction, in order: `["USER", "1000:1000"]`. */
	readonly instructions: readonly (readonly [name: string, text: string])[];
}

export interface Dockerfile {
	/** `ARG NAME=value` in front of the first stage. */
	readonly globalArgs: ReadonlyMap<string, string>;
	readonly stages: readonly Stage[];
}

interface OpenStage extends Stage {
	readonly copies: Copy[];
	readonly instructions: [string, string][];
}

/** Throws for an instruction in front of the first FROM that is no ARG. */
export function readDockerfile(text: string): Dockerfile {
	const globalArgs = new Map<string, string>();
	const stages: OpenStage[] = [];
	for (const line of logicalLines(text)) {
		const [, name = "", rest = ""] = /^(\S+)\s+(.*)$/s.exec(line) ?? [];
		const stage = stages.at(-1);
		if (name === "FROM") stages.push(openStage(rest, globalArgs));
		else if (name === "COPY" && stage !== undefined) stage.copies.push(copyOf(rest));
		else if (stage !== undefined) stage.instructions.push([name, rest]);
		else if (name === "ARG") globalArgs.set(...keyAndValue(rest));
		else throw new Error(`${name} in front of the first FROM`);
	}
	return { globalArgs, stages };
}

/** The text of the last instruction of that name; it is the one that counts for USER, CMD and their like. */
export function lastOf(stage: Stage, name: string): string | undefined {
	return stage.instructions.findLast(([one]) => one === name)?.[1];
}

/** Without comments, and with continued lines joined. */
function logicalLines(text: string): string[] {
	return text
		.split("\n")
		.filter((line) => !/^\s*(#|$)/.test(line))
		.join("\n")
		.replaceAll(/\\\n\s*/g, "")
		.split("\n");
}

function openStage(rest: string, args: ReadonlyMap<string, string>): OpenStage {
	const [image = "", , name = ""] = rest.split(/\s+/);
	const base = image.replaceAll(/\$\{(\w+)\}/g, (_, variable: string) => args.get(variable) ?? "");
	return { name, base, copies: [], instructions: [] };
}

function copyOf(rest: string): Copy {
	const words = rest.split(/\s+/);
	const options = words.filter((word) => word.startsWith("--"));
	const paths = words.filter((word) => !word.startsWith("--"));
	const from = options.find((option) => option.startsWith("--from="))?.slice("--from=".length) ?? null;
	return { from, sources: paths.slice(0, -1), target: paths.at(-1)! };
}

function keyAndValue(text: string): [string, string] {
	const [key = "", value = ""] = text.split("=", 2);
	return [key, value];
}
