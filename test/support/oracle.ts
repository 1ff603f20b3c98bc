/**
 * What the tables must hold after these messages, computed once more: one message at a time, slowly and plainly, with
 * nothing of the engine's. Where the two disagree one of them misreads the contract.
 */
import type { SentMessage } from "./topic.ts";

export interface OracleRules {
	readonly futureSkewMs?: number;
	readonly latePolicy?: "correct" | "dead-letter";
	readonly lateAfterMs?: number;
	/** Records that become dead letters whatever they hold, by `partition/offset`. */
	readonly condemned?: ReadonlyMap<string, "pg_value" | "actor_crash">;
}

export interface ExpectedEvent {
	readonly partition: number;
	readonly offset: number;
	/** Microseconds since 1970 UTC. */
	readonly micros: bigint;
	readonly type: string;
	readonly user: string;
	readonly session: number;
	readonly cents: bigint | null;
}

export interface ExpectedDeadLetter {
	readonly message: SentMessage;
	readonly stage: string;
	readonly reason: string;
	/** JSON pointer, null when the reason is not about a place. */
	readonly pointer: string | null;
}

/** Sums over some events. */
export interface Totals {
	readonly revenueCents: bigint;
	readonly tickets: bigint;
	readonly payoutCents: bigint;
	readonly payouts: bigint;
	readonly logins: bigint;
	readonly users: ReadonlySet<string>;
	/** Sessions that logged in. */
	readonly sessions: ReadonlySet<number>;
}

export interface Expected {
	readonly topic: string;
	readonly events: readonly ExpectedEvent[];
	readonly deadLetters: readonly ExpectedDeadLetter[];
	/** By whole hours since 1970 UTC. */
	readonly hours: ReadonlyMap<bigint, Totals>;
}

const STAGES: Readonly<Record<string, string>> = {
	null_value: "decode",
	empty_value: "decode",
	utf8: "decode",
	json: "decode",
	schema: "validate",
	event_time: "validate",
	amount: "validate",
	future_event: "time",
	late_event: "time",
	pg_value: "store",
	actor_crash: "actor",
};

const DAY_MS = 86_400_000;
const MICROS_PER_HOUR = 3_600_000_000n;
const TYPES = ["login", "view_numbers", "ticket_purchased", "claim_reward", "logout"];

interface Fault {
	readonly reason: string;
	readonly pointer: string | null;
}

/** @param messages all messages of one topic, each once, in any order */
export function oracle(messages: readonly SentMessage[], rules: OracleRules = {}): Expected {
	const events: ExpectedEvent[] = [];
	const deadLetters: ExpectedDeadLetter[] = [];
	for (const message of messages) {
		const verdict = judge(message, rules);
		if ("reason" in verdict) {
			const stage = STAGES[verdict.reason]!;
			deadLetters.push({ message, stage, ...verdict });
		} else events.push(verdict);
	}
	const byHour = groupBy(events, ({ micros }) => floorDivide(micros, MICROS_PER_HOUR));
	const hours = new Map([...byHour].map(([hour, own]) => [hour, totalsOf(own)]));
	return { topic: messages[0]?.topic ?? "", events, deadLetters, hours };
}

/** Sums and distinct counts of these events. */
function totalsOf(events: readonly ExpectedEvent[]): Totals {
	const ofType = (type: string) => events.filter((event) => event.type === type);
	const cents = (type: string) => ofType(type).reduce((sum, event) => sum + event.cents!, 0n);
	return {
		revenueCents: cents("ticket_purchased"),
		tickets: BigInt(ofType("ticket_purchased").length),
		payoutCents: cents("claim_reward"),
		payouts: BigInt(ofType("claim_reward").length),
		logins: BigInt(ofType("login").length),
		users: new Set(events.map(({ user }) => user)),
		sessions: new Set(ofType("login").map(({ session }) => session)),
	};
}

export function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
	const groups = new Map<K, T[]>();
	for (const item of items) {
		const group = groups.get(keyOf(item));
		if (group === undefined) groups.set(keyOf(item), [item]);
		else group.push(item);
	}
	return groups;
}

/** Rounded down, also below zero. */
export function floorDivide(dividend: bigint, divisor: bigint): bigint {
	const quotient = dividend / divisor;
	return dividend % divisor < 0n ? quotient - 1n : quotient;
}

function judge(message: SentMessage, rules: OracleRules): ExpectedEvent | Fault {
	const condemned = rules.condemned?.get(`${message.partition}/${message.offset}`);
	if (condemned !== undefined) return { reason: condemned, pointer: null };
	if (message.value === null) return { reason: "null_value", pointer: null };
	if (message.value.length === 0) return { reason: "empty_value", pointer: null };
	let text: string;
	try {
		text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(message.value);
	} catch {
		return { reason: "utf8", pointer: null };
	}
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		return { reason: "json", pointer: null };
	}
	return faultOfShape(value) ?? eventOf(value as ShapedEvent, message, rules);
}

/** What is left when the shape is right. */
interface ShapedEvent {
	readonly event_type: string;
	readonly event_time: string;
	readonly payload: { readonly user_id: string; readonly session_id: number; readonly amount?: number };
}

type JsonObject = Readonly<Record<string, unknown>>;

/** The first fault in the order that `createValidator` promises, but for the calendar and the cents. */
function faultOfShape(value: unknown): Fault | null {
	const schema = (pointer: string): Fault => ({ reason: "schema", pointer });
	if (!isObject(value)) return schema("");
	if (value["event_type"] === undefined) return schema("/event_type");
	if (!TYPES.includes(value["event_type"] as string)) return schema("/event_type");
	for (const field of ["event_time", "payload"]) if (value[field] === undefined) return schema(`/${field}`);
	const { event_time: time, payload } = value;
	if (typeof time !== "string") return schema("/event_time");
	if (!TIME.test(time)) return { reason: "event_time", pointer: "/event_time" };
	if (!isObject(payload)) return schema("/payload");
	const hasAmount = value["event_type"] === "ticket_purchased" || value["event_type"] === "claim_reward";
	for (const field of hasAmount ? ["user_id", "session_id", "amount"] : ["user_id", "session_id"]) {
		if (payload[field] === undefined) return schema(`/payload/${field}`);
	}
	const { user_id: user, session_id: session, amount } = payload;
	if (typeof user !== "string" || !isStorableUser(user)) return schema("/payload/user_id");
	if (!Number.isSafeInteger(session) || (session as number) < 0) return schema("/payload/session_id");
	if (!hasAmount) return null;
	if (typeof amount !== "number") return schema("/payload/amount");
	if (amount < 0 || amount >= 1e12) return { reason: "amount", pointer: "/payload/amount" };
	return null;
}

function eventOf(event: ShapedEvent, message: SentMessage, rules: OracleRules): ExpectedEvent | Fault {
	const micros = microsOf(event.event_time);
	if (micros === null) return { reason: "event_time", pointer: "/event_time" };
	const hasAmount = event.event_type === "ticket_purchased" || event.event_type === "claim_reward";
	const cents = hasAmount ? centsOf(event.payload.amount!) : null;
	if (hasAmount && cents === null) return { reason: "amount", pointer: "/payload/amount" };
	const { futureSkewMs = DAY_MS, latePolicy = "correct", lateAfterMs = DAY_MS } = rules;
	const aheadMicros = micros - BigInt(message.timestampMs) * 1000n;
	if (message.timestampMs >= 0) {
		if (aheadMicros > BigInt(futureSkewMs) * 1000n) return { reason: "future_event", pointer: "/event_time" };
		// The record's clock has whole milliseconds, and so has the event's when it is judged for being late.
		const behindMs = -floorDivide(aheadMicros, 1000n);
		if (latePolicy === "dead-letter" && behindMs > BigInt(lateAfterMs)) {
			return { reason: "late_event", pointer: "/event_time" };
		}
	}
	return {
		partition: message.partition,
		offset: message.offset,
		micros,
		type: event.event_type,
		user: event.payload.user_id,
		session: event.payload.session_id,
		cents,
	};
}

const TIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))?$/;

/** Null for what no calendar and no clock has. */
function microsOf(text: string): bigint | null {
	const [, year, month, day, hour, minute, second, fraction = "", sign, zoneHours = "0", zoneMinutes = "0"] =
		TIME.exec(text)!;
	const midnight = new Date(0);
	midnight.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
	// Date lets days run over: what is not written back the same does not exist.
	if (midnight.toISOString().slice(0, 10) !== `${year}-${month}-${day}` || Number(year) < 1970) return null;
	const zone = Number(zoneHours) * 60 + Number(zoneMinutes);
	if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null;
	if (Number(zoneMinutes) > 59 || zone > 14 * 60) return null;
	const east = sign === "-" ? -zone : zone;
	const seconds =
		midnight.getTime() / 1000 + Number(hour) * 3600 + Number(minute) * 60 + Number(second) - east * 60;
	return BigInt(seconds) * 1_000_000n + BigInt(fraction.padEnd(6, "0").slice(0, 6));
}

/** Null when it is not whole cents: not the double that its own two decimals are read as. */
function centsOf(amount: number): bigint | null {
	const decimals = amount.toFixed(2);
	return Number(decimals) === amount ? BigInt(decimals.replace(".", "")) : null;
}

function isObject(value: unknown): value is JsonObject {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isStorableUser(user: string): boolean {
	const points = [...user];
	const isLone = (point: string) => /^[\ud800-\udfff]$/.test(point);
	return points.length >= 1 && points.length <= 256 && !points.some((p) => p === "\u0000" || isLone(p));
}
