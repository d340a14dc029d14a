-- What became of links of two ids, as it was told; told again after a crash, it has the same id. Nothing that was
-- written under an id is ever written anew: the views answer under the customer that goes on.
CREATE TABLE IF NOT EXISTS identities_raw
(
    id String COMMENT 'Derived from the two ids and what became of their link: 16 hexadecimal digits',
    fact String COMMENT 'merged, link_refused or link_ignored',
    customer_id String COMMENT 'Id that became a forwarding address; of a refusal, the one that was claimed',
    namespace Enum8('known' = 0, 'anonymous' = 1, 'account' = 2) COMMENT 'Namespace of customer_id',
    into_id String COMMENT 'Id that goes on; of a refusal, the one that claimed the other',
    into_namespace Enum8('known' = 0, 'anonymous' = 1, 'account' = 2) COMMENT 'Namespace of into_id',
    holder_id String COMMENT 'Customer whose customer_id is from then on',
    holder_namespace Enum8('known' = 0, 'anonymous' = 1, 'account' = 2) COMMENT 'Namespace of holder_id',
    why String COMMENT 'Why it was refused or ignored, as one of a fixed set of words; else empty',
    made_by String COMMENT 'touchpoint (one that names both ids) or alias (an explicit link)',
    at DateTime64(3, 'UTC') COMMENT 'When the company learned that both are one',
    known_at DateTime64(3, 'UTC') COMMENT 'Instant of the log at which it was known',
    epoch Int64 COMMENT 'Log that it comes from, see logs_raw',
    `partition` Int32 COMMENT 'Partition of the log',
    `offset` Int64 COMMENT 'Offset of the record that made it known'
)
ENGINE = ReplacingMergeTree
ORDER BY (customer_id, id, namespace, epoch)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_free_disk_bytes_to_perform_insert = 67108864
COMMENT 'What became of links of two ids; may hold one twice until parts are merged: read the views identities and links';

CREATE OR REPLACE VIEW links
(
    id String COMMENT 'Derived from the two ids and what became of their link: 16 hexadecimal digits',
    fact String COMMENT 'merged, link_refused or link_ignored',
    customer_id String COMMENT 'Id that became a forwarding address; of a refusal, the one that was claimed',
    namespace String COMMENT 'Namespace of customer_id: known, anonymous or account',
    into_id String COMMENT 'Id that goes on; of a refusal, the one that claimed the other',
    into_namespace String COMMENT 'Namespace of into_id',
    holder_id String COMMENT 'Customer whose customer_id is from then on',
    holder_namespace String COMMENT 'Namespace of holder_id',
    why String COMMENT 'Why it was refused or ignored: shared_device, not_trusted, not_allowed, too_many, unlinked, not_a_person or one_already',
    made_by String COMMENT 'touchpoint (one that names both ids) or alias (an explicit link)',
    at DateTime64(3, 'UTC') COMMENT 'When the company learned that both are one',
    known_at DateTime64(3, 'UTC') COMMENT 'Instant of the log at which it was known',
    `partition` Int32 COMMENT 'Partition of the log',
    `offset` Int64 COMMENT 'Offset of the record that made it known'
)
SQL SECURITY DEFINER AS SELECT
    id, fact, customer_id, namespace, into_id, into_namespace, holder_id, holder_namespace, why, made_by, at, known_at,
    `partition`, `offset`
FROM identities_raw FINAL
COMMENT 'What became of every link of two ids: merged, refused or ignored';

-- Views join it with ANY: it has one row for an id, and what is joined in any other way ClickHouse 26.7 takes apart to
-- join it in another order, across views, where columns of two of them have one name ("Block structure mismatch").
--
-- Where each forwarding address leads in the end, by log. An anonymous id that several people claimed may have been set
-- free again: from that offset of its partition on it is its own, as it is where nothing leads away from it.
CREATE OR REPLACE VIEW forwarded
(
    customer_id String COMMENT 'Id that became a forwarding address',
    namespace String COMMENT 'Namespace of customer_id',
    epoch Int64 COMMENT 'Log in which it did',
    goes_on String COMMENT 'Customer that it leads to',
    goes_on_namespace String COMMENT 'Namespace of goes_on',
    until Int64 COMMENT 'Offset from which on it is its own again; the greatest number where it is not',
    home Int32 COMMENT 'Partition of the log in which that offset is; -1 where there is none',
    since DateTime64(3, 'UTC') COMMENT 'When the company learned that both are one',
    made_by String COMMENT 'touchpoint (one that names both ids) or alias (an explicit link)'
)
SQL SECURITY DEFINER AS WITH RECURSIVE
    steps AS
    (
        SELECT
            customer_id, namespace, epoch, argMin(into_id, known_at) AS into_id,
            argMin(into_namespace, known_at) AS into_namespace, min(at) AS since, argMin(made_by, known_at) AS made_by
        FROM identities_raw
        WHERE fact = 'merged'
        GROUP BY customer_id, namespace, epoch
    ),
    ways AS
    (
        SELECT
            customer_id, namespace, epoch, into_id, into_namespace, since, made_by, toUInt16(1) AS step FROM steps
        UNION ALL
        SELECT
            ways.customer_id, ways.namespace, ways.epoch, further.into_id, further.into_namespace, ways.since,
            ways.made_by, toUInt16(ways.step + 1)
        FROM ways
        INNER JOIN steps AS further
            ON further.customer_id = ways.into_id AND further.namespace = ways.into_namespace
            AND further.epoch = ways.epoch
    ),
    ends AS
    (
        SELECT
            customer_id, namespace, epoch, argMax(into_id, step) AS goes_on,
            argMax(into_namespace, step) AS goes_on_namespace, any(since) AS first_since, any(made_by) AS first_made_by
        FROM ways
        GROUP BY customer_id, namespace, epoch
    ),
    freed AS
    (
        SELECT customer_id, namespace, epoch, min(`offset`) AS from_offset, any(`partition`) AS in_partition
        FROM identities_raw
        WHERE fact = 'link_refused' AND holder_id = customer_id AND holder_namespace = namespace AND why = 'shared_device'
        GROUP BY customer_id, namespace, epoch
    )
SELECT
    ends.customer_id AS customer_id, ends.namespace AS namespace, ends.epoch AS epoch, ends.goes_on AS goes_on,
    ends.goes_on_namespace AS goes_on_namespace,
    if(freed.customer_id != '', freed.from_offset, 9223372036854775807) AS until,
    if(freed.customer_id != '', freed.in_partition, -1) AS home,
    ends.first_since AS since, ends.first_made_by AS made_by
FROM ends
LEFT JOIN freed
    ON freed.customer_id = ends.customer_id AND freed.namespace = ends.namespace AND freed.epoch = ends.epoch
COMMENT 'Where each forwarding address leads in the end';

CREATE OR REPLACE VIEW identities
(
    id String COMMENT 'An id that stands for a customer who has another one, too',
    namespace String COMMENT 'Namespace of id: known, anonymous or account',
    customer_id String COMMENT 'Customer that it stands for: the id under which all views answer',
    customer_namespace String COMMENT 'Namespace of customer_id',
    since DateTime64(3, 'UTC') COMMENT 'When the company learned that both are one',
    made_by String COMMENT 'How: touchpoint (one that named both ids) or alias (an explicit link)'
)
SQL SECURITY DEFINER AS SELECT
    lead.customer_id AS id, lead.namespace AS namespace, lead.goes_on AS customer_id,
    lead.goes_on_namespace AS customer_namespace, lead.since AS since, lead.made_by AS made_by
FROM forwarded AS lead
WHERE lead.until = 9223372036854775807
COMMENT 'Every id that leads to a customer with another one, and to whom';
