-- The raw history. Sorted by customer and event, so that a replay collapses and one customer's history lies together.
--
-- Measured on ClickHouse 26.9 with 100,000 rows: decoding Avro straight into LowCardinality columns takes three times
-- as long as into plain ones (2.2 against 0.7 µs per row) and saves no space worth it, so strings are plain here.
-- In every table, parts are synced to disk before an insert is acknowledged, which costs 20 ms or less per insert, and
-- an insert is refused while less than 64 MiB are free, because a disk that fills up later spoils merges as well.
CREATE TABLE IF NOT EXISTS touchpoints_raw
(
    event_id String COMMENT 'Identity of the event at its source',
    customer_id Nullable(String) COMMENT 'Known customer, as written',
    anonymous_id Nullable(String) COMMENT 'Device or visitor, as written',
    occurred_at DateTime64(3, 'UTC') COMMENT 'When it happened',
    received_at DateTime64(3, 'UTC') COMMENT 'When the company learned of it',
    kind String COMMENT 'What happened, snake_case and past tense',
    channel Nullable(String) COMMENT 'Where it happened',
    amount_minor Nullable(Int64) COMMENT 'Money that the customer spent, in minor units of currency',
    currency Nullable(String) COMMENT 'ISO 4217 code of every amount of this touchpoint',
    cost_minor Nullable(Int64) COMMENT 'What it cost the company, in minor units',
    margin_minor Nullable(Int64) COMMENT 'What the company earned by it before that cost, in minor units',
    campaign Nullable(String) COMMENT 'Campaign that caused it or that it answers',
    order_id Nullable(String) COMMENT 'Order that it belongs to',
    lines Array(Tuple(sku String, category Nullable(String), quantity Int32, amount_minor Nullable(Int64)))
        COMMENT 'Lines of the order, basket or return',
    agent_id Nullable(String) COMMENT 'Person at the company who took part',
    satisfaction Nullable(Float64) COMMENT 'Satisfaction that the customer stated, 1 to 5',
    properties Map(String, String) COMMENT 'Anything else that the source told',
    customer String MATERIALIZED coalesce(nullIf(customer_id, ''), anonymous_id, '') COMMENT 'Whose relationship it belongs to'
)
ENGINE = ReplacingMergeTree
ORDER BY (customer, event_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_free_disk_bytes_to_perform_insert = 67108864
COMMENT 'Accepted touchpoints as they came; may hold one twice until parts are merged: read the view touchpoints';

-- What was added later is added the same way to a new table and to one that has rows from before.
--
-- One identity of an event: (namespace and customer, event_id). The first that is delivered counts, and a replay of it has
-- the same place in the log. Beyond what the engine recognises a retry by it counts again, and so it does here: hence the
-- place in the log is part of the key (and says more than the namespace, which is not). Rows from before have place 0. A
-- log that is made anew begins its places anew: hence the epoch.
ALTER TABLE touchpoints_raw
    ADD COLUMN IF NOT EXISTS import_id Nullable(String)
        COMMENT 'Import that brought it, if one did',
    ADD COLUMN IF NOT EXISTS log_partition Int32 COMMENT 'Partition of the log that it stands in',
    ADD COLUMN IF NOT EXISTS log_offset Int64 COMMENT 'Its offset there',
    ADD COLUMN IF NOT EXISTS log_epoch Int64 COMMENT 'Which log that is, see logs_raw',
    MODIFY ORDER BY (customer, event_id, log_partition, log_offset, log_epoch);
ALTER TABLE touchpoints_raw
    MODIFY COLUMN customer String MATERIALIZED coalesce(nullIf(customer_id, ''), anonymous_id, '')
        COMMENT 'Whose relationship it belongs to',
    ADD COLUMN IF NOT EXISTS namespace Enum8('known' = 0, 'anonymous' = 1, 'account' = 2)
        MATERIALIZED if(coalesce(customer_id, '') != '', 'known', 'anonymous') COMMENT 'Namespace of customer';
-- No row from before is of an account, so what is stored of them stays true.
ALTER TABLE touchpoints_raw
    ADD COLUMN IF NOT EXISTS is_account Nullable(Bool)
        COMMENT 'Whether customer_id is the id of an account, and not of a person',
    MODIFY COLUMN namespace Enum8('known' = 0, 'anonymous' = 1, 'account' = 2)
        MATERIALIZED multiIf(coalesce(customer_id, '') = '', 'anonymous', is_account, 'account', 'known')
        COMMENT 'Namespace of customer';

-- All columns of a part of up to 256 MiB stand in one file: a part with one for each costs up to twice the processor and the
-- time to write, and more memory (measured).
ALTER TABLE touchpoints_raw MODIFY SETTING min_bytes_for_wide_part = 268435456;

-- Whose rows of which log no longer count. A log that is made anew begins its offsets anew, and its customers with nothing;
-- of a customer whom it names, the rows of logs before it say how things stood there. What only a former log tells of a
-- customer whom no later one names stays.
--
-- The views ask this only where there are rows of more than one log: a scalar subquery is a constant of the query, so
-- otherwise nothing is left of the condition. Every touchpoint that a profile counts is in touchpoints_raw before the
-- profile is written, so that table knows of every customer which logs name him.
CREATE OR REPLACE VIEW superseded
(
    customer_id String COMMENT 'Customer, or the anonymous identity while there is no other',
    namespace Enum8('known' = 0, 'anonymous' = 1, 'account' = 2) COMMENT 'Namespace of customer_id',
    epoch Int64 COMMENT 'A log that names the customer, and that is older than the last one that does'
)
SQL SECURITY DEFINER AS SELECT customer AS customer_id, namespace, arrayJoin(arrayPopBack(epochs)) AS epoch
FROM
(
    SELECT customer, namespace, arraySort(groupUniqArray(log_epoch)) AS epochs
    FROM touchpoints_raw
    GROUP BY customer, namespace
    HAVING length(epochs) > 1
)
COMMENT 'Customers and the logs whose rows of them no longer count, because a later log names them';

CREATE OR REPLACE VIEW touchpoints
(
    event_id String COMMENT 'Identity of the event at its source',
    customer_id String COMMENT 'Known customer, or the anonymous identity while there is no other; see identities',
    namespace String COMMENT 'Namespace of customer_id: known, anonymous or account',
    anonymous_id Nullable(String) COMMENT 'Device or visitor whose customer was not known, if any',
    occurred_at DateTime64(3, 'UTC') COMMENT 'When it happened',
    received_at DateTime64(3, 'UTC') COMMENT 'When the company learned of it',
    kind String COMMENT 'What happened, snake_case and past tense, such as order_completed',
    channel Nullable(String) COMMENT 'Where it happened, such as shop, email or store',
    amount_minor Nullable(Int64) COMMENT 'Money that the customer spent (negative: got back), in minor units of currency',
    currency Nullable(String) COMMENT 'ISO 4217 code of every amount of this touchpoint',
    cost_minor Nullable(Int64) COMMENT 'What the touchpoint cost the company, in minor units',
    margin_minor Nullable(Int64) COMMENT 'What the company earned by it before that cost, in minor units',
    campaign Nullable(String) COMMENT 'Campaign that caused it or that it answers',
    order_id Nullable(String) COMMENT 'Order that it belongs to',
    lines Array(Tuple(sku String, category Nullable(String), quantity Int32, amount_minor Nullable(Int64)))
        COMMENT 'Lines of the order, basket or return; lines.sku is the array of their article numbers',
    agent_id Nullable(String) COMMENT 'Person at the company who took part',
    satisfaction Nullable(Float64) COMMENT 'Satisfaction that the customer stated, from 1 (none) to 5 (full)',
    properties Map(String, String) COMMENT 'Anything else that the source told, by name',
    import_id Nullable(String) COMMENT 'Import that brought it, if one did',
    is_account Nullable(Bool) COMMENT 'Whether its customer_id was told to be an account, and not a person',
    event_hash String COMMENT 'XXH64 of event_id, 16 hexadecimal digits: by which judgements name their evidence'
)
-- In two parts, so that one customer's rows are found by the primary key: who is asked for is a column of the first, and
-- the second reads only what forwarding addresses have.
SQL SECURITY DEFINER AS WITH (SELECT min(log_epoch) < max(log_epoch) FROM touchpoints_raw) AS several
SELECT
    told.event_id AS event_id, told.customer AS customer_id, toString(told.namespace) AS namespace,
    told.anonymous_id AS anonymous_id, told.occurred_at AS occurred_at, told.received_at AS received_at,
    told.kind AS kind, told.channel AS channel, told.amount_minor AS amount_minor, told.currency AS currency,
    told.cost_minor AS cost_minor, told.margin_minor AS margin_minor, told.campaign AS campaign,
    told.order_id AS order_id, told.lines AS lines, told.agent_id AS agent_id, told.satisfaction AS satisfaction,
    told.properties AS properties, told.import_id AS import_id, told.is_account AS is_account,
    leftPad(lower(hex(xxHash64(told.event_id))), 16, '0') AS event_hash
FROM touchpoints_raw AS told FINAL
LEFT ANY JOIN
(
    SELECT
        customer_id AS led_id, namespace AS led_namespace, epoch AS led_epoch, until, home, goes_on, goes_on_namespace
    FROM forwarded
) AS lead ON led_id = told.customer AND led_namespace = toString(told.namespace) AND led_epoch = told.log_epoch
-- What stands in another partition than the id's was forwarded there while it was the customer's.
WHERE
    told.log_offset >= lead.until
    AND (lead.until = 0 OR told.log_partition = lead.home)
    AND (
        NOT several
        OR (told.customer, told.namespace, told.log_epoch) NOT IN (SELECT customer_id, namespace, epoch FROM superseded)
    )
UNION ALL
WITH (SELECT min(log_epoch) < max(log_epoch) FROM touchpoints_raw) AS several
SELECT
    told.event_id AS event_id, lead.goes_on AS customer_id, lead.goes_on_namespace AS namespace,
    told.anonymous_id AS anonymous_id, told.occurred_at AS occurred_at, told.received_at AS received_at,
    told.kind AS kind, told.channel AS channel, told.amount_minor AS amount_minor, told.currency AS currency,
    told.cost_minor AS cost_minor, told.margin_minor AS margin_minor, told.campaign AS campaign,
    told.order_id AS order_id, told.lines AS lines, told.agent_id AS agent_id, told.satisfaction AS satisfaction,
    told.properties AS properties, told.import_id AS import_id, told.is_account AS is_account,
    leftPad(lower(hex(xxHash64(told.event_id))), 16, '0') AS event_hash
FROM touchpoints_raw AS told FINAL
LEFT ANY JOIN
(
    SELECT
        customer_id AS led_id, namespace AS led_namespace, epoch AS led_epoch, until, home, goes_on, goes_on_namespace
    FROM forwarded
) AS lead ON led_id = told.customer AND led_namespace = toString(told.namespace) AND led_epoch = told.log_epoch
WHERE
    told.customer IN (SELECT customer_id FROM forwarded)
    AND lead.until > 0
    AND (told.log_offset < lead.until OR told.log_partition != lead.home)
    AND (
        NOT several
        OR (told.customer, told.namespace, told.log_epoch) NOT IN (SELECT customer_id, namespace, epoch FROM superseded)
    )
COMMENT 'The raw history: every accepted touchpoint, as it came';
