-- Months are 365.25 / 12 days, and the first is 0.
CREATE OR REPLACE VIEW price_by_tenure
(
    tenure_months UInt32 COMMENT 'Whole months from the first purchase of the customer to the order',
    orders UInt64 COMMENT 'Orders at that tenure',
    customers UInt64 COMMENT 'Customers who placed them',
    mean_minor Float64 COMMENT 'Price paid for an order, mean, minor units of currency',
    median_minor Float64 COMMENT 'Price paid for an order, median, minor units of currency',
    discounted UInt64 COMMENT 'Orders with a coupon for the same order_id, or with a discount stated above zero',
    discounted_share Float64 COMMENT 'discounted / orders',
    currency String COMMENT 'ISO 4217 code of the amounts'
)
SQL SECURITY DEFINER AS WITH assumeNotNull((SELECT argMax(currency, (epoch, known_at, `offset`, hash)) FROM policies)) AS own
SELECT
    toUInt32(intDiv(toUnixTimestamp64Milli(bought_at) - first_ms, 2629800000)) AS tenure_months, count() AS orders,
    uniqExact(customer_id, namespace) AS customers, avg(price) AS mean_minor,
    quantileExactInclusive(0.5)(price) AS median_minor, countIf(cheaper) AS discounted, discounted / orders AS discounted_share,
    own AS currency
FROM
(
    SELECT
        customer_id, namespace, price, cheaper, bought_at,
        min(toUnixTimestamp64Milli(bought_at)) OVER (PARTITION BY customer_id, namespace) AS first_ms
    FROM
    (
        SELECT
            customer_id, namespace, sumIf(amount_minor, purchase) AS price, minIf(occurred_at, purchase) AS bought_at,
            max(coupon OR (purchase AND discounted)) AS cheaper
        FROM touchpoint_meanings
        WHERE purchase OR (coupon AND order_id != '')
        GROUP BY customer_id, namespace, if(order_id = '', (0, event_id), (1, order_id))
        HAVING countIf(purchase) > 0
    )
)
GROUP BY tenure_months
COMMENT 'What customers pay for an order, and how often with a discount, by how long they have been customers';

CREATE OR REPLACE VIEW disclosure_by_tenure
(
    tenure_months UInt32 COMMENT 'Whole months since the first touchpoint of the customer',
    customers UInt64 COMMENT 'Customers whose relationship has reached that month',
    disclosures UInt64 COMMENT 'Touchpoints of that month in which a customer gave personal data',
    disclosures_for_each_customer Float64 COMMENT 'disclosures / customers',
    disclosed UInt64 COMMENT 'Those of the customers who had given personal data by the end of that month',
    disclosed_share Float64 COMMENT 'disclosed / customers'
)
SQL SECURITY DEFINER AS WITH
    assumeNotNull((SELECT at FROM known_until)) AS now_known,
    reached AS
    (
        SELECT
            customer_id, namespace, toUnixTimestamp64Milli(first_at) AS first_ms,
            intDiv(
                toUnixTimestamp64Milli(if(stage = 'dissolution', last_at, greatest(last_at, now_known))) - first_ms,
                2629800000
            ) AS last_month
        FROM profiles
    ),
    given AS
    (
        SELECT customer_id, namespace, groupArray(toUnixTimestamp64Milli(occurred_at)) AS instants
        FROM touchpoint_meanings
        WHERE disclosure
        GROUP BY customer_id, namespace
    ),
    months AS
    (
        SELECT
            customer.last_month AS last_month,
            arrayMap(instant -> greatest(intDiv(instant - customer.first_ms, 2629800000), 0), disclosure.instants)
                AS told
        FROM reached AS customer
        LEFT JOIN given AS disclosure
            ON disclosure.customer_id = customer.customer_id AND disclosure.namespace = customer.namespace
    )
SELECT
    toUInt32(tenure) AS tenure_months, count() AS customers, sum(countEqual(told, tenure)) AS disclosures,
    disclosures / customers AS disclosures_for_each_customer,
    countIf(arrayExists(month -> month <= tenure, told)) AS disclosed, disclosed / customers AS disclosed_share
FROM months
ARRAY JOIN range(toUInt64(last_month + 1)) AS tenure
GROUP BY tenure_months
COMMENT 'How readily customers give personal data, by how long they have been known';
