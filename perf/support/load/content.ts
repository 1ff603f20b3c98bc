/**
 * What a load consists of: the stream of `node engine generate` by the same seed, reshaped where a scenario wants to
 * hurt. The same content gives the same records in the same order, byte for byte.
 */
import { type GenerateCounts, type GenerateOptions, generate } from "../../../producer/generate.ts";
import { createRandom, type Random } from "../../../producer/random.ts";

export interface LoadContent extends GenerateOptions {
	/** Share of events that belong to one user, `user_hot`. */
	readonly hotUserShare: number;
	/** Share of events whose user was never seen before. */
	readonly newUserShare: number;
	/** Each event happens in any of so many hours from the first on, at random; 0: in order, as generated. */
	readonly scatterHours: number;
	/** So many bytes more in each good event, in a field that nobody knows. */
	readonly paddingBytes: number;
}

/** The stream that `drain` has always used: `generate --users 10000 --hours 24 --bad-ratio 0 --seed 1`. */
export const USUAL_CONTENT: Omit<LoadContent, "events"> = {
	users: 10_000,
	hours: 24,
	startSeconds: Date.UTC(2025, 5, 1) / 1000,
	badRatio: 0,
	lateRatio: 0.02,
	seed: 1,
	hotUserShare: 0,
	newUserShare: 0,
	scatterHours: 0,
	paddingBytes: 0,
};

/**
 * Takes one record: value and key as ranges of `bytes`, good until the call returns. A negative `keyStart` is no key.
 */
export type TakeRecord = (
	bytes: Buffer,
	keyStart: number,
	keyEnd: number,
	valueStart: number,
	valueEnd: number,
) => void;

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const USER_ID = Buffer.from('"user_id":"');
const EVENT_TIME = Buffer.from('"event_time":"');
const USER_PREFIX = Buffer.from("user_");
const ZERO = 0x30;
const NINE = 0x39;
const LINE_END = Buffer.from("}}");
/** `2025-06-01T15` */
const HOUR_CHARACTERS = 13;
/** Longest line the generator makes, all bad kinds included, is below 1 KB. */
const SHAPED_BYTES = 2048;

/** What was given so far. */
export interface LoadCounts {
	records: number;
	/** Those among them that are no valid event. */
	bad: number;
}

/** Gives the records in their order, a few hundred after each call of `next`. `counts` is right before it returns. */
export function* recordsOf(content: LoadContent, counts: LoadCounts, take: TakeRecord): Generator<void> {
	const made: GenerateCounts = { events: 0, bad: 0, late: 0 };
	const shape = createShape(content);
	for (const chunk of generate(content, made)) {
		for (let start = 0; start < chunk.length; ) {
			const end = chunk.indexOf(NEWLINE, start);
			if (shape === null) pass(chunk, start, end, take);
			else shape(chunk, start, end, take);
			start = end + 1;
			counts.records++;
		}
		counts.bad = made.bad;
		yield;
	}
}

/** The key is the user's id, as of every producer of the platform; found by bytes, also in most bad events. */
function pass(bytes: Buffer, start: number, end: number, take: TakeRecord): void {
	const found = bytes.indexOf(USER_ID, start);
	const keyStart = found + USER_ID.length;
	const keyEnd = found < 0 || keyStart > end ? -1 : bytes.indexOf(QUOTE, keyStart);
	if (keyEnd < 0 || keyEnd > end || keyEnd === keyStart) take(bytes, -1, -1, start, end);
	else take(bytes, keyStart, keyEnd, start, end);
}

type Shape = (bytes: Buffer, start: number, end: number, take: TakeRecord) => void;

/** Null when the stream is to stay as it is. */
function createShape(content: LoadContent): Shape | null {
	const { hotUserShare, newUserShare, scatterHours, paddingBytes } = content;
	if (hotUserShare + newUserShare + scatterHours + paddingBytes === 0) return null;
	const random = createRandom(content.seed + 1);
	const nextUser = createUsers(hotUserShare, newUserShare, random);
	const scatter = createScatter(content, random);
	const padding = Buffer.from(paddingBytes > 0 ? paddingOf(paddingBytes) : "");
	const line = Buffer.alloc(SHAPED_BYTES + paddingBytes);

	return (bytes, start, end, take) => {
		let from = start;
		let length = 0;
		const copyTo = (until: number) => {
			length += bytes.copy(line, length, from, until);
			from = until;
		};
		const user = nextUser();
		const userAt = user === null ? -1 : usualUserAt(bytes, start, end);
		if (user !== null && userAt >= 0) {
			copyTo(userAt);
			length += line.write(user, length, "latin1");
			from = bytes.indexOf(QUOTE, from);
		}
		const isWhole = bytes.compare(LINE_END, 0, 2, end - 2, end) === 0;
		if (isWhole && paddingBytes > 0) {
			copyTo(end - 2);
			length += padding.copy(line, length);
		}
		copyTo(end);
		scatter(line, length);
		// What follows is an older line's: a newline keeps the search for the key within this one.
		line[length] = NEWLINE;
		pass(line, 0, length, take);
	};
}

/** Where the user's id begins, or -1; also when the id is one that makes an event bad, which it must stay. */
function usualUserAt(bytes: Buffer, start: number, end: number): number {
	const found = bytes.indexOf(USER_ID, start);
	if (found < 0 || found >= end) return -1;
	let at = found + USER_ID.length + USER_PREFIX.length;
	if (bytes.compare(USER_PREFIX, 0, USER_PREFIX.length, found + USER_ID.length, Math.min(at, end)) !== 0)
		return -1;
	while (at < end && bytes[at]! >= ZERO && bytes[at]! <= NINE) at++;
	return bytes[at] === QUOTE ? found + USER_ID.length : -1;
}

/** `,"padding":"…"`, so many bytes in all where that is possible. */
function paddingOf(bytes: number): string {
	const frame = ',"padding":""';
	return `${frame.slice(0, -1)}${"x".repeat(Math.max(0, bytes - frame.length))}"`;
}

function createUsers(hotShare: number, newShare: number, random: Random): () => string | null {
	let newUsers = 0;
	return () => {
		const dice = hotShare + newShare > 0 ? random.float() : 1;
		if (dice < hotShare) return "user_hot";
		return dice < hotShare + newShare ? `user_n${++newUsers}` : null;
	};
}

/** Writes another hour over that of the line, when it has a believable one: a bad time stays bad. */
function createScatter(content: LoadContent, random: Random): (line: Buffer, length: number) => void {
	const { scatterHours, startSeconds } = content;
	if (scatterHours === 0) return () => undefined;
	const spell = (hour: number) =>
		new Date((startSeconds + hour * 3600) * 1000).toISOString().slice(0, HOUR_CHARACTERS);
	const targets = Array.from({ length: scatterHours }, (_, hour) => Buffer.from(spell(hour)));
	// Times with a zone are written up to 14 hours beside the stream's own.
	const known = new Set(Array.from({ length: content.hours + 28 }, (_, hour) => spell(hour - 14)));
	return (line, length) => {
		const at = line.subarray(0, length).indexOf(EVENT_TIME) + EVENT_TIME.length;
		if (at < EVENT_TIME.length || !known.has(line.toString("latin1", at, at + HOUR_CHARACTERS))) return;
		random.pick(targets).copy(line, at);
	};
}
