/**
 * Events as senders write them, and nearly events: every shape the scanner takes, every one it must leave, and tricks
 * around each of its rules. Texts are strings of bytes (latin1), since not all of them are UTF-8.
 */
import type { Random } from "../../producer/random.ts";
import { EVENT_TYPES } from "../../schema/event.ts";
import { shuffled } from "../support/shuffled.ts";
import {
	CHARACTER_TRICKS,
	LARGE_NUMBERS,
	LONG_USERS,
	NAME_TRICKS,
	NAMES,
	NO_SPACES,
	NUMBER_TRICKS,
	OTHER_VALUES,
	SPACES,
	TIME_TAILS,
	TIME_TRICKS,
	UNICODE_USERS,
	USERS,
	WHOLE_NUMBERS,
} from "./tokens.ts";

const pad = (value: number) => String(value).padStart(2, "0");

/** Shares of what is done to an event that would be valid. */
export interface Tricks {
	/** Chance of something unusual at each place where there could be. */
	readonly trickRatio: number;
	/** Chance of whitespace at each place where JSON allows it. */
	readonly spaceRatio: number;
	/** Chance of one more member, each. */
	readonly extraRatio: number;
}

/** One event, valid unless a trick has made it something else. */
export function eventText(random: Random, { trickRatio, spaceRatio, extraRatio }: Tricks): string {
	const trick = () => random.chance(trickRatio);
	const type = random.pick(EVENT_TYPES);
	const hasMoney = type === "ticket_purchased" || type === "claim_reward";

	const space = (): string => {
		if (!random.chance(spaceRatio)) return "";
		return trick() ? random.pick(NO_SPACES) : random.pick(SPACES);
	};
	const member = (name: string, value: string): string => {
		const written = trick() && random.chance(0.3) ? random.pick([...NAMES, ...NAME_TRICKS]) : name;
		return `${space()}"${written}"${space()}${trick() && random.chance(0.1) ? ";" : ":"}${space()}${value}${space()}`;
	};
	const object = (members: string[]): string => {
		const extras: string[] = [];
		while (random.chance(extraRatio))
			extras.push(member(random.pick(["v", "trace", ...NAME_TRICKS]), anyValue(random)));
		const all = shuffledSometimes([...members, ...extras], random);
		if (trick() && all.length > 0) {
			const dice = random.float();
			if (dice < 0.3) all.push(random.pick(all));
			else if (dice < 0.5) all.splice(random.below(all.length), 1);
		}
		const comma = trick() && random.chance(0.1) ? random.pick([",,", ";", ""]) : ",";
		const end = trick() && random.chance(0.1) ? random.pick([",}", "", "}}", "]", "} "]) : "}";
		return `{${all.join(comma)}${all.length === 0 ? space() : ""}${end}`;
	};

	const inner = [member("user_id", user(random, trick)), member("session_id", number(random, trick, false))];
	if (hasMoney || random.chance(0.2)) inner.push(member("amount", number(random, trick, true)));
	const typeText = trick()
		? random.pick(['"logi"', '"loginn"', '"Login"', "1", '"log\\u0069n"', '"logou"', '""'])
		: `"${type}"`;
	const outer = [
		member("event_type", typeText),
		member("event_time", `"${time(random, trick)}"`),
		member("payload", trick() && random.chance(0.1) ? anyValue(random) : object(inner)),
	];
	// The last one counts, all of it: nothing of the first may shine through.
	if (trick() && random.chance(0.3)) outer.push(member("payload", object(inner.slice(random.below(3)))));
	return trick() && random.chance(0.1)
		? `${space()}${object(outer)}${space()}`
		: `${object(outer)}${space()}`;
}

/** Any JSON value, or nearly one. */
export function anyValue(random: Random): string {
	const dice = random.below(4);
	if (dice === 0) return random.pick(OTHER_VALUES);
	if (dice === 1) return random.pick(NUMBER_TRICKS);
	if (dice === 2) return random.pick(WHOLE_NUMBERS);
	return `"${random.pick([...USERS, ...UNICODE_USERS, ...CHARACTER_TRICKS])}"`;
}

function shuffledSometimes(members: string[], random: Random): string[] {
	return random.chance(0.5) ? members : shuffled(members, random);
}

function user(random: Random, trick: () => boolean): string {
	let text = "";
	do {
		const dice = random.float();
		if (dice < 0.6) text += random.pick(USERS);
		else if (dice < 0.97) text += random.pick(UNICODE_USERS);
		else text += random.pick(LONG_USERS);
	} while (random.chance(0.2));
	if (!trick()) return `"${text}"`;
	if (random.chance(0.1)) return anyValue(random);
	const at = random.below(text.length + 1);
	return `"${text.slice(0, at)}${random.pick(CHARACTER_TRICKS)}${text.slice(at)}"`;
}

function number(random: Random, trick: () => boolean, isAmount: boolean): string {
	if (trick()) return random.chance(0.7) ? random.pick(NUMBER_TRICKS) : anyValue(random);
	const whole = random.chance(0.9) ? random.pick(WHOLE_NUMBERS) : random.pick(LARGE_NUMBERS);
	if (!isAmount || random.chance(0.4)) return whole;
	return `${whole}.${random.chance(0.5) ? random.below(10) : pad(random.below(100))}`;
}

function time(random: Random, trick: () => boolean): string {
	if (trick()) return random.pick(TIME_TRICKS);
	// Few hours, so that the one read last is met again, and others come in between.
	const day = random.pick(["2025-06-01", "2025-06-02", "2024-02-29", "1970-01-01", "9999-12-31"]);
	const clock = `${pad(random.below(24))}:${pad(random.below(60))}:${pad(random.below(60))}`;
	return `${day}T${random.chance(0.5) ? "15:14:00" : clock}${random.pick(TIME_TAILS)}`;
}
