-- As the engine has it (processors/row/orders.py): an order that was cancelled is none, by policies from version 2 on, unless
-- its purchases lie on several days, such as the renewals of one subscription. Most histories hold few cancellations: only
-- orders that have one are looked at.
CREATE OR REPLACE VIEW cancelled_orders
(
    customer_id String COMMENT 'Known customer, or the anonymous identity while there is no other',
    namespace String COMMENT 'Namespace of customer_id: known, anonymous or account',
    order_id String COMMENT 'Order that was bought and cancelled',
    bought_at DateTime64(3, 'UTC') COMMENT 'When it was bought',
    cancelled_at DateTime64(3, 'UTC') COMMENT 'When it was cancelled, the first time that it was',
    amount_minor Int64 COMMENT 'What it would have brought, minor units of currency',
    currency String COMMENT 'ISO 4217 code of the amounts: the currency of the policy in force'
)
SQL SECURITY DEFINER AS WITH
    (SELECT argMax((currency, minimum_minor, rates, hash), (epoch, known_at, `offset`, hash)) FROM policies) AS rule,
    (SELECT max(version) FROM policies_raw WHERE hash = rule.4) AS version,
    (SELECT groupArrayIf(kind, meanings.purchase) FROM meanings WHERE in_force) AS buying,
    (SELECT groupArrayIf(kind, meanings.cancellation) FROM meanings WHERE in_force) AS cancelling,
    cancelled AS (SELECT customer, order_id FROM touchpoints_raw WHERE has(cancelling, kind) AND order_id != ''),
    upper(coalesce(touch.currency, rule.1)) AS told,
    if(told = rule.1, touch.amount_minor, toInt64(roundBankers(touch.amount_minor * rule.3[told]))) AS amount,
    has(buying, touch.kind) AND coalesce(amount, 0) >= greatest(coalesce(rule.2, 0), 1) AS bought
SELECT
    touch.customer_id AS customer_id, touch.namespace AS namespace, assumeNotNull(touch.order_id) AS order_id,
    minIf(touch.occurred_at, bought) AS bought_at, minIf(touch.occurred_at, has(cancelling, touch.kind)) AS cancelled_at,
    sumIf(coalesce(amount, 0), bought) AS amount_minor, any(coalesce(rule.1, '')) AS currency
FROM touchpoints AS touch
WHERE
    version > 1 AND touch.order_id != '' AND touch.properties['bot'] != 'true'
    AND (has(buying, touch.kind) OR has(cancelling, touch.kind))
    -- Both conditions are met by more orders than are wanted; the first finds customers by the primary key.
    AND touch.customer_id IN (SELECT customer FROM cancelled UNION ALL SELECT goes_on FROM forwarded)
    AND touch.order_id IN (SELECT order_id FROM cancelled)
GROUP BY customer_id, namespace, order_id
HAVING uniqExactIf(toDate(touch.occurred_at), bought) = 1 AND countIf(has(cancelling, touch.kind)) > 0
COMMENT 'Orders that were bought and cancelled: they count as no purchase, and nothing of them went back';
