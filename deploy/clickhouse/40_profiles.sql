CREATE TABLE IF NOT EXISTS profiles_raw
(
    customer_id String COMMENT 'Customer, or the anonymous identity while it stands for one',
    stage String COMMENT 'Stage of the relationship',
    stage_since Nullable(DateTime64(3, 'UTC')) COMMENT 'When that stage began',
    episode Int32 COMMENT 'How many times the relationship has begun',
    win_back Bool COMMENT 'The episode was opened by a return from dissolution',
    p_alive Nullable(Float64) COMMENT 'P(alive) at as_of; null before a first purchase',
    churn_risk Nullable(Float64) COMMENT 'P(no purchase within the horizon) at as_of; null before a first purchase',
    expected_value_minor Nullable(Float64) COMMENT 'Expected value within the horizon, minor units',
    touchpoints Int64 COMMENT 'Touchpoints counted',
    purchases Int64 COMMENT 'Purchases counted',
    purchase_days Int32 COMMENT 'Distinct days with a purchase',
    spend_minor Int64 COMMENT 'Money spent, minor units',
    currency String COMMENT 'ISO 4217 code of the amounts',
    first_at DateTime64(3, 'UTC') COMMENT 'First touchpoint',
    last_at DateTime64(3, 'UTC') COMMENT 'Last touchpoint',
    first_purchase_at Nullable(DateTime64(3, 'UTC')) COMMENT 'First purchase',
    last_purchase_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Last purchase',
    next_due_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When silence alone will change something',
    interaction Float64 COMMENT 'Decayed count of interactions at as_of',
    engagement Float64 COMMENT 'Decayed engagement at as_of',
    as_of DateTime64(3, 'UTC') COMMENT 'Instant that the row describes',
    policy_hash String COMMENT 'Policy that judged it',
    `partition` Int32 COMMENT 'Partition of the log',
    `offset` Int64 COMMENT 'Last offset that the row contains: its version'
)
ENGINE = ReplacingMergeTree(`offset`)
ORDER BY customer_id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_free_disk_bytes_to_perform_insert = 67108864
COMMENT 'Profiles as they were published; older rows stay until parts are merged: read the view profiles';

CREATE OR REPLACE VIEW profiles
(
    customer_id String COMMENT 'Customer, or the anonymous identity while it stands for one',
    stage String COMMENT 'Stage of the relationship: none, awareness, exploration, commitment or dissolution',
    stage_since Nullable(DateTime64(3, 'UTC')) COMMENT 'When that stage began',
    episode Int32 COMMENT 'How many times the relationship has begun',
    win_back Bool COMMENT 'The episode was opened by a return from dissolution',
    p_alive Nullable(Float64) COMMENT 'Chance that the customer will ever buy again, at as_of; null before a first purchase',
    churn_risk Nullable(Float64) COMMENT 'Chance of no purchase within the horizon of the policy, at as_of',
    expected_value_minor Nullable(Float64) COMMENT 'Expected value within the horizon, minor units of currency',
    touchpoints Int64 COMMENT 'Touchpoints counted',
    purchases Int64 COMMENT 'Purchases counted',
    purchase_days Int32 COMMENT 'Distinct days with a purchase',
    spend_minor Int64 COMMENT 'Money spent, minor units of currency',
    currency String COMMENT 'ISO 4217 code of the amounts',
    first_at DateTime64(3, 'UTC') COMMENT 'First touchpoint',
    last_at DateTime64(3, 'UTC') COMMENT 'Last touchpoint',
    first_purchase_at Nullable(DateTime64(3, 'UTC')) COMMENT 'First purchase',
    last_purchase_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Last purchase',
    next_due_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When silence alone will change something',
    interaction Float64 COMMENT 'Decayed count of interactions at as_of',
    engagement Float64 COMMENT 'Decayed engagement at as_of',
    as_of DateTime64(3, 'UTC') COMMENT 'Instant that the row describes',
    policy_hash String COMMENT 'Policy that judged it, see the view policies',
    `partition` Int32 COMMENT 'Partition of the log',
    `offset` Int64 COMMENT 'Last offset that the row contains'
)
AS SELECT
    customer_id, stage, stage_since, episode, win_back, p_alive, churn_risk, expected_value_minor, touchpoints,
    purchases, purchase_days, spend_minor, currency, first_at, last_at, first_purchase_at, last_purchase_at,
    next_due_at, interaction, engagement, as_of, policy_hash, `partition`, `offset`
FROM profiles_raw FINAL;

-- SELECT … FROM profiles_at(at = '2026-03-01T12:00:00Z'): p_alive and churn_risk of every customer at that instant, as
-- if silence had lasted from the last touchpoint that we know of. All else is as last published.
--
-- The formulas are those of processors/churn.py. MBG/NBD: P = 1 / (1 + a / (b+x) · ((α+T) / (α+t_x))^(r+x)); BG/NBD has
-- b+x−1 for b+x, and 1 at x = 0. The risk is 1 − P · (1 − ((α+T) / (α+T+h))^(r+x)). An instant before the last known
-- purchase counts as that purchase's, because how long silence had lasted then is no longer in the profile.
-- Its columns are those of the view profiles, and `at`. (The engine shows no comments of a parameterised view's columns.)
-- The parameter is a String so that ISO 8601 with a zone, a bare date and a DateTime64 of the caller's all do.
CREATE OR REPLACE VIEW profiles_at
AS WITH
    parseDateTime64BestEffort({at:String}, 3, 'UTC') AS instant,
    toUnixTimestamp64Milli(row.first_purchase_at) AS first_ms,
    row.purchase_days - 1 AS x,
    (toUnixTimestamp64Milli(row.last_purchase_at) - first_ms) / rule.unit_ms AS t_x,
    greatest((toUnixTimestamp64Milli(instant) - first_ms) / rule.unit_ms, t_x) AS age,
    rule.model = 'bgnbd' AS bg,
    row.purchase_days > 0 AND row.first_purchase_at <= instant AND rule.unit_ms > 0 AS known,
    pow((rule.alpha + age) / (rule.alpha + t_x), rule.r + x) AS odds,
    if(bg AND x = 0, 1., 1 / (1 + rule.a / (rule.b + x - bg) * odds)) AS alive,
    1 - pow((rule.alpha + age) / (rule.alpha + age + rule.horizon_ms / rule.unit_ms), rule.r + x) AS buys
SELECT
    row.customer_id AS customer_id, row.stage AS stage, row.stage_since AS stage_since, row.episode AS episode,
    row.win_back AS win_back, if(known, alive, NULL) AS p_alive, if(known, 1 - alive * buys, NULL) AS churn_risk,
    row.expected_value_minor AS expected_value_minor, row.touchpoints AS touchpoints, row.purchases AS purchases,
    row.purchase_days AS purchase_days, row.spend_minor AS spend_minor, row.currency AS currency,
    row.first_at AS first_at, row.last_at AS last_at, row.first_purchase_at AS first_purchase_at,
    row.last_purchase_at AS last_purchase_at, row.next_due_at AS next_due_at, row.interaction AS interaction,
    row.engagement AS engagement, row.as_of AS as_of, row.policy_hash AS policy_hash,
    row.`partition` AS `partition`, row.`offset` AS `offset`, instant AS at
FROM profiles_raw AS row FINAL
LEFT JOIN policies AS rule ON rule.hash = row.policy_hash;
