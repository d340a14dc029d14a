-- Kinds are told apart by their names, which are those of every preset. A sale counts where the customer had a touchpoint of
-- the kind within 30 days before it; which of two kinds caused it, nobody knows, so it counts for both.
CREATE OR REPLACE VIEW tactics
(
    tactic String COMMENT 'newsletter (newsletter_* and email_*), social (social_*), content (content_*) or advertising (what the policy calls acquiring)',
    kind String COMMENT 'Kind of touchpoint',
    touchpoints UInt64 COMMENT 'Touchpoints of the kind',
    customers UInt64 COMMENT 'Customers who had one',
    cost_minor Int64 COMMENT 'What they cost, minor units of currency',
    introduced UInt64 COMMENT 'Customers whose first touchpoint of all was one',
    bought UInt64 COMMENT 'Customers who bought within 30 days after one',
    bought_share Float64 COMMENT 'bought / customers',
    sales UInt64 COMMENT 'Purchases within 30 days after one, each once',
    first_sales UInt64 COMMENT 'Those of them that were the first of their customer',
    sales_minor Int64 COMMENT 'What the sales brought, minor units of currency',
    for_each_touchpoint_minor Float64 COMMENT 'sales_minor / touchpoints',
    currency String COMMENT 'ISO 4217 code of the amounts'
)
SQL SECURITY DEFINER AS WITH
    (SELECT argMax(currency, (epoch, known_at, `offset`, hash)) FROM policies) AS own,
    used AS
    (
        SELECT
            customer_id AS who, namespace AS whose, kind AS sort, occurred_at AS at, cost_minor AS cost,
            multiIf(
                startsWith(kind, 'newsletter_') OR startsWith(kind, 'email_'), 'newsletter', startsWith(kind, 'social_'), 'social',
                startsWith(kind, 'content_'), 'content', acquisition, 'advertising', ''
            ) AS way
        FROM touchpoint_meanings
        WHERE way != ''
    ),
    sold AS
    (
        SELECT sale.customer_id AS who, sale.namespace AS whose, sort, amount, place = 1 AS is_first, sale_at
        FROM
        (
            SELECT
                customer_id, namespace, occurred_at AS sale_at, ifNull(amount_minor, 0) AS amount,
                row_number() OVER (PARTITION BY customer_id, namespace ORDER BY occurred_at, event_id) AS place
            FROM touchpoint_meanings
            WHERE purchase
        ) AS sale
        INNER JOIN (SELECT DISTINCT who AS by_id, whose AS by_namespace, sort FROM used) AS user
            ON user.by_id = sale.customer_id AND user.by_namespace = sale.namespace
    ),
    followed AS
    (
        SELECT after.who AS who, after.whose AS whose, after.sort AS sort, after.amount AS amount, after.is_first AS is_first
        FROM sold AS after
        ASOF INNER JOIN (SELECT who AS use_id, whose AS use_namespace, sort AS use_sort, at AS use_at FROM used) AS before
            ON before.use_id = after.who AND before.use_namespace = after.whose AND before.use_sort = after.sort
            AND after.sale_at > before.use_at
        WHERE after.sale_at <= before.use_at + INTERVAL 30 DAY
    )
SELECT
    max(way) AS tactic, sort AS kind, sum(n) AS touchpoints, sum(people) AS customers, sum(cost) AS cost_minor,
    sum(firsts) AS introduced, sum(buyers) AS bought, if(customers > 0, bought / customers, 0) AS bought_share, sum(n_sales) AS sales,
    sum(n_first) AS first_sales, sum(amount) AS sales_minor,
    if(touchpoints > 0, sales_minor / touchpoints, 0) AS for_each_touchpoint_minor, assumeNotNull(own) AS currency
FROM
(
    SELECT
        way, sort, count() AS n, uniqExact(who, whose) AS people, sum(used.cost) AS cost, toUInt64(0) AS firsts, toUInt64(0) AS buyers,
        toUInt64(0) AS n_sales, toUInt64(0) AS n_first, toInt64(0) AS amount
    FROM used
    GROUP BY way, sort
    UNION ALL
    SELECT '', kind, 0, 0, 0, count(), 0, 0, 0, 0
    FROM first_touches
    WHERE kind IN (SELECT sort FROM used)
    GROUP BY kind
    UNION ALL
    SELECT '', sort, 0, 0, 0, 0, uniqExact(who, whose), count(), countIf(is_first), sum(followed.amount)
    FROM followed
    GROUP BY sort
)
GROUP BY sort
COMMENT 'What newsletters, social media, content and advertising do: whom they introduce, and what is bought after them';

-- A customer is exposed to a year of tenure from the first purchase on, until the last known instant, or, where the
-- relationship is over, until the last touchpoint. A year is 365.25 days.
CREATE OR REPLACE VIEW long_relationships
(
    tenure_years UInt32 COMMENT 'Whole years since the first purchase of the customer',
    customers UInt64 COMMENT 'Customers whose relationship reached that year',
    years Float64 COMMENT 'Years that they spent in it, all together',
    promotions_read UInt64 COMMENT 'Promotion, recommendations and mail that they looked at in that time',
    promotions_read_for_each_year Nullable(Float64) COMMENT 'promotions_read / years; null when no time passed',
    rivals_checked UInt64 COMMENT 'Signs in that time that they looked at a competitor',
    rivals_checked_for_each_year Nullable(Float64) COMMENT 'rivals_checked / years',
    recommended UInt64 COMMENT 'Referrals in that time',
    recommended_for_each_year Nullable(Float64) COMMENT 'recommended / years',
    purchases UInt64 COMMENT 'Purchases in that time',
    purchases_for_each_year Nullable(Float64) COMMENT 'purchases / years',
    recommending UInt64 COMMENT 'Customers who made a referral in that year of tenure'
)
SQL SECURITY DEFINER AS WITH
    assumeNotNull((SELECT at FROM known_until)) AS now_known,
    31557600000 AS year_ms,
    since AS
    (
        SELECT
            began.who AS who, began.whose AS whose, began.first_ms AS first_ms,
            greatest(if(state.over, began.last_ms, toUnixTimestamp64Milli(now_known)), began.last_ms) AS end_ms
        FROM
        (
            SELECT
                customer_id AS who, namespace AS whose, minIf(toUnixTimestamp64Milli(occurred_at), purchase) AS first_ms,
                max(toUnixTimestamp64Milli(occurred_at)) AS last_ms
            FROM touchpoint_meanings
            GROUP BY customer_id, namespace
            HAVING countIf(purchase) > 0
        ) AS began
        LEFT ANY JOIN
        (
            SELECT customer_id AS of_id, namespace AS of_namespace, stage = 'dissolution' AS over FROM profiles_published
        ) AS state ON state.of_id = began.who AND state.of_namespace = began.whose
    ),
    did AS
    (
        SELECT
            each.customer_id AS who, each.namespace AS whose, each.read AS read, each.elsewhere AS elsewhere, each.told AS told,
            each.bought AS bought, intDiv(each.at_ms - since.first_ms, year_ms) AS tenure
        FROM
        (
            SELECT
                customer_id, namespace, toUnixTimestamp64Milli(occurred_at) AS at_ms, rival AND initiative != 'firm' AS elsewhere,
                referral AS told, purchase AS bought,
                kind IN (
                    'promotion_viewed', 'promotion_clicked', 'recommendation_clicked', 'email_opened', 'email_link_clicked',
                    'push_notification_tapped'
                ) AS read
            FROM touchpoint_meanings
            WHERE read OR elsewhere OR told OR bought
        ) AS each
        LEFT ANY JOIN since ON since.who = each.customer_id AND since.whose = each.namespace
        WHERE since.who != '' AND each.at_ms >= since.first_ms
    )
SELECT
    toUInt32(tenure) AS tenure_years, sum(people) AS customers, sum(span) AS years, sum(n_read) AS promotions_read,
    if(years > 0, promotions_read / years, NULL) AS promotions_read_for_each_year, sum(n_elsewhere) AS rivals_checked,
    if(years > 0, rivals_checked / years, NULL) AS rivals_checked_for_each_year, sum(n_told) AS recommended,
    if(years > 0, recommended / years, NULL) AS recommended_for_each_year, sum(n_bought) AS purchases,
    if(years > 0, purchases / years, NULL) AS purchases_for_each_year, sum(n_tellers) AS recommending
FROM
(
    SELECT
        tenure, count() AS people, sum(least(end_ms - first_ms - tenure * year_ms, year_ms)) / year_ms AS span, toUInt64(0) AS n_read,
        toUInt64(0) AS n_elsewhere, toUInt64(0) AS n_told, toUInt64(0) AS n_bought, toUInt64(0) AS n_tellers
    FROM since
    ARRAY JOIN range(toUInt64(intDiv(end_ms - first_ms, year_ms)) + 1) AS tenure
    GROUP BY tenure
    UNION ALL
    SELECT
        toUInt64(tenure), 0, 0., countIf(read), countIf(elsewhere), countIf(told), countIf(bought), uniqExactIf((who, whose), told)
    FROM did
    GROUP BY tenure
)
GROUP BY tenure
COMMENT 'What long relationships do: read promotion, check rivals and recommend, by years since the first purchase';
