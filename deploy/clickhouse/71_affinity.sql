-- Agrawal, Imieliński, Swami 1993, for pairs. A basket is the set of articles of one order, whatever the quantities. One
-- pass: each basket gives its pairs, each article as a pair with itself, and one pair of nothing; the counts of the last
-- two reach the pairs as windows. A basket of n articles has n² / 2 pairs; the few with more than 50 are bulk orders,
-- say little about affinity, and are left out. Pairs that occurred once only are left out too.
CREATE OR REPLACE VIEW affinity
(
    sku String COMMENT 'Article in the basket',
    other_sku String COMMENT 'Another article; each pair is there in both directions',
    baskets UInt64 COMMENT 'Baskets with both, 2 at the least: what to ask a minimum of',
    sku_baskets UInt64 COMMENT 'Baskets with the first',
    other_baskets UInt64 COMMENT 'Baskets with the other',
    all_baskets UInt64 COMMENT 'All baskets',
    support Float64 COMMENT 'baskets / all_baskets',
    confidence Float64 COMMENT 'Share of the baskets with the first that have the other: baskets / sku_baskets',
    lift Float64 COMMENT 'confidence / (other_baskets / all_baskets): above 1, they go together'
)
SQL SECURITY DEFINER AS WITH
    baskets_of_orders AS
    (
        SELECT arraySort(groupUniqArrayArray(arrayMap(
            line -> line.sku, arrayFilter(line -> line.quantity > 0 AND line.sku != '', lines)
        ))) AS skus
        FROM touchpoint_meanings
        WHERE purchase AND notEmpty(lines)
        GROUP BY customer_id, namespace, if(order_id = '', event_id, order_id)
        HAVING length(skus) BETWEEN 1 AND 50
    ),
    counted AS
    (
        SELECT pair.1 AS a, pair.2 AS b, count() AS n
        FROM baskets_of_orders
        ARRAY JOIN arrayPushBack(
            arrayFlatten(arrayMap((one, number) -> arrayMap(other -> (one, other), arraySlice(skus, number)),
                skus, arrayEnumerate(skus))),
            ('', '')
        ) AS pair
        GROUP BY a, b
        HAVING n >= 2 OR a = b
    ),
    directed AS
    (
        SELECT direction.1 AS sku, direction.2 AS other_sku, n
        FROM counted
        ARRAY JOIN if(a = b, [(a, b)], [(a, b), (b, a)]) AS direction
    ),
    totals AS
    (
        SELECT
            sku, other_sku, n,
            maxIf(n, sku = other_sku) OVER (PARTITION BY sku) AS sku_baskets,
            maxIf(n, sku = other_sku) OVER (PARTITION BY other_sku) AS other_baskets,
            maxIf(n, sku = '') OVER () AS all_baskets
        FROM directed
    )
SELECT
    sku, other_sku, n AS baskets, sku_baskets, other_baskets, all_baskets, n / all_baskets AS support,
    n / sku_baskets AS confidence, confidence * all_baskets / other_baskets AS lift
FROM totals
WHERE sku != other_sku
COMMENT 'Affinity: which articles are bought together in one order';
