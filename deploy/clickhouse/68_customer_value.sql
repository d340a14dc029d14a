CREATE OR REPLACE VIEW customer_value
(
    customer_id String COMMENT 'Customer, or the anonymous identity while it stands for one',
    namespace String COMMENT 'Namespace of customer_id: known, anonymous or account',
    clv_minor Float64 COMMENT 'Customer lifetime value: net present value of what is expected, minor units of currency',
    value_tier String COMMENT 'Tier by that value: low, middle or high',
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

CREATE OR REPLACE VIEW acquisition
(
    campaign String COMMENT 'Campaign of the touchpoints; empty when not told',
    channel String COMMENT 'Channel of the touchpoints; empty when not told',
    touchpoints UInt64 COMMENT 'Touchpoints there whose kind is one of acquiring by the policy in force',
    cost_minor Int64 COMMENT 'What those cost, minor units of currency',
    first_touched UInt64 COMMENT 'Customers whose first touchpoint of all was there',
    won UInt64 COMMENT 'Those of them who have bought',
    cost_for_each_won_minor Nullable(Float64) COMMENT 'cost_minor / won; null when nobody was won',
    won_margin_minor Int64 COMMENT 'Margin of those won so far, minor units of currency',
    won_clv_minor Float64 COMMENT 'Customer lifetime value of those won, minor units of currency',
    clv_for_cost Nullable(Float64) COMMENT 'won_clv_minor / cost_minor; null when it cost nothing',
    currency String COMMENT 'ISO 4217 code of the amounts'
)
SQL SECURITY DEFINER AS WITH assumeNotNull((SELECT argMax(currency, (epoch, known_at, `offset`, hash)) FROM policies)) AS own
SELECT
    campaign, channel, sum(n) AS touchpoints, sum(cost) AS cost_minor, sum(first) AS first_touched,
    sum(bought) AS won, if(won > 0, cost_minor / won, NULL) AS cost_for_each_won_minor,
    sum(margin) AS won_margin_minor, sum(clv) AS won_clv_minor,
    if(cost_minor > 0, won_clv_minor / cost_minor, NULL) AS clv_for_cost, own AS currency
FROM
(
    SELECT
        campaign, channel, count() AS n, sum(cost_minor) AS cost, 0 AS first, 0 AS bought, toInt64(0) AS margin,
        toFloat64(0) AS clv
    FROM touchpoint_meanings
    WHERE acquisition
    GROUP BY campaign, channel
    UNION ALL
    SELECT
        touch.campaign, touch.channel, 0, toInt64(0), count(), countIf(customer.purchases > 0),
        sumIf(customer.margin_minor, customer.purchases > 0), sumIf(customer.clv_minor, customer.purchases > 0)
    FROM first_touches AS touch
    LEFT JOIN (SELECT customer_id, namespace, purchases, margin_minor, clv_minor FROM profiles) AS customer
        ON customer.customer_id = touch.customer_id AND customer.namespace = touch.namespace
    GROUP BY touch.campaign, touch.channel
)
GROUP BY campaign, channel
COMMENT 'Cost of acquiring by campaign and channel, against the customers won there (first touch) and their value';
