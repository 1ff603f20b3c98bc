/** The JSON text of one event, for tests that send to a real topic. */

export interface LotteryEventFields {
	readonly type?: string;
	readonly time?: string;
	readonly user?: string;
	readonly session?: number;
	/** As it is to stand in the JSON, so that `1e2` and `12.340` can be told from 100 and 12.34. */
	readonly amount?: number | string;
	/** More fields of the event itself. */
	readonly extra?: Readonly<Record<string, unknown>>;
}

/** A valid event unless a field says otherwise: a login of `user_1` in session 1 at noon of 2025-06-01. */
export function lotteryEvent(fields: LotteryEventFields = {}): string {
	const {
		type = "login",
		time = "2025-06-01T12:00:00",
		user = "user_1",
		session = 1,
		amount,
		extra,
	} = fields;
	const money = amount === undefined ? "" : `,"amount":${amount}`;
	const payload = `{"user_id":${JSON.stringify(user)},"session_id":${session}${money}}`;
	const rest = extra === undefined ? "" : `,${JSON.stringify(extra).slice(1, -1)}`;
	return `{"event_type":${JSON.stringify(type)},"event_time":${JSON.stringify(time)},"payload":${payload}${rest}}`;
}

/** Shorthand for the type that earns money. */
export function ticket(fields: LotteryEventFields = {}): string {
	return lotteryEvent({ type: "ticket_purchased", amount: 2.5, ...fields });
}
