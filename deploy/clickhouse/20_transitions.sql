-- Sorted by id within the customer and not by instant: `at` comes out of a floating-point formula, so another processor
-- may emit the same fact again with an instant a millisecond off, and it must still collapse.
CREATE TABLE IF NOT EXISTS transitions_raw
(
    id String COMMENT 'Derived from what makes this transition this one: 32 hexadecimal digits',
    customer_id String COMMENT 'Customer, or the anonymous identity while it stands for one',
    at DateTime64(3, 'UTC') COMMENT 'When it became true',
    known_at DateTime64(3, 'UTC') COMMENT 'Instant of the log at which it was known',
    from_stage String COMMENT 'Stage before',
    to_stage String COMMENT 'Stage after',
    cause String COMMENT 'touchpoint, silence, late, merge or policy',
    episode Int32 COMMENT 'Which beginning of the relationship it belongs to, from 1',
    win_back Bool COMMENT 'The episode was opened by a return from dissolution',
    supersedes Array(String) COMMENT 'Ids of transitions that it takes the place of',
    evidence_event_id String COMMENT 'Event that caused it; empty when none did',
    evidence_purchases Int32 COMMENT 'Purchases counted when it was decided',
    evidence_weeks Int32 COMMENT 'Distinct purchase weeks of the episode when it was decided',
    evidence_first_purchase_at Nullable(DateTime64(3, 'UTC')) COMMENT 'First purchase known when it was decided',
    evidence_last_purchase_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Last purchase known when it was decided',
    evidence_last_sign_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Last sign of life known when it was decided',
    policy_hash String COMMENT 'Policy that judged it',
    `partition` Int32 COMMENT 'Partition of the log',
    `offset` Int64 COMMENT 'Offset of the record that made it known'
)
ENGINE = ReplacingMergeTree
ORDER BY (customer_id, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_free_disk_bytes_to_perform_insert = 67108864
COMMENT 'Changes of stage; may hold one twice until parts are merged: read the view transitions';

-- A log that is made anew tells a chain of facts of its own, in part under the same ids.
-- Known is what the type begins with, so rows from before are known ones: which of them were anonymous, they do not say.
ALTER TABLE transitions_raw
    ADD COLUMN IF NOT EXISTS namespace Enum8('known' = 0, 'anonymous' = 1, 'account' = 2)
        COMMENT 'Namespace of customer_id: the same text in two of them is two ids',
    ADD COLUMN IF NOT EXISTS epoch Int64 COMMENT 'Log that it comes from, see logs_raw',
    MODIFY ORDER BY (customer_id, id, namespace, epoch);

-- See touchpoints_raw.
ALTER TABLE transitions_raw MODIFY SETTING min_bytes_for_wide_part = 268435456;

CREATE OR REPLACE VIEW transitions
(
    id String COMMENT 'Derived from what makes this transition this one: 32 hexadecimal digits',
    customer_id String COMMENT 'Customer, or the anonymous identity while it stands for one',
    namespace String COMMENT 'Namespace of customer_id: known, anonymous or account',
    at DateTime64(3, 'UTC') COMMENT 'When it became true; of silence: the computed instant',
    known_at DateTime64(3, 'UTC') COMMENT 'Instant of the log at which it was known',
    from_stage String COMMENT 'Stage before: none, awareness, exploration, commitment or dissolution',
    to_stage String COMMENT 'Stage after',
    cause String COMMENT 'What made it true: touchpoint, silence, late, merge or policy',
    episode Int32 COMMENT 'Which beginning of the relationship it belongs to, from 1',
    win_back Bool COMMENT 'The episode was opened by a return from dissolution',
    supersedes Array(String) COMMENT 'Ids of transitions that it takes the place of',
    superseded_by String COMMENT 'Id of the transition that took its place; empty while it stands',
    evidence String COMMENT 'What it was decided on, as JSON; instants in UTC',
    policy_hash String COMMENT 'Policy that judged it, see the view policies',
    `partition` Int32 COMMENT 'Partition of the log',
    `offset` Int64 COMMENT 'Offset of the record that made it known'
)
SQL SECURITY DEFINER AS WITH (SELECT min(log_epoch) < max(log_epoch) FROM touchpoints_raw) AS several
SELECT
    facts.id AS id, facts.customer_id AS customer_id, facts.namespace AS namespace, facts.at AS at,
    facts.known_at AS known_at,
    facts.from_stage AS from_stage, facts.to_stage AS to_stage, facts.cause AS cause, facts.episode AS episode,
    facts.win_back AS win_back, facts.supersedes AS supersedes, corrections.superseded_by AS superseded_by,
    toJSONString(CAST(
        (
            facts.evidence_event_id,
            facts.evidence_purchases,
            facts.evidence_weeks,
            replaceOne(toString(facts.evidence_first_purchase_at), ' ', 'T') || 'Z',
            replaceOne(toString(facts.evidence_last_purchase_at), ' ', 'T') || 'Z',
            replaceOne(toString(facts.evidence_last_sign_at), ' ', 'T') || 'Z'
        ),
        'Tuple(event_id String, purchases Int32, weeks Int32, first_purchase_at Nullable(String), '
        || 'last_purchase_at Nullable(String), last_sign_at Nullable(String))'
    )) AS evidence,
    facts.policy_hash AS policy_hash, facts.`partition` AS `partition`, facts.`offset` AS `offset`
FROM transitions_raw AS facts FINAL
-- Without FINAL: a correction that is still there twice names the same facts twice, and argMax does not mind.
LEFT ANY JOIN forwarded AS lead
    ON lead.customer_id = facts.customer_id AND lead.namespace = toString(facts.namespace)
    AND lead.epoch = facts.epoch
LEFT ANY JOIN
(
    SELECT arrayJoin(supersedes) AS superseded, epoch, argMax(id, (known_at, `offset`)) AS superseded_by
    FROM transitions_raw
    WHERE notEmpty(supersedes)
    GROUP BY superseded, epoch
) AS corrections ON corrections.superseded = facts.id AND corrections.epoch = facts.epoch
-- Of who became one with another customer, the other's facts tell.
WHERE
    facts.`offset` >= lead.until
    AND (
        NOT several
        OR (facts.customer_id, facts.namespace, facts.epoch) NOT IN (SELECT customer_id, namespace, epoch FROM superseded)
    )
COMMENT 'Every change of stage that was published, also those that others supersede';
