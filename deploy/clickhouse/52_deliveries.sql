-- What became of triggers on their way to endpoints. Told again after a crash, and then the same; of each the newest counts.
CREATE TABLE IF NOT EXISTS deliveries_raw
(
    endpoint String COMMENT 'Endpoint, by its name in the settings',
    id String COMMENT 'Trigger, 32 hexadecimal digits',
    namespace String COMMENT 'Namespace of customer_id',
    customer_id String COMMENT 'Customer that the trigger fired for',
    rule String COMMENT 'Rule that fired',
    at DateTime64(3, 'UTC') COMMENT 'When its condition became true',
    state String COMMENT 'waiting, delivered, failed, gone, expired, withdrawn or unsendable',
    attempts Int32 COMMENT 'Attempts made',
    due_at DateTime64(3, 'UTC') COMMENT 'When it is tried next, where it waits',
    status Int32 COMMENT 'HTTP status of the last answer; 0 where there was none',
    why String COMMENT 'Why it was not delivered, in words',
    changed_at DateTime64(3, 'UTC') COMMENT 'When it became so'
)
ENGINE = ReplacingMergeTree(changed_at)
ORDER BY (endpoint, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_free_disk_bytes_to_perform_insert = 67108864
COMMENT 'What became of triggers; may hold one several times until parts are merged: read the view deliveries';

CREATE OR REPLACE VIEW deliveries
(
    endpoint String COMMENT 'Endpoint, by its name in the settings',
    id String COMMENT 'Trigger, 32 hexadecimal digits',
    namespace String COMMENT 'Namespace of customer_id: known, anonymous or account',
    customer_id String COMMENT 'Customer that the trigger fired for',
    rule String COMMENT 'Rule that fired',
    at DateTime64(3, 'UTC') COMMENT 'When its condition became true',
    state String COMMENT 'waiting (for its first attempt or another one), delivered, withdrawn (taken back), expired (too late), or a dead letter: failed (after all attempts), gone (the endpoint wants no more), unsendable (the endpoint can not be told)',
    attempts Int32 COMMENT 'Attempts made',
    due_at DateTime64(3, 'UTC') COMMENT 'When it is tried next, where it waits',
    status Int32 COMMENT 'HTTP status of the last answer; 0 where there was none',
    why String COMMENT 'Why it was not delivered, in words; empty where it was',
    changed_at DateTime64(3, 'UTC') COMMENT 'When it became so'
)
SQL SECURITY DEFINER AS SELECT
    endpoint, id, namespace, customer_id, rule, at, state, attempts, due_at, status, why, changed_at
FROM deliveries_raw FINAL
COMMENT 'What became of triggers on their way to endpoints, one row an endpoint and trigger; as it was told up to a second ago';
