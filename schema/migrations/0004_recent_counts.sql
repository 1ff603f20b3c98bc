-- The window of INVALID_RATIO_MAX, kept with the offsets: an engine that is started again and again must not drain the
-- topic into dead_letters, a few thousand messages at a time. Written with the rest of the row by every flush.

ALTER TABLE source_offsets
	ADD COLUMN recent_count int NOT NULL DEFAULT 0,
	ADD COLUMN recent_dead_letter_count int NOT NULL DEFAULT 0,
	ADD CONSTRAINT source_offsets_recent_counts_fit CHECK (
		recent_dead_letter_count >= 0 AND recent_dead_letter_count <= recent_count
	);

COMMENT ON COLUMN source_offsets.recent_count IS 'How many of the last messages of the engine that moved this row came from this partition (INVALID_RATIO_MAX)';
COMMENT ON COLUMN source_offsets.recent_dead_letter_count IS 'How many of those became dead letters';
