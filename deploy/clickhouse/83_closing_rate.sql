-- An opening is the first such touchpoint of a customer, kind and channel on a day: who looks at twenty products in an
-- evening may close once. It belongs to the stage in which the customer stood just before it, so that the opening that
-- itself moved the customer on is counted where it found them.
CREATE OR REPLACE VIEW closing_rate
(
    stage String COMMENT 'Stage in which the customer stood at that time; none before the first',
    channel String COMMENT 'Channel of the opening; empty when not told',
    opened_by String COMMENT 'Kind of the opening: product_viewed, checkout_started or quote_requested',
    openings UInt64 COMMENT 'Openings: the first of each customer, kind and channel on a day (UTC)',
    closed UInt64 COMMENT 'Openings that a purchase or a contract followed within 30 days',
    rate Float64 COMMENT 'closed / openings',
    open UInt64 COMMENT 'Openings that nothing followed so far, and whose 30 days are not over',
    median_days_to_close Nullable(Float64) COMMENT 'Days from opening to closing, median; null without any'
)
SQL SECURITY DEFINER AS WITH
    assumeNotNull((SELECT at FROM known_until)) AS now_known,
    openings AS
    (
        SELECT customer_id, namespace, kind, channel, min(occurred_at) AS at
        FROM touchpoint_meanings
        WHERE kind IN ('product_viewed', 'checkout_started', 'quote_requested')
        GROUP BY customer_id, namespace, kind, channel, toDate(occurred_at)
    ),
    followed AS
    (
        SELECT
            opening.customer_id AS customer_id, opening.namespace AS namespace, opening.kind AS kind,
            opening.channel AS channel, opening.at AS at,
            toUnixTimestamp64Milli(closing.occurred_at) - toUnixTimestamp64Milli(opening.at) AS wait_ms,
            closing.there AND wait_ms <= 2592000000 AS closed
        FROM openings AS opening
        ASOF LEFT JOIN
        (
            SELECT customer_id, namespace, occurred_at, true AS there FROM touchpoint_meanings WHERE closing
        ) AS closing
            ON closing.customer_id = opening.customer_id AND closing.namespace = opening.namespace AND opening.at <= closing.occurred_at
    )
SELECT
    if(stay.stage = '', 'none', stay.stage) AS stage, opening.channel AS channel, opening.kind AS opened_by,
    count() AS openings, countIf(opening.closed) AS closed, closed / openings AS rate,
    countIf(NOT opening.closed AND opening.at > now_known - INTERVAL 30 DAY) AS open,
    quantileExactInclusiveOrNullIf(0.5)(opening.wait_ms / 86400000, opening.closed) AS median_days_to_close
FROM followed AS opening
ASOF LEFT JOIN
(
    SELECT customer_id, namespace, since, stage FROM stays WHERE until IS NULL OR until > since
) AS stay ON stay.customer_id = opening.customer_id AND stay.namespace = opening.namespace AND opening.at > stay.since
GROUP BY stage, channel, opened_by
COMMENT 'How often an opening is followed by a sale, by the stage of the customer at that time and the channel';
