-- Who was won is who has bought; of the touchpoints before the first purchase, those with a campaign count. What a campaign
-- costs among people who had bought already keeps them, and is no cost of acquiring.
CREATE OR REPLACE VIEW campaigns
(
    campaign String COMMENT 'Campaign of the touchpoints',
    channel String COMMENT 'Channel of the touchpoints; empty when not told',
    reached UInt64 COMMENT 'Customers with a touchpoint of it before any purchase',
    cost_minor Int64 COMMENT 'What its touchpoints before a first purchase cost, minor units of currency',
    keeping_cost_minor Int64 COMMENT 'What its touchpoints with people who had bought cost, minor units of currency',
    won_first UInt64 COMMENT 'Customers won whose first such touchpoint was of it',
    won_last UInt64 COMMENT 'Customers won whose last such touchpoint before the first purchase was of it',
    won_shares Float64 COMMENT 'Customers won, each shared equally among the touchpoints before the first purchase',
    cost_for_each_won_minor Nullable(Float64) COMMENT 'cost_minor / won_shares; null when nobody was won',
    first_purchases_minor Float64 COMMENT 'Amounts of the first purchases, by those shares, minor units of currency',
    currency String COMMENT 'ISO 4217 code of the amounts'
)
SQL SECURITY DEFINER AS WITH
    bought AS
    (
        SELECT customer_id, namespace, min(occurred_at) AS first_at, argMin(amount_minor, (occurred_at, event_id)) AS amount
        FROM touchpoint_meanings
        WHERE purchase
        GROUP BY customer_id, namespace
    ),
    touches AS
    (
        SELECT
            touch.customer_id AS customer_id, touch.namespace AS namespace, touch.campaign AS campaign,
            touch.channel AS channel, touch.cost_minor AS cost, touch.currency AS currency, bought.customer_id != '' AS won,
            won AND touch.occurred_at > bought.first_at AS later, bought.amount AS amount,
            count() OVER (PARTITION BY touch.customer_id, touch.namespace, later) AS n,
            row_number() OVER (PARTITION BY touch.customer_id, touch.namespace, later ORDER BY touch.occurred_at, touch.event_id)
                AS place
        FROM touchpoint_meanings AS touch
        LEFT JOIN bought ON bought.customer_id = touch.customer_id AND bought.namespace = touch.namespace
        WHERE touch.campaign != ''
    )
SELECT
    campaign, channel, uniqExactIf((customer_id, namespace), NOT later) AS reached, sumIf(cost, NOT later) AS cost_minor,
    sumIf(cost, later) AS keeping_cost_minor, countIf(won AND NOT later AND place = 1) AS won_first,
    countIf(won AND NOT later AND place = n) AS won_last, sumIf(1 / n, won AND NOT later) AS won_shares,
    if(won_shares > 0, cost_minor / won_shares, NULL) AS cost_for_each_won_minor,
    sumIf(ifNull(amount, 0) / n, won AND NOT later) AS first_purchases_minor, any(currency) AS currency
FROM touches
GROUP BY campaign, channel
COMMENT 'What campaigns brought: customers won by first touch, last touch and shares, and what that cost';
