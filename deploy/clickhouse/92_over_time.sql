CREATE OR REPLACE VIEW cohorts
(
    cohort Date COMMENT 'Month of the first purchase',
    month Date COMMENT 'Month of the purchases',
    age UInt32 COMMENT 'Months from the one to the other',
    customers UInt64 COMMENT 'Customers of the cohort',
    active UInt64 COMMENT 'Those of them who bought in that month',
    retention Float64 COMMENT 'active / customers',
    purchases UInt64 COMMENT 'Their purchases in it',
    amount_minor Int64 COMMENT 'What these brought, minor units of currency',
    currency String COMMENT 'ISO 4217 code of the amounts'
)
SQL SECURITY DEFINER AS WITH
    bought AS
    (
        SELECT
            customer_id, namespace, toStartOfMonth(toDate(occurred_at)) AS month, amount_minor, currency,
            toStartOfMonth(toDate(min(occurred_at) OVER (PARTITION BY customer_id, namespace))) AS cohort
        FROM touchpoint_meanings
        WHERE purchase
    )
SELECT
    cohort, month, toUInt32(dateDiff('month', cohort, month)) AS age, any(size.n) AS customers,
    uniqExact((customer_id, namespace)) AS active, active / customers AS retention, count() AS purchases,
    sum(ifNull(amount_minor, 0)) AS amount_minor, any(currency) AS currency
FROM bought
INNER JOIN (SELECT cohort AS of, uniqExact((customer_id, namespace)) AS n FROM bought GROUP BY of) AS size ON size.of = cohort
GROUP BY cohort, month
COMMENT 'Cohorts by the month of the first purchase: who bought in which month after, and what that brought';

-- Of one customer all purchases of a month are of one sort: new where the first ever is among them, won back where the
-- relationship had ended since the purchase before.
CREATE OR REPLACE VIEW revenue_monthly
(
    month Date COMMENT 'Month',
    buyers UInt64 COMMENT 'Customers who bought in it',
    new UInt64 COMMENT 'Those of them who had never bought before',
    won_back UInt64 COMMENT 'Those whose relationship had ended since they bought before',
    returning UInt64 COMMENT 'The others',
    new_minor Int64 COMMENT 'What the new brought, minor units of currency',
    won_back_minor Int64 COMMENT 'What those won back brought, minor units of currency',
    returning_minor Int64 COMMENT 'What the returning brought, minor units of currency',
    amount_minor Int64 COMMENT 'What all of them brought, minor units of currency',
    for_each_buyer_minor Float64 COMMENT 'amount_minor / buyers',
    lost UInt64 COMMENT 'Customers who had bought and whose relationship ended in the month',
    lost_minor Int64 COMMENT 'What these had brought in the year before it ended, minor units of currency',
    currency String COMMENT 'ISO 4217 code of the amounts'
)
SQL SECURITY DEFINER AS WITH
    bought AS
    (
        SELECT
            customer_id, namespace, occurred_at, ifNull(amount_minor, 0) AS amount, currency,
            toStartOfMonth(toDate(occurred_at)) AS month,
            row_number() OVER (PARTITION BY customer_id, namespace ORDER BY occurred_at, event_id) AS place,
            lagInFrame(occurred_at, 1, occurred_at) OVER (
                PARTITION BY customer_id, namespace ORDER BY occurred_at, event_id
                ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
            ) AS before
        FROM touchpoint_meanings
        WHERE purchase
    ),
    ends AS (SELECT customer_id, namespace, since FROM stays WHERE stage = 'dissolution'),
    sorted AS
    (
        SELECT
            purchase.customer_id AS customer_id, purchase.namespace AS namespace, purchase.month AS month,
            max(purchase.place = 1) AS is_new,
            max(purchase.place > 1 AND ended.customer_id != '' AND ended.since > purchase.before) AS is_back,
            sum(purchase.amount) AS total, any(purchase.currency) AS own
        FROM bought AS purchase
        ASOF LEFT JOIN ends AS ended
            ON ended.customer_id = purchase.customer_id AND ended.namespace = purchase.namespace
            AND purchase.occurred_at >= ended.since
        GROUP BY customer_id, namespace, month
    ),
    gone AS
    (
        SELECT
            toStartOfMonth(toDate(ended.since)) AS month, uniqExact((ended.customer_id, ended.namespace)) AS lost,
            sumIf(purchase.amount, purchase.occurred_at > ended.since - INTERVAL 365 DAY) AS gave
        FROM ends AS ended
        INNER JOIN bought AS purchase ON purchase.customer_id = ended.customer_id AND purchase.namespace = ended.namespace
        WHERE purchase.occurred_at <= ended.since
        GROUP BY month
    )
SELECT
    month, sum(n) AS buyers, sum(news) AS new, sum(backs) AS won_back, buyers - new - won_back AS returning,
    sum(new_amount) AS new_minor, sum(back_amount) AS won_back_minor, amount_minor - new_minor - won_back_minor AS returning_minor,
    sum(brought) AS amount_minor, if(buyers > 0, amount_minor / buyers, 0) AS for_each_buyer_minor,
    sum(losses) AS lost, sum(loss) AS lost_minor, max(code) AS currency
FROM
(
    SELECT
        month, count() AS n, countIf(is_new) AS news, countIf(is_back AND NOT is_new) AS backs, sumIf(total, is_new) AS new_amount,
        sumIf(total, is_back AND NOT is_new) AS back_amount, sum(total) AS brought, toUInt64(0) AS losses, toInt64(0) AS loss,
        any(own) AS code
    FROM sorted
    GROUP BY month
    UNION ALL
    SELECT month, 0, 0, 0, 0, 0, 0, lost, gave, '' FROM gone
)
GROUP BY month
COMMENT 'Revenue of each month by new, returning and won back customers, and what was lost with those who ended';

-- Quintiles among those who have bought, 5 the best: recency, frequency, money (Hughes 1994, "Strategic Database Marketing").
CREATE OR REPLACE VIEW rfm
(
    customer_id String COMMENT 'Customer',
    namespace String COMMENT 'Namespace of customer_id: known, anonymous or account',
    days_since_purchase Float64 COMMENT 'Days since the last purchase, at the instant that the log is known until',
    purchases Int64 COMMENT 'Purchases counted',
    net_spend_minor Int64 COMMENT 'Money spent less what was given back, minor units of currency',
    recency UInt8 COMMENT '1 to 5: of those who have bought, the fifth to whom the last purchase belongs; 5: the newest',
    frequency UInt8 COMMENT 'The same of purchases; 5: the most',
    monetary UInt8 COMMENT 'The same of net spend; 5: the most',
    currency String COMMENT 'ISO 4217 code of the amounts'
)
SQL SECURITY DEFINER AS WITH
    toUInt8(intDiv((rank() OVER (ORDER BY last_purchase_at) - 1) * 5, count() OVER ()) + 1) AS r,
    toUInt8(intDiv((rank() OVER (ORDER BY purchases) - 1) * 5, count() OVER ()) + 1) AS f,
    toUInt8(intDiv((rank() OVER (ORDER BY spend_minor - refunded_minor) - 1) * 5, count() OVER ()) + 1) AS m
SELECT
    customer_id, namespace, dateDiff('millisecond', assumeNotNull(last_purchase_at), known.at) / 86400000 AS days_since_purchase,
    purchases, spend_minor - refunded_minor AS net_spend_minor, r AS recency, f AS frequency, m AS monetary, currency
FROM profiles_published
CROSS JOIN known_until AS known
WHERE purchases > 0 AND last_purchase_at IS NOT NULL
COMMENT 'Recency, frequency and money of each buyer, in fifths';
