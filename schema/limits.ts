/**
 * The limits of the contract: what an event may hold. Each has its unit in its name and its reason beside it.
 * Limits of the machine (rows, bytes, times) belong to the engine's configuration, not here.
 */

/** Longest `user_id`. An index entry of Postgres holds 2,704 bytes; 256 code points of four bytes are 1,024. */
export const USER_ID_CODE_POINTS_MAX = 256;

/** Largest `session_id`, 2^53 - 1: above it JSON.parse gives a neighbouring session without saying so. */
export const SESSION_ID_MAX = 9_007_199_254_740_991;

/** `amount` must be below this: it is what `numeric(14,2)` holds, and up there doubles still tell cents apart. */
export const AMOUNT_EXCLUSIVE_MAX = 1_000_000_000_000;

/** Cents in one unit of `amount`. */
export const CENTS_PER_UNIT = 100;

/** First year of `event_time` as written: an older one is a clock that was never set. */
export const EVENT_YEAR_MIN = 1970;

/** Digits of a second that are kept. Postgres stores microseconds, and would round where we truncate. */
export const MICROS_DIGITS = 6;

/** Most digits of a second that are read: nanoseconds, what common clocks write. */
export const FRACTION_DIGITS_MAX = 9;

/** Furthest zone from UTC, in minutes either way: Kiribati's +14:00 is the furthest in use. */
export const ZONE_MINUTES_MAX = 14 * 60;
