/**
 * One pass from the bytes of an event to its fields: no string and no object, where JSON.parse and the schema cost
 * five times as much.
 *
 * It is a shortcut and never a judge: what it takes, JSON.parse and the schema take with the same fields; whatever it
 * does not know (escapes, exponents, a name that stands twice, anything wrong) it leaves to them, also where they will
 * accept it. Names may stand in any order, with any whitespace, among others it does not know.
 *
 * It never looks for the end of a value while it reads: it is only right when it ends exactly there. A value cut short
 * leads it into the next one, and in the end behind its own end. Behind the last value stand `VALUES_TAIL_BYTES`
 * zeros, which nothing accepts.
 */
import { EVENT_TYPES, hasAmount } from "../schema/event.ts";
import { CENTS_PER_UNIT, SESSION_ID_MAX, USER_ID_CODE_POINTS_MAX } from "../schema/limits.ts";
import { NO_HOUR, readHour, readWithinHour } from "../schema/time.ts";
import { digits, digitsEnd, isDigit, isSpace, isWholeNumber, numberEnd, spaceEnd } from "./event-numbers.ts";
import { codePoints, textEnd } from "./event-utf8.ts";
import { QuotedNames, word } from "./event-words.ts";
import type { FoldedEvent } from "./folded-event.ts";
import { VALUES_TAIL_BYTES } from "./slice.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const COLON = 0x3a;
const LOWER_E = 0x65;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** The known names with their quotes, in words: `"event_type"`, `"event_time"`, `"payload"`, and those of the payload. */
const EVE = word('"eve');
const NT_T = word("nt_t");
const YPE = word('ype"');
const IME = word('ime"');
const PAY = word('"pay');
const LOAD = word("load");
const USE = word('"use');
const R_ID = word("r_id");
const SES = word('"ses');
const SION = word("sion");
const ID = word('_id"');
const AMO = word('"amo');
const UNT = word('unt"');
const NULL = word("null");
const TRUE = word("true");
const ALSE = word("alse");
const LOWER_F = 0x66;

/** Which names have been met. */
const TYPE = 1;
const TIME = 2;
const PAYLOAD = 4;
const USER = 8;
const SESSION = 16;
const AMOUNT = 32;
const REQUIRED = TYPE | TIME | PAYLOAD | USER | SESSION;

const TYPE_NAMES = new QuotedNames(EVENT_TYPES);
const HAS_AMOUNT = Uint8Array.from(EVENT_TYPES, (type) => Number(hasAmount(type)));

/** The whole part of an amount below `AMOUNT_EXCLUSIVE_MAX` = 10^12. */
const UNIT_DIGITS_MAX = 12;

/** An amount that only a type without one can have. */
const NO_MONEY = -2;

export class EventScanner {
	#bytes: Bytes = new Uint8Array(VALUES_TAIL_BYTES);
	#view = new DataView(this.#bytes.buffer);
	/** A place where nothing can be read from: whoever fails goes on there, and fails again. */
	#nowhere = 0;
	/** Behind what was read last. */
	#at = 0;
	/** The hour read last, as it is written (`2025-06-01T15:` in four words) and in seconds. */
	#hour0 = 0;
	#hour4 = 0;
	#hour8 = 0;
	#hour10 = 0;
	#hourSeconds = NO_HOUR;

	/** Takes the values of a slice; at least `VALUES_TAIL_BYTES` zeros must stand behind the last one. */
	open(values: Bytes): void {
		this.#bytes = values;
		this.#view = new DataView(values.buffer, values.byteOffset, values.length);
		this.#nowhere = values.length - VALUES_TAIL_BYTES;
	}

	/** True when the value in `[start, end)` is an event, which `out` then holds; else `out` holds anything. */
	scan(start: number, end: number, out: FoldedEvent): boolean {
		const bytes = this.#bytes;
		const view = this.#view;
		if (bytes[start] !== OPEN_BRACE) return false;
		let met = 0;
		let at = start;
		do {
			at++;
			if (bytes[at]! <= SPACE) at = spaceEnd(bytes, at);
			const first = view.getInt32(at, true);
			if (first === EVE && view.getInt32(at + 4, true) === NT_T) {
				const last = view.getInt32(at + 8, true);
				if (last === YPE) {
					if ((met & TYPE) !== 0) return false;
					met |= TYPE;
					at = this.#valueAt(at + 12);
					const typeIndex = TYPE_NAMES.indexAt(view, at);
					if (typeIndex < 0) return false;
					out.typeIndex = typeIndex;
					at += TYPE_NAMES.lengthOf(typeIndex);
				} else if (last === IME) {
					if ((met & TIME) !== 0) return false;
					met |= TIME;
					at = this.#time(this.#valueAt(at + 12), out);
				} else {
					at = this.#unknown(at);
				}
			} else if (first === PAY && view.getInt32(at + 4, true) === LOAD && bytes[at + 8] === QUOTE) {
				if ((met & PAYLOAD) !== 0) return false;
				const inner = this.#payload(this.#valueAt(at + 9), out);
				if (inner === 0) return false;
				met |= PAYLOAD | inner;
				at = this.#at;
			} else {
				at = this.#unknown(at);
			}
			if (bytes[at]! <= SPACE) at = spaceEnd(bytes, at);
		} while (bytes[at] === COMMA);
		if (bytes[at] !== CLOSE_BRACE) return false;
		at++;
		while (at < end && isSpace(bytes[at]!)) at++;
		if (at !== end || (met & REQUIRED) !== REQUIRED) return false;
		if (HAS_AMOUNT[out.typeIndex] === 0) out.cents = -1;
		else if ((met & AMOUNT) === 0 || out.cents < 0) return false;
		return true;
	}

	/** The payload at `start`: gives what was met in it, or 0 when it is to be judged; `#at` is then behind it. */
	#payload(start: number, out: FoldedEvent): number {
		const bytes = this.#bytes;
		const view = this.#view;
		if (bytes[start] !== OPEN_BRACE) return 0;
		let met = 0;
		let at = start;
		do {
			at++;
			if (bytes[at]! <= SPACE) at = spaceEnd(bytes, at);
			const first = view.getInt32(at, true);
			if (first === USE && view.getInt32(at + 4, true) === R_ID && bytes[at + 8] === QUOTE) {
				if ((met & USER) !== 0) return 0;
				met |= USER;
				at = this.#user(this.#valueAt(at + 9), out);
			} else if (
				first === SES &&
				view.getInt32(at + 4, true) === SION &&
				view.getInt32(at + 8, true) === ID
			) {
				if ((met & SESSION) !== 0) return 0;
				met |= SESSION;
				at = this.#session(this.#valueAt(at + 12), out);
			} else if (first === AMO && view.getInt32(at + 4, true) === UNT) {
				if ((met & AMOUNT) !== 0) return 0;
				met |= AMOUNT;
				at = this.#amount(this.#valueAt(at + 8), out);
			} else {
				at = this.#unknown(at);
			}
			if (bytes[at]! <= SPACE) at = spaceEnd(bytes, at);
		} while (bytes[at] === COMMA);
		if (bytes[at] !== CLOSE_BRACE) return 0;
		this.#at = at + 1;
		return met;
	}

	/** Where the value begins that belongs to the name which ends at `at`. */
	#valueAt(at: number): number {
		const bytes = this.#bytes;
		let next = at;
		if (bytes[next]! <= SPACE) next = spaceEnd(bytes, next);
		if (bytes[next] !== COLON) return this.#nowhere;
		next++;
		return bytes[next]! <= SPACE ? spaceEnd(bytes, next) : next;
	}

	/** Reads `event_time` at `at`; gives where it ends. */
	#time(at: number, out: FoldedEvent): number {
		const bytes = this.#bytes;
		const view = this.#view;
		if (bytes[at] !== QUOTE) return this.#nowhere;
		const start = at + 1;
		const w0 = view.getInt32(start, true);
		const w4 = view.getInt32(start + 4, true);
		const w8 = view.getInt32(start + 8, true);
		const w10 = view.getInt32(start + 10, true);
		if (w0 !== this.#hour0 || w4 !== this.#hour4 || w8 !== this.#hour8 || w10 !== this.#hour10) {
			const hourSeconds = readHour(bytes, start);
			if (hourSeconds === NO_HOUR) return this.#nowhere;
			this.#hour0 = w0;
			this.#hour4 = w4;
			this.#hour8 = w8;
			this.#hour10 = w10;
			this.#hourSeconds = hourSeconds;
		}
		const end = readWithinHour(bytes, start, this.#hourSeconds, out);
		return end < 0 || bytes[end] !== QUOTE ? this.#nowhere : end + 1;
	}

	/** Reads `user_id` at `at`; gives where it ends. */
	#user(at: number, out: FoldedEvent): number {
		const bytes = this.#bytes;
		if (bytes[at] !== QUOTE) return this.#nowhere;
		const start = at + 1;
		const end = textEnd(bytes, this.#view, start);
		if (bytes[end] !== QUOTE || end === start) return this.#nowhere;
		// A code point takes a byte at least, so that most need not be counted.
		const mayBeTooLong = end - start > USER_ID_CODE_POINTS_MAX;
		if (mayBeTooLong && codePoints(bytes, start, end) > USER_ID_CODE_POINTS_MAX) return this.#nowhere;
		out.user = bytes;
		out.userStart = start;
		out.userEnd = end;
		return end + 1;
	}

	/** Reads `session_id` at `at`; gives where it ends. */
	#session(at: number, out: FoldedEvent): number {
		const bytes = this.#bytes;
		let end = at;
		// Beyond 2^53 it is no longer exact, but not below it either, however many digits follow.
		let sessionId = 0;
		for (let digit = bytes[end]! - ZERO; digit >= 0 && digit <= 9; digit = bytes[end]! - ZERO) {
			sessionId = sessionId * 10 + digit;
			end++;
		}
		if (!isWholeNumber(bytes, at, end)) return this.#nowhere;
		if (sessionId > SESSION_ID_MAX) return this.#nowhere;
		out.sessionId = sessionId;
		return end;
	}

	/** Reads `amount` at `at`, `NO_MONEY` when it is something simple but no amount; gives where it ends. */
	#amount(at: number, out: FoldedEvent): number {
		const bytes = this.#bytes;
		let end = digitsEnd(bytes, at);
		out.cents = NO_MONEY;
		if (!isWholeNumber(bytes, at, end) || end - at > UNIT_DIGITS_MAX) return this.#simpleValue(at);
		let cents = digits(bytes, at, end) * CENTS_PER_UNIT;
		if (bytes[end] === DOT) {
			const start = end + 1;
			end = digitsEnd(bytes, start);
			if (end === start + 2) cents += digits(bytes, start, end);
			else if (end === start + 1) cents += 10 * digits(bytes, start, end);
			else return this.#simpleValue(at);
		}
		if ((bytes[end]! | 0x20) === LOWER_E) return this.#simpleValue(at);
		out.cents = cents;
		return end;
	}

	/** A name nobody asked for, at `at`, and its value; gives where that ends. */
	#unknown(at: number): number {
		const bytes = this.#bytes;
		if (bytes[at] !== QUOTE) return this.#nowhere;
		const end = textEnd(bytes, this.#view, at + 1);
		return bytes[end] === QUOTE ? this.#simpleValue(this.#valueAt(end + 1)) : this.#nowhere;
	}

	/** A value that is neither an object nor an array, at `at`; gives where it ends. */
	#simpleValue(at: number): number {
		const bytes = this.#bytes;
		const first = bytes[at]!;
		if (first === QUOTE) {
			const end = textEnd(bytes, this.#view, at + 1);
			return bytes[end] === QUOTE ? end + 1 : this.#nowhere;
		}
		if (first === MINUS || isDigit(first)) {
			const end = numberEnd(bytes, at);
			return end < 0 ? this.#nowhere : end;
		}
		const letters = this.#view.getInt32(at, true);
		if (letters === NULL || letters === TRUE) return at + 4;
		if (first === LOWER_F && this.#view.getInt32(at + 1, true) === ALSE) return at + 5;
		return this.#nowhere;
	}
}
