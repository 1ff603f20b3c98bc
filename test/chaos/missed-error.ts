/** A fault that could not be struck: its victim was not there, or nothing happened that it could have hit. */
export class MissedError extends Error {}
