-- The path of each customer, from the transitions that nothing supersedes: they are exactly the path as it is known now.
-- Those of one instant follow each other as they were published; such a stay lasts no time.
CREATE OR REPLACE VIEW stays
(
    customer_id String COMMENT 'Customer, or the anonymous identity while it stands for one',
    namespace String COMMENT 'Namespace of customer_id: known, anonymous or account',
    episode Int32 COMMENT 'Which beginning of the relationship it belongs to, from 1',
    stage String COMMENT 'Stage in which the customer stood: awareness, exploration, commitment or dissolution',
    since DateTime64(3, 'UTC') COMMENT 'When the stay began',
    until Nullable(DateTime64(3, 'UTC')) COMMENT 'When it ended; null while it lasts',
    days Float64 COMMENT 'How long it lasted, or has lasted until the last known instant, days',
    came_from String COMMENT 'Stage before; none at the beginning',
    went_to String COMMENT 'Stage after; empty while it lasts',
    cause String COMMENT 'What began it: touchpoint, silence, late, merge or policy',
    transition_id String COMMENT 'Id of the transition that began it'
)
SQL SECURITY DEFINER AS WITH
    assumeNotNull((SELECT at FROM known_until)) AS now_known,
    standing AS
    (
        SELECT
            customer_id, namespace, episode, to_stage, at, cause, id,
            lagInFrame(to_stage, 1, 'none') OVER following AS came_from,
            leadInFrame(to_stage, 1, '') OVER following AS went_to,
            leadInFrame(toNullable(at), 1, NULL) OVER following AS until
        FROM transitions_raw FINAL
        LEFT ANY JOIN
        (
            SELECT customer_id AS led_id, namespace AS led_namespace, epoch AS led_epoch, until AS led_until FROM forwarded
        ) AS lead ON led_id = customer_id AND led_namespace = toString(namespace) AND led_epoch = epoch
        WHERE
            `offset` >= led_until
            AND id NOT IN (SELECT arrayJoin(supersedes) FROM transitions_raw WHERE notEmpty(supersedes))
        WINDOW following AS
        (
            PARTITION BY customer_id, namespace ORDER BY at, known_at, `offset`, episode, id
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        )
    )
SELECT
    customer_id, namespace, episode, to_stage AS stage, at AS since, until,
    (toUnixTimestamp64Milli(coalesce(until, now_known)) - toUnixTimestamp64Milli(at)) / 86400000 AS days,
    came_from, went_to, cause, id AS transition_id
FROM standing
WHERE to_stage != 'none'
COMMENT 'How long each customer stood in which stage: one row for each stay';

CREATE OR REPLACE VIEW dwell
(
    stage String COMMENT 'awareness, exploration, commitment or dissolution',
    customers UInt64 COMMENT 'Customers who ever stood in it',
    finished UInt64 COMMENT 'Stays that have ended',
    finished_mean_days Nullable(Float64) COMMENT 'Their mean length, days; null without any',
    finished_median_days Nullable(Float64) COMMENT 'Their median length, days; null without any',
    open UInt64 COMMENT 'Stays that last',
    open_mean_days Nullable(Float64) COMMENT 'How long those have lasted so far, mean, days; null without any',
    open_median_days Nullable(Float64) COMMENT 'How long those have lasted so far, median, days; null without any',
    days_for_each_end Nullable(Float64) COMMENT 'Days of all stays for each one that ended: the mean length where open stays are not left out; null without an end'
)
SQL SECURITY DEFINER AS SELECT
    stage, uniqExact(customer_id, namespace) AS customers, countIf(until IS NOT NULL) AS finished,
    avgOrNullIf(days, until IS NOT NULL) AS finished_mean_days,
    quantileExactInclusiveOrNullIf(0.5)(days, until IS NOT NULL) AS finished_median_days,
    countIf(until IS NULL) AS open, avgOrNullIf(days, until IS NULL) AS open_mean_days,
    quantileExactInclusiveOrNullIf(0.5)(days, until IS NULL) AS open_median_days,
    if(finished > 0, sum(days) / finished, NULL) AS days_for_each_end
FROM stays
GROUP BY stage
COMMENT 'Dwell time by stage. Ended stays alone are too short on average, because the long ones have not ended yet';
