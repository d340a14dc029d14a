CREATE OR REPLACE VIEW favourite_channels
(
    customer_id String COMMENT 'Customer',
    namespace String COMMENT 'Namespace of customer_id: known, anonymous or account',
    channel String COMMENT 'Channel on which most of the touchpoints of their own initiative came; the first by name of several',
    touchpoints UInt64 COMMENT 'Touchpoints of their own initiative there',
    share Float64 COMMENT 'Share of these in all such touchpoints on a channel that was told'
)
SQL SECURITY DEFINER AS SELECT
    customer_id, namespace, (arraySort(each -> (-toInt64(each.2), each.1), groupArray((place, n)))[1] AS most).1 AS channel,
    most.2 AS touchpoints, touchpoints / sum(n) AS share
FROM
(
    SELECT customer_id, namespace, channel AS place, count() AS n
    FROM touchpoint_meanings
    WHERE channel != '' AND initiative IN ('customer', 'both')
    GROUP BY customer_id, namespace, place
)
GROUP BY customer_id, namespace
COMMENT 'The channel that each customer chooses most often';

-- A sale within 30 days after a contact counts once for each agent who had one; one that was made with them is a contact too.
CREATE OR REPLACE VIEW agents
(
    agent_id String COMMENT 'Person at the company who took part',
    touchpoints UInt64 COMMENT 'Touchpoints with them',
    customers UInt64 COMMENT 'Customers who had one',
    rated UInt64 COMMENT 'Touchpoints in which the customer stated a satisfaction',
    satisfaction Nullable(Float64) COMMENT 'Mean of those, 1 to 5; null without any',
    sales UInt64 COMMENT 'Purchases with them, or within 30 days after a touchpoint of the same customer with them',
    sales_minor Int64 COMMENT 'What these brought, minor units of currency'
)
SQL SECURITY DEFINER AS WITH
    met AS
    (
        SELECT customer_id, namespace, ifNull(agent_id, '') AS agent, occurred_at, satisfaction
        FROM touchpoints
        WHERE agent != '' AND properties['bot'] != 'true'
    ),
    sold AS
    (
        SELECT agent, count() AS n, sum(amount) AS total
        FROM
        (
            SELECT DISTINCT meeting.agent AS agent, sale.customer_id, sale.namespace, sale.event_id, ifNull(sale.amount_minor, 0) AS amount
            FROM met AS meeting
            INNER JOIN (SELECT * FROM touchpoint_meanings WHERE purchase) AS sale
                ON sale.customer_id = meeting.customer_id AND sale.namespace = meeting.namespace
            WHERE sale.occurred_at >= meeting.occurred_at AND sale.occurred_at <= meeting.occurred_at + INTERVAL 30 DAY
        )
        GROUP BY agent
    )
SELECT
    met.agent AS agent_id, count() AS touchpoints, uniqExact((customer_id, namespace)) AS customers,
    count(met.satisfaction) AS rated, avg(met.satisfaction) AS satisfaction, any(sold.n) AS sales, any(sold.total) AS sales_minor
FROM met
LEFT JOIN sold ON sold.agent = met.agent
GROUP BY met.agent
COMMENT 'Service people: whom they met, how satisfied these were, and what was bought after';
