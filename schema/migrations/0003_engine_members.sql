-- Which engine is which member of the consumer group. A killed engine stays a member until its session has run out, and
-- the group waits for it; the next one, who sees here that it is dead, leaves the group in its name.

CREATE TABLE engine_members (
	owner text PRIMARY KEY,
	topic text NOT NULL,
	group_id text NOT NULL,
	member_id text NOT NULL,
	lock_key bigint NOT NULL,
	joined_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE engine_members IS 'Engines that are members of a consumer group, or were until they were killed; nothing is counted from it';
COMMENT ON COLUMN engine_members.owner IS 'The engine, as in source_offsets.owner';
COMMENT ON COLUMN engine_members.topic IS 'Kafka topic it reads';
COMMENT ON COLUMN engine_members.group_id IS 'Consumer group it is in';
COMMENT ON COLUMN engine_members.member_id IS 'Its name within the group, given by Kafka';
COMMENT ON COLUMN engine_members.lock_key IS 'Advisory lock that its session holds for as long as it lives';
COMMENT ON COLUMN engine_members.joined_at IS 'When it got this name';
