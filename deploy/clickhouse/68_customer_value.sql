CREATE OR REPLACE VIEW customer_value
(
    customer_id String COMMENT 'Customer, or the anonymous identity while it stands for one',
    namespace String COMMENT 'Namespace of customer_id: known, anonymous or account',
    clv_minor Float64 COMMENT 'Customer lifetime value: net present value of what is expected, minor units of currency',
    value_tier String COMMENT 'Tier by that value: low, middle or high; not_known of who never bought',
    expected_value_minor Nullable(Float64) COMMENT 'Expected value within the horizon of the policy, minor units of currency',
    spend_minor Int64 COMMENT 'Money spent so far, minor units of currency',
    refunded_minor Int64 COMMENT 'Money given back so far, minor units of currency',
    margin_minor Int64 COMMENT 'Margin so far, minor units of currency',
    cost_minor Int64 COMMENT 'Cost to serve so far, minor units of currency',
    profit_minor Int64 COMMENT 'margin_minor - cost_minor',
    currency String COMMENT 'ISO 4217 code of the amounts',
    purchases Int64 COMMENT 'Purchases counted',
    referrals Int32 COMMENT 'Referrals counted',
    p_alive Nullable(Float64) COMMENT 'Chance that the customer will ever buy again; null before a first purchase',
    stage String COMMENT 'Stage of the relationship',
    segment String COMMENT 'Segment: value tier and need',
    as_of DateTime64(3, 'UTC') COMMENT 'Instant that the row describes'
)
SQL SECURITY DEFINER AS SELECT
    customer_id, namespace, clv_minor, value_tier, expected_value_minor, spend_minor, refunded_minor, margin_minor,
    cost_minor,
    margin_minor - cost_minor AS profit_minor, currency, purchases, referrals, p_alive, stage, segment, as_of
FROM profiles
COMMENT 'What each customer is worth, has brought and has cost';

-- First touch: the customer's first touchpoint. Of several at one instant, the one with the least event id.
CREATE OR REPLACE VIEW first_touches
(
    customer_id String COMMENT 'Customer, or the anonymous identity while it stands for one',
    namespace String COMMENT 'Namespace of customer_id: known, anonymous or account',
    at DateTime64(3, 'UTC') COMMENT 'When the first touchpoint happened',
    kind String COMMENT 'Its kind',
    channel String COMMENT 'Its channel; empty when not told',
    campaign String COMMENT 'Its campaign; empty when not told',
    event_id String COMMENT 'Its identity at its source'
)
SQL SECURITY DEFINER AS SELECT
    customer_id, namespace, tupleElement(touch, 1) AS at, tupleElement(touch, 3) AS kind, tupleElement(touch,
    4) AS channel,
    tupleElement(touch, 5) AS campaign, tupleElement(touch, 2) AS event_id
FROM
(
    SELECT customer_id, namespace, min((occurred_at, event_id, kind, coalesce(channel, ''), coalesce(campaign,
    ''))) AS touch
    FROM touchpoints
    WHERE properties['bot'] != 'true'
    GROUP BY customer_id, namespace
)
COMMENT 'Where each customer came from: the first touchpoint';

-- What counts for a campaign are touchpoints of acquiring kinds, and those that name a campaign, until the first purchase;
-- where a customer has none, the first touchpoint of all does. What is spent on people who have bought keeps them.
CREATE OR REPLACE VIEW acquisition
(
    campaign String COMMENT 'Campaign of the touchpoints; empty when not told',
    channel String COMMENT 'Channel of the touchpoints; empty when not told',
    touchpoints UInt64 COMMENT 'Touchpoints there until the first purchase whose kind is one of acquiring by the policy in force',
    cost_minor Int64 COMMENT 'What those cost, minor units of currency',
    keeping_cost_minor Int64 COMMENT 'What touchpoints of such kinds cost there with people who had bought: no cost of acquiring',
    first_touched UInt64 COMMENT 'Customers whose first touchpoint of all was there',
    won UInt64 COMMENT 'Those of them who have bought: won by first touch',
    won_last UInt64 COMMENT 'Customers who have bought, and the last of whose touchpoints that count was there',
    won_shares Float64 COMMENT 'Customers who have bought, each shared equally among the touchpoints that count',
    cost_for_each_won_minor Nullable(Float64) COMMENT 'cost_minor / won_shares; null when nobody was won',
    won_margin_minor Int64 COMMENT 'Margin so far of those won by first touch, minor units of currency',
    won_clv_minor Float64 COMMENT 'Customer lifetime value of those won by first touch, minor units of currency',
    clv_for_cost Nullable(Float64) COMMENT 'won_clv_minor / cost_minor; null when it cost nothing',
    currency String COMMENT 'ISO 4217 code of the amounts'
)
SQL SECURITY DEFINER AS WITH
    assumeNotNull((SELECT argMax(currency, (epoch, known_at, `offset`, hash)) FROM policies)) AS own,
    touches AS
    (
        SELECT
            customer_id AS who, namespace AS whose, campaign AS cause, channel AS way, acquisition AS acquires, cost_minor AS cost,
            countIf(purchase) OVER (PARTITION BY customer_id, namespace) > 0 AS wins,
            wins AND occurred_at > minIf(occurred_at, purchase) OVER (PARTITION BY customer_id, namespace) AS later,
            (acquisition OR campaign != '') AND NOT later AS counts,
            row_number() OVER (PARTITION BY customer_id, namespace ORDER BY occurred_at, event_id) AS place,
            event_id AS event, occurred_at AS at
        FROM touchpoint_meanings
    ),
    placed AS
    (
        SELECT
            who, whose, cause, way, acquires, cost, wins, later, counts, place, countIf(counts) OVER (PARTITION BY who, whose) AS n,
            row_number() OVER (PARTITION BY who, whose ORDER BY counts DESC, at DESC, event DESC) = 1 AS is_last
        FROM touches
    )
SELECT
    cause AS campaign, way AS channel, countIf(acquires AND NOT later) AS touchpoints,
    sumIf(placed.cost, acquires AND NOT later) AS cost_minor, sumIf(placed.cost, acquires AND later) AS keeping_cost_minor,
    countIf(place = 1) AS first_touched, countIf(place = 1 AND wins) AS won,
    countIf(wins AND if(n = 0, place = 1, is_last)) AS won_last,
    sumIf(if(n = 0, 1, 1 / n), wins AND if(n = 0, place = 1, counts)) AS won_shares,
    if(won_shares > 0, cost_minor / won_shares, NULL) AS cost_for_each_won_minor,
    sumIf(value.margin, place = 1 AND wins) AS won_margin_minor, sumIf(value.clv, place = 1 AND wins) AS won_clv_minor,
    if(cost_minor > 0, won_clv_minor / cost_minor, NULL) AS clv_for_cost, own AS currency
FROM placed
LEFT ANY JOIN
(
    SELECT customer_id AS of_id, namespace AS of_namespace, margin_minor AS margin, profiles.clv_minor AS clv FROM profiles
) AS value ON value.of_id = placed.who AND value.of_namespace = placed.whose
GROUP BY cause, way
HAVING touchpoints > 0 OR keeping_cost_minor > 0 OR first_touched > 0 OR won_shares > 0
COMMENT 'Cost of acquiring by campaign and channel, against the customers won there by first touch, last touch and shares';
