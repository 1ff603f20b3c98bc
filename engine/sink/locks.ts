/**
 * Advisory locks, as the two int4 halves of a key: the first says that a lock is ours, the second which one. They belong
 * to the database, so two databases on one server never meet.
 */
const OURS = 1_279_611_984;

/** Held while migrations are checked and applied. */
export const MIGRATE_LOCK = `${OURS}, 1`;
/** Held while one day's partition is made. */
export const DAYS_LOCK = `${OURS}, 2`;
/** Held while offset rows are added; the trigger of schema/migrations/0009_offset_keys.sql takes it too. */
export const OFFSETS_LOCK = `${OURS}, 3`;
