/** An engine that reads a file instead of Kafka, and what the oracle must know of the file's lines. */
import { type EngineOptions, type EngineProcess, spawnEngine, startEngine } from "./engine-process.ts";
import type { SentMessage } from "./topic.ts";

/** Any name: there is no broker. */
export const FILE_TOPIC = { name: "from_file", brokers: [] };

type FileOptions = Omit<EngineOptions, "topic" | "groupId"> & { readonly path: string };
type TestOf = Parameters<typeof startEngine>[0];

function optionsOf({ path, args = [], ...options }: FileOptions): EngineOptions {
	return { ...options, topic: FILE_TOPIC, args: ["--source", path, ...args] };
}

/** Starts an engine on a file and waits until it says where it listens. */
export function startOnFile(t: TestOf, options: FileOptions): Promise<EngineProcess> {
	return startEngine(t, optionsOf(options));
}

/** The same without waiting: for one that ends by itself. */
export function spawnOnFile(t: TestOf, options: FileOptions): EngineProcess {
	return spawnEngine(t, optionsOf(options));
}

/** The records that these lines are: offsets by line number, none for an empty line. */
export function messagesOf(lines: readonly Buffer[]): SentMessage[] {
	return lines.flatMap((value, offset) => {
		const isEmpty = value.length === 0 || value.equals(Buffer.from("\r"));
		const rest = { topic: FILE_TOPIC.name, partition: 0, timestampMs: -1, key: null, headers: {} };
		return isEmpty ? [] : [{ ...rest, offset, value }];
	});
}

/** Lines as the bytes of a file, each with its line end. */
export function fileText(lines: readonly Buffer[]): Buffer {
	return Buffer.concat(lines.flatMap((line) => [line, Buffer.from("\n")]));
}
