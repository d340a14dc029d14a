-- Of one customer all purchases of a month are of one sort: new where the first ever is among them. A cost acquires where
-- its customer had not bought yet; from then on marketing keeps, and all else serves.
CREATE OR REPLACE VIEW base_shift
(
    month Date COMMENT 'Month (UTC)',
    customers UInt64 COMMENT 'Customers who had bought by the end of the month',
    new_buyers UInt64 COMMENT 'Customers who bought for the first time in it',
    repeat_buyers UInt64 COMMENT 'Customers who bought in it and had bought in a month before',
    new_minor Int64 COMMENT 'What new buyers brought in it, minor units of currency',
    repeat_minor Int64 COMMENT 'What repeat buyers brought in it, minor units of currency',
    repeat_share Nullable(Float64) COMMENT 'Share of repeat buyers in what was brought; null where nothing was',
    acquiring_cost_minor Int64 COMMENT 'Cost of touchpoints with people who had not bought yet, minor units of currency',
    keeping_cost_minor Int64 COMMENT 'Cost of marketing and advertising to people who had, minor units of currency',
    serving_cost_minor Int64 COMMENT 'All other cost, minor units of currency',
    keeping_share Nullable(Float64) COMMENT 'keeping_cost_minor / (acquiring_cost_minor + keeping_cost_minor): the effort spent on keeping; null without any',
    currency String COMMENT 'ISO 4217 code of the amounts'
)
SQL SECURITY DEFINER AS WITH
    assumeNotNull((SELECT argMax(currency, (epoch, known_at, `offset`, hash)) FROM policies)) AS own,
    touches AS
    (
        SELECT
            customer_id AS who, namespace AS whose, occurred_at AS at, purchase, ifNull(amount_minor, 0) AS amount, cost_minor AS cost,
            marketing OR acquisition AS urges,
            -- Without a purchase it is 1970, which is before every touchpoint but those of that year.
            countIf(purchase) OVER (PARTITION BY customer_id, namespace) > 0 AS ever,
            minIf(occurred_at, purchase) OVER (PARTITION BY customer_id, namespace) AS first_at
        FROM touchpoint_meanings
    ),
    monthly AS
    (
        SELECT
            who, whose, toStartOfMonth(toDate(at)) AS of_month, countIf(purchase) AS n, sumIf(amount, purchase) AS total,
            max(ever AND toStartOfMonth(toDate(first_at)) = toStartOfMonth(toDate(at))) AS is_new,
            sumIf(cost, NOT ever OR at < first_at) AS acquiring, sumIf(cost, ever AND at >= first_at AND urges) AS keeping,
            sum(cost) - acquiring - keeping AS serving
        FROM touches
        GROUP BY who, whose, of_month
    )
SELECT
    of_month AS month, sum(new_buyers) OVER (ORDER BY of_month) AS customers, countIf(n > 0 AND is_new) AS new_buyers,
    countIf(n > 0 AND NOT is_new) AS repeat_buyers, sumIf(total, is_new) AS new_minor, sumIf(total, NOT is_new) AS repeat_minor,
    if(new_minor + repeat_minor > 0, repeat_minor / (new_minor + repeat_minor), NULL) AS repeat_share,
    sum(acquiring) AS acquiring_cost_minor, sum(keeping) AS keeping_cost_minor, sum(serving) AS serving_cost_minor,
    if(acquiring_cost_minor + keeping_cost_minor > 0, keeping_cost_minor / (acquiring_cost_minor + keeping_cost_minor), NULL)
        AS keeping_share,
    own AS currency
FROM monthly
GROUP BY of_month
COMMENT 'The shift of a base from acquiring to keeping: buyers, money and cost of each month, new against repeat';

CREATE OR REPLACE VIEW revenue_by_segment
(
    month Date COMMENT 'Month (UTC)',
    segment String COMMENT 'Segment in which the customers are now; empty for those who are not judged yet',
    customers UInt64 COMMENT 'Customers of the segment who had bought by the end of the month',
    buyers UInt64 COMMENT 'Those of them who bought in it',
    amount_minor Int64 COMMENT 'What they brought, minor units of currency',
    for_each_customer_minor Float64 COMMENT 'amount_minor / customers: average revenue per customer',
    for_each_buyer_minor Nullable(Float64) COMMENT 'amount_minor / buyers; null without any',
    currency String COMMENT 'ISO 4217 code of the amounts'
)
SQL SECURITY DEFINER AS WITH
    assumeNotNull((SELECT argMax(currency, (epoch, known_at, `offset`, hash)) FROM policies)) AS own,
    bought AS
    (
        SELECT
            sale.who AS who, sale.whose AS whose, sale.of_month AS of_month, sale.amount AS amount, judged.own_segment AS own_segment,
            min(sale.of_month) OVER (PARTITION BY sale.who, sale.whose) = sale.of_month AS is_first
        FROM
        (
            SELECT customer_id AS who, namespace AS whose, toStartOfMonth(toDate(occurred_at)) AS of_month, sum(ifNull(amount_minor, 0)) AS amount
            FROM touchpoint_meanings
            WHERE purchase
            GROUP BY customer_id, namespace, of_month
        ) AS sale
        LEFT ANY JOIN
        (
            SELECT customer_id AS of_id, namespace AS of_namespace, segment AS own_segment FROM profiles_published
        ) AS judged ON judged.of_id = sale.who AND judged.of_namespace = sale.whose
    )
SELECT
    of_month AS month, own_segment AS segment, total AS customers, n AS buyers, brought AS amount_minor,
    brought / total AS for_each_customer_minor, if(n > 0, brought / n, NULL) AS for_each_buyer_minor, own AS currency
FROM
(
    SELECT
        of_month, own_segment, sum(n_buyers) AS n, sum(amount) AS brought,
        sum(sum(news)) OVER (PARTITION BY own_segment ORDER BY of_month) AS total
    FROM
    (
        SELECT of_month, own_segment, count() AS n_buyers, countIf(is_first) AS news, sum(bought.amount) AS amount
        FROM bought
        GROUP BY of_month, own_segment
        UNION ALL
        -- Every month in which a segment has customers, also those without a purchase.
        SELECT
            arrayJoin(arrayMap(i -> addMonths(since, i), range(toUInt64(dateDiff('month', since, last)) + 1))) AS of_month, own_segment,
            toUInt64(0), toUInt64(0), toInt64(0)
        FROM
        (
            SELECT own_segment, min(bought.of_month) AS since, any(latest.last) AS last
            FROM bought
            CROSS JOIN (SELECT max(of_month) AS last FROM bought) AS latest
            GROUP BY own_segment
        )
    )
    GROUP BY of_month, own_segment
)
COMMENT 'Average revenue per customer by month and segment';

CREATE OR REPLACE VIEW favourite_channels_by_segment
(
    segment String COMMENT 'Segment: value tier and need; empty for those who are not judged yet',
    channel String COMMENT 'Channel',
    customers UInt64 COMMENT 'Customers of the segment who choose it most often',
    share Float64 COMMENT 'Their share of those of the segment who choose any',
    touchpoints UInt64 COMMENT 'Touchpoints of their own initiative there, of all who choose it most often',
    favourite Bool COMMENT 'Of the segment most customers choose it; of several the first by name'
)
SQL SECURITY DEFINER AS SELECT
    judged.own_segment AS segment, chosen.place AS channel, count() AS customers,
    customers / sum(customers) OVER (PARTITION BY segment) AS share, sum(chosen.n) AS touchpoints,
    row_number() OVER (PARTITION BY segment ORDER BY customers DESC, channel) = 1 AS favourite
FROM
(
    SELECT customer_id AS who, namespace AS whose, favourite_channels.channel AS place, favourite_channels.touchpoints AS n
    FROM favourite_channels
) AS chosen
LEFT ANY JOIN
(
    SELECT customer_id AS of_id, namespace AS of_namespace, profiles_published.segment AS own_segment FROM profiles_published
) AS judged ON judged.of_id = chosen.who AND judged.of_namespace = chosen.whose
GROUP BY segment, channel
COMMENT 'Which channel the customers of each segment choose';
