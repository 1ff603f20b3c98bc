/** docker-compose.yml as tests read it: with defaults put in for `${NAME:-default}`, and YAML's merges done. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { packageRoot } from "../../schema/package-root.ts";

export interface Service {
	readonly image: string;
	readonly build?: string;
	readonly pull_policy?: string;
	readonly command?: readonly string[];
	readonly profiles?: readonly string[];
	readonly environment?: Readonly<Record<string, string | number>>;
	readonly ports?: readonly string[];
	readonly volumes?: readonly string[];
	readonly secrets?: readonly string[];
	readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
	readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
	readonly restart?: string;
	readonly stop_grace_period?: string;
	readonly read_only?: boolean;
	readonly cap_drop?: readonly string[];
}

export interface ComposeFile {
	readonly services: Readonly<Record<string, Service>>;
	readonly volumes: Readonly<Record<string, unknown>>;
	readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

export function readComposeFile(): ComposeFile {
	const text = readFileSync(join(packageRoot(), "docker-compose.yml"), "utf8");
	return parse(text.replaceAll(/\$\{\w+:-([^}]*)\}/g, "$1"), { merge: true });
}

/** Runs for as long as the rest does, as opposed to what does its work once and ends. */
export function livesOn({ restart }: Service): boolean {
	return restart !== "no";
}
