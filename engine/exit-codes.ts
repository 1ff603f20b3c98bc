/** What a process of ours ends with. 65, 69 and 78 are those of BSD's sysexits.h, so that supervisors know them. */
export const EXIT = {
	ok: 0,
	failure: 1,
	/** The command line was wrong: nothing was started. */
	usage: 2,
	/** A check ran and found problems. */
	problems: 3,
	/** Too much of the input is bad (`INVALID_RATIO_MAX`); nothing of the set that tripped was stored. */
	badInput: 65,
	/** Kafka or Postgres is not there. */
	unavailable: 69,
	/** The configuration is wrong, or the schema of the database is not current. */
	configuration: 78,
	/** 128 + SIGINT, when a command was interrupted before it was done. */
	interrupted: 130,
	/** 128 + SIGTERM, likewise. */
	terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Of a command that a signal ended before it was done. */
export function exitCodeOf(signal: NodeJS.Signals): ExitCode {
	return signal === "SIGTERM" ? EXIT.terminated : EXIT.interrupted;
}
