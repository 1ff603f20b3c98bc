/** What the demo shows: the sample through Kafka, the sample as a file where there is no Java, or a file of the user's. */
import { copyFileSync, createReadStream, readFileSync } from "node:fs";
import { join } from "node:path";
import { isEmptyLine, rawJudge } from "../../producer/judge.ts";
import { LineSplitter, linesOf } from "../../producer/lines.ts";
import { packageRoot } from "../../schema/package-root.ts";
import { UnavailableError } from "../errors.ts";
import type { OutgoingMessage } from "../kafka/sender.ts";
import { openHome } from "../local/home.ts";
import { prepareKafka } from "../local/kafka-jars.ts";
import type { CommandContext } from "./context.ts";

const SAMPLE_FILE = join("data", "events.jsonl");

export interface DemoFile {
	/** Absolute. */
	readonly path: string;
	/** A copy of the sample, made for this demo: people may append to it. */
	readonly isOurs: boolean;
}

/**
 * The file that the demo reads instead of Kafka: `--source`, or a copy of the sample where the embedded Kafka cannot
 * run; null when it can.
 * @param home of the demo, empty
 */
export async function chooseFile(
	{ config, entries, log }: CommandContext,
	home: string,
	progress: (line: string) => void,
): Promise<DemoFile | null> {
	// A setting for `start` does not turn the demo into another one; as with KAFKA_BROKERS and DATABASE_URL.
	const isAsked = entries.some(({ name, origin }) => name === "SOURCE_FILE" && origin.startsWith("flag "));
	if (isAsked && config.sourceFile !== null) return { path: config.sourceFile, isOurs: false };
	try {
		await prepareKafka(openHome(home), progress);
		return null;
	} catch (error) {
		if (!(error instanceof UnavailableError)) throw error;
		const [way] = (error.nextStep ?? "").split("\n");
		log.warn(
			`${error.message}; without it the demo reads the sample as a file, through the same engine. For the real broker ${way}`,
		);
	}
	const path = join(home, "events.jsonl");
	copyFileSync(join(packageRoot(), SAMPLE_FILE), path);
	return { path, isOurs: true };
}

/** Every line of the sample as it is, the bad ones too. */
export function sampleMessages(): OutgoingMessage[] {
	const splitter = new LineSplitter();
	const lines = splitter.next(readFileSync(join(packageRoot(), SAMPLE_FILE)));
	const rest = splitter.end();
	if (rest !== null) lines.push(rest);
	return lines
		.filter((line) => line.length > 0)
		.map((line): OutgoingMessage => {
			const { key, value } = rawJudge(line);
			return { key, value };
		});
}

/** Lines that are not empty among the first `lines` of a file, by the producer's reading. */
export async function countEvents(path: string, lines: number): Promise<number> {
	let left = lines;
	let events = 0;
	for await (const list of linesOf(createReadStream(path))) {
		for (const line of list.slice(0, left)) if (!isEmptyLine(line)) events++;
		left -= Math.min(left, list.length);
		if (left === 0) break;
	}
	return events;
}
