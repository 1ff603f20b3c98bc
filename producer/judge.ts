/** Deciding for one line whether it is sent, and under which key. */
import { isUtf8 } from "node:buffer";
import { createEventFields, createValidator, type Invalid } from "../schema/validate.ts";
import { isTooLong } from "./lines.ts";

/** Why a line was not sent; `too_large` is the producer's own reason, all others are those of the dead letters. */
export interface Refusal {
	readonly reason: Invalid["reason"] | "too_large";
	readonly pointer: string;
	readonly detail: string;
}

export interface Verdict {
	/** What goes to Kafka; null when the line is refused. */
	readonly value: Buffer | null;
	/** `user_id`, so that one user's events stay in order; null when the line has none. */
	readonly key: string | null;
	readonly refusal: Refusal | null;
}

export type Judge = (line: Buffer) => Verdict;

const CARRIAGE_RETURN = 0x0d;

/** An empty line, or one that a Windows editor has left: nothing to send, nothing wrong. */
export function isEmptyLine(line: Buffer): boolean {
	return line.length === 0 || (line.length === 1 && line[0] === CARRIAGE_RETURN);
}

/**
 * Valid lines are sent, without the `\r` of a `\r\n`; the others are refused with the reason the engine would give
 * them as dead letters. The rules that need a Kafka record (`future_event`, `late_event`) are left to the engine.
 */
export function createCheckingJudge(): Judge {
	const validate = createValidator();
	const fields = createEventFields();
	return (line) => {
		if (isTooLong(line)) return TOO_LARGE;
		const value = line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
		if (!isUtf8(value)) return refused({ reason: "utf8", pointer: "", detail: "" });
		let parsed: unknown;
		try {
			parsed = JSON.parse(value.toString("utf8"));
		} catch {
			return refused({ reason: "json", pointer: "", detail: "" });
		}
		const invalid = validate(parsed, fields);
		return invalid === null ? { value, key: fields.userId, refusal: null } : refused(invalid);
	};
}

/** Everything is sent as it is, byte for byte; only what no broker would take is refused. */
export function rawJudge(line: Buffer): Verdict {
	if (isTooLong(line)) return TOO_LARGE;
	return { value: line, key: userIdOf(line), refusal: null };
}

const TOO_LARGE = refused({ reason: "too_large", pointer: "", detail: "longer than a Kafka message may be" });

function refused(refusal: Refusal): Verdict {
	return { value: null, key: null, refusal };
}

/** `payload.user_id` of a line that parses and has it as a string, whatever else is wrong with the line. */
export function userIdOf(line: Buffer): string | null {
	if (!isUtf8(line)) return null;
	try {
		const event = JSON.parse(line.toString("utf8")) as { payload?: { user_id?: unknown } | null } | null;
		const userId = event?.payload?.user_id;
		return typeof userId === "string" ? userId : null;
	} catch {
		return null;
	}
}
