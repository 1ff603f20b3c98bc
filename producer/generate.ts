/**
 * A believable stream from a seed: users with sessions (log in, look, buy, sometimes win, log out), a few of them very
 * busy, more in the evening than at night, some events late, some lines bad. The same options give the same bytes.
 *
 * Time is walked second by second over a ring of slots. A session stands in the slot of its next event and moves on
 * when it has happened; a late line stands in the slot in which it arrives. So lines come in the order of arrival, and
 * memory holds the sessions that are open, not the events to come.
 */
import { createSpoiler } from "./bad-lines.ts";
import { activityShare } from "./day-shape.ts";
import { isoSeconds, spellMoment } from "./moments.ts";
import { createRandom, type Random } from "./random.ts";
import { createZipf } from "./zipf.ts";

export interface GenerateOptions {
	/** Lines to write, bad ones included. */
	readonly events: number;
	readonly users: number;
	readonly hours: number;
	/** First second of the first hour, seconds since 1970, on a full hour. */
	readonly startSeconds: number;
	/** Share of lines that are no event. */
	readonly badRatio: number;
	/** Share of events that arrive a minute to six hours after they happened. */
	readonly lateRatio: number;
	readonly seed: number;
}

/** What was written so far. */
export interface GenerateCounts {
	events: number;
	bad: number;
	late: number;
}

/** Text is gathered up to about this size: big enough that a write costs little, small enough to stay in the cache. */
const CHUNK_CHARACTERS = 65_536;

/** A session: at most this many events, at most this long between two; so it lasts no longer than `TAIL_SECONDS`. */
const SESSION_EVENTS_MAX = 14;
const GAP_SECONDS_MAX = 75;
const TAIL_SECONDS = SESSION_EVENTS_MAX * GAP_SECONDS_MAX;

/** Share of events that are overtaken by others within seconds: networks do that to any stream. */
const OVERTAKEN_RATIO = 0.03;
const OVERTAKEN_SECONDS_MAX = 20;

const LATE_SECONDS_MIN = 60;
const LATE_SECONDS_MAX = 6 * 3600;

/** A power of two above every delay, so that a slot is found by a mask. */
const RING_SLOTS = 32_768;

/** The first session of a stream; a number an application would have reached. */
const FIRST_SESSION_ID = 1_000;

const TICKET_CENTS = [100, 200, 250, 500, 500, 1000, 2000] as const;

interface Session {
	readonly userId: string;
	readonly sessionId: number;
	/** Events still to come, this one included. */
	left: number;
	hasBegun: boolean;
}

/** Either a session whose next event is due, or a line that arrives. */
type Due = Session | string;

/** Chunks of whole lines as bytes, `\n` behind each. `counts` is kept up to date before each chunk is given out. */
export function* generate(options: GenerateOptions, counts: GenerateCounts): Generator<Buffer> {
	const random = createRandom(options.seed);
	const pickUser = createZipf(options.users, random);
	const spoil = createSpoiler(random);
	const share = activityShare(options.startSeconds, options.hours);
	const ring: Due[][] = Array.from({ length: RING_SLOTS }, () => []);
	const lastSecond = options.hours * 3600 - 1;
	const lastStart = Math.max(lastSecond - TAIL_SECONDS, 0);
	let standing = 0;
	let planned = 0;
	let nextSessionId = FIRST_SESSION_ID;
	let chunk = "";

	function stand(due: Due, second: number): void {
		ring[second & (RING_SLOTS - 1)]!.push(due);
		standing++;
	}

	for (let second = 0; second <= lastStart || standing > 0; second++) {
		const target = second < lastStart ? share(second) / share(lastStart) : 1;
		for (; planned < options.events * target; ) {
			const left = Math.min(sessionLength(random), options.events - planned);
			planned += left;
			stand({ userId: `user_${pickUser() + 1}`, sessionId: nextSessionId++, left, hasBegun: false }, second);
		}
		const slot = ring[second & (RING_SLOTS - 1)]!;
		if (slot.length === 0) continue;
		const absolute = options.startSeconds + second;
		const plain = isoSeconds(absolute);
		// The slot may grow while it is walked: a session may go on within the same second.
		for (let i = 0; i < slot.length; i++) {
			const due = slot[i]!;
			if (typeof due === "string") chunk += due;
			else {
				const line = nextLine(due, absolute, plain);
				const delaySeconds = random.chance(options.lateRatio) ? lateBy(random) : overtakenBy(random);
				if (delaySeconds >= LATE_SECONDS_MIN) counts.late++;
				if (delaySeconds > 0) stand(line, second + delaySeconds);
				else chunk += line;
				counts.events++;
				due.left--;
				if (due.left > 0)
					stand(due, Math.min(second + random.below(GAP_SECONDS_MAX), Math.max(lastSecond, second)));
			}
			if (chunk.length >= CHUNK_CHARACTERS) {
				yield Buffer.from(chunk, "latin1");
				chunk = "";
			}
		}
		standing -= slot.length;
		slot.length = 0;
	}
	if (chunk.length > 0) yield Buffer.from(chunk, "latin1");

	function nextLine(session: Session, absolute: number, plain: string): string {
		const { userId, sessionId } = session;
		const type = nextType(session, random);
		const time = spellMoment(absolute, plain, random);
		if (random.chance(options.badRatio)) {
			counts.bad++;
			return `${spoil({ type, time, userId, sessionId })}\n`;
		}
		const head = `{"event_type":"${type}","event_time":"${time}","payload":{"user_id":"${userId}","session_id":${sessionId}`;
		if (type === "ticket_purchased") return `${head},"amount":${ticketCents(random) / 100}}}\n`;
		if (type === "claim_reward") return `${head},"amount":${rewardCents(random) / 100}}}\n`;
		return `${head}}}\n`;
	}
}

/** Log in, then mostly look and buy, rarely win; four sessions in five end with a log out. */
function nextType(session: Session, random: Random): string {
	if (!session.hasBegun) {
		session.hasBegun = true;
		return "login";
	}
	if (session.left === 1 && random.chance(0.8)) return "logout";
	const dice = random.float();
	if (dice < 0.52) return "view_numbers";
	return dice < 0.91 ? "ticket_purchased" : "claim_reward";
}

/** Two to `SESSION_EVENTS_MAX` events, short sessions more often than long ones. */
function sessionLength(random: Random): number {
	return 2 + Math.floor((SESSION_EVENTS_MAX - 1) * random.float() * random.float());
}

function ticketCents(random: Random): number {
	const count = random.chance(0.7) ? 1 : 1 + random.below(10);
	return random.pick(TICKET_CENTS) * count;
}

/** Many small rewards and few large ones: cents, heavy-tailed, at most 100,000.00. */
function rewardCents(random: Random): number {
	return Math.min(Math.floor(300 / (random.float() + 0.00003)), 10_000_000);
}

/** Half of the late events are less than twenty minutes late: evenly spread on a logarithmic scale. */
function lateBy(random: Random): number {
	return Math.floor(LATE_SECONDS_MIN * (LATE_SECONDS_MAX / LATE_SECONDS_MIN) ** random.float());
}

function overtakenBy(random: Random): number {
	return random.chance(OVERTAKEN_RATIO) ? 1 + random.below(OVERTAKEN_SECONDS_MAX) : 0;
}
