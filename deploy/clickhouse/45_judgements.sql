CREATE TABLE IF NOT EXISTS judgements_raw
(
    id String COMMENT 'Derived from what makes this change this one: 32 hexadecimal digits',
    customer_id String COMMENT 'Customer, or the anonymous identity while it stands for one',
    judgement String COMMENT 'Which judgement changed, by the name of its column in profiles',
    before String COMMENT 'What was judged before; empty when nothing was',
    after String COMMENT 'What is judged now',
    at DateTime64(3, 'UTC') COMMENT 'When it became true',
    known_at DateTime64(3, 'UTC') COMMENT 'Instant of the log at which it was known',
    evidence_event String COMMENT 'Hash of the event that it rests on, 16 hexadecimal digits; empty when none',
    evidence_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Instant of that event',
    evidence_count Int64 COMMENT 'Count that it rests on',
    evidence_value Float64 COMMENT 'Number that it rests on',
    policy_hash String COMMENT 'Policy that judged it',
    `partition` Int32 COMMENT 'Partition of the log',
    `offset` Int64 COMMENT 'Offset of the record that made it known'
)
ENGINE = ReplacingMergeTree
ORDER BY (customer_id, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_free_disk_bytes_to_perform_insert = 67108864
COMMENT 'Changes of judgements; may hold one twice until parts are merged: read the view judgements';

-- Known is what the type begins with, so rows from before are known ones: which of them were anonymous, they do not say.
ALTER TABLE judgements_raw
    ADD COLUMN IF NOT EXISTS namespace Enum8('known' = 0, 'anonymous' = 1, 'account' = 2)
        COMMENT 'Namespace of customer_id: the same text in two of them is two ids',
    ADD COLUMN IF NOT EXISTS epoch Int64 COMMENT 'Log that it comes from, see logs_raw',
    MODIFY ORDER BY (customer_id, id, namespace, epoch);

-- See touchpoints_raw.
ALTER TABLE judgements_raw MODIFY SETTING min_bytes_for_wide_part = 268435456;

CREATE OR REPLACE VIEW judgements
(
    id String COMMENT 'Derived from what makes this change this one: 32 hexadecimal digits',
    customer_id String COMMENT 'Customer, or the anonymous identity while it stands for one',
    namespace String COMMENT 'Namespace of customer_id: known, anonymous or account',
    judgement String COMMENT 'Which judgement changed, by the name of its column in profiles; trust_<factor> is its sign',
    before String COMMENT 'What was judged before; empty when nothing was. Several reasons to let go are joined with +',
    after String COMMENT 'What is judged now, written in the same way',
    at DateTime64(3, 'UTC') COMMENT 'When it became true',
    known_at DateTime64(3, 'UTC') COMMENT 'Instant of the log at which it was known',
    evidence_event String COMMENT 'Hash of the event that it rests on, 16 hexadecimal digits; empty when none',
    evidence_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Instant of that event',
    evidence_count Int64 COMMENT 'Count that it rests on',
    evidence_value Float64 COMMENT 'Number that it rests on',
    policy_hash String COMMENT 'Policy that judged it, see the view policies',
    `partition` Int32 COMMENT 'Partition of the log',
    `offset` Int64 COMMENT 'Offset of the record that made it known'
)
SQL SECURITY DEFINER AS WITH (SELECT min(log_epoch) < max(log_epoch) FROM touchpoints_raw) AS several
SELECT
    id, customer_id, namespace, judgement, before, after, at, known_at, evidence_event, evidence_at, evidence_count,
    evidence_value, policy_hash, `partition`, `offset`
FROM judgements_raw FINAL
LEFT ANY JOIN
(
    SELECT customer_id AS led_id, namespace AS led_namespace, epoch AS led_epoch, until AS led_until FROM forwarded
) AS lead ON led_id = customer_id AND led_namespace = toString(namespace) AND led_epoch = epoch
-- Of who became one with another customer, the other's rows tell.
WHERE
    `offset` >= led_until
    AND (NOT several OR (customer_id, namespace, epoch) NOT IN (SELECT customer_id, namespace, epoch FROM superseded))
COMMENT 'Every change of a judgement that was published, with its evidence';
