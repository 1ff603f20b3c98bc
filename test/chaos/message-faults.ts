/** What comes through the topic and is hard to take: a burst, one user who is everybody, a flood of what is no event. */

import type { StreamMessage } from "../support/stream.ts";
import { actorKiller, refusedByPostgres } from "./deadly-messages.ts";
import { type Fault, nothingToLift } from "./fault.ts";

const BURST = 15_000;
const HOT = 3_000;
const BAD = 1_500;

export const MESSAGE_FAULTS: readonly Fault[] = [
	{
		name: "burst",
		victim: "messages",
		weight: 1,
		holdMs: [500, 2_000],
		async strike({ traffic }) {
			traffic.burst(BURST);
			return nothingToLift;
		},
	},
	{
		name: "hot-user",
		victim: "messages",
		weight: 1,
		holdMs: [500, 2_000],
		async strike({ traffic, random }) {
			const user = `hot_${random.below(1_000)}`;
			const event = (i: number): StreamMessage => ({
				key: Buffer.from(user),
				value: Buffer.from(
					`{"event_type":"${i % 3 === 0 ? "login" : "logout"}","event_time":"2025-06-01T13:${String(i % 60).padStart(2, "0")}:00","payload":{"user_id":"${user}","session_id":${i % 500}}}`,
				),
			});
			traffic.add(Array.from({ length: HOT }, (_, i) => event(i)));
			return nothingToLift;
		},
	},
	{
		name: "bad-messages",
		victim: "messages",
		weight: 1,
		holdMs: [500, 2_000],
		async strike({ traffic, random }) {
			const bad = (i: number): StreamMessage => ({
				key: random.chance(0.5) ? null : Buffer.from(`bad_${i % 50}`),
				value: Buffer.from(random.pick(BAD_VALUES)(i), "latin1"),
			});
			traffic.add(Array.from({ length: BAD }, (_, i) => bad(i)));
			return nothingToLift;
		},
	},
	deadlyFault("actor-killers", actorKiller),
	deadlyFault("refused-by-postgres", refusedByPostgres),
];

/** Few at a time: each costs recoveries, and an engine that loses more than five actors a minute gives up. */
function deadlyFault(name: string, textOf: (session: number) => string): Fault {
	return {
		name,
		victim: "messages",
		weight: 1,
		holdMs: [500, 2_000],
		async strike({ traffic, random }) {
			const value = Buffer.from(textOf(random.below(1_000)));
			traffic.add([{ key: Buffer.from(`deadly_${random.below(20)}`), value }]);
			return nothingToLift;
		},
	};
}

const BAD_VALUES: readonly ((i: number) => string)[] = [
	() => "",
	(i) => `{"event_type":"login" ${i}`,
	() => "\xff\xfe",
	(i) =>
		`{"event_type":"login","event_time":"2025-02-30T00:00:00","payload":{"user_id":"u","session_id":${i}}}`,
	(i) =>
		`{"event_type":"ticket_purchased","event_time":"2025-06-01T00:00:00","payload":{"user_id":"u","session_id":${i},"amount":0.001}}`,
	(i) =>
		`{"event_type":"nothing","event_time":"2025-06-01T00:00:00","payload":{"user_id":"u","session_id":${i}}}`,
	(i) =>
		`{"event_type":"login","event_time":"2025-06-01T00:00:00","payload":{"user_id":"\\u0000","session_id":${i}}}`,
	(i) => "x".repeat(i * 10),
];
