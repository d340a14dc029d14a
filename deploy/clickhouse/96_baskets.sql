CREATE OR REPLACE VIEW baskets
(
    month Date COMMENT 'Month of the orders (UTC)',
    segment String COMMENT 'Segment in which the customers are now; empty for those who are not judged yet',
    orders UInt64 COMMENT 'Orders: purchases of one order_id, or one purchase without',
    customers UInt64 COMMENT 'Customers who placed them',
    mean_minor Float64 COMMENT 'What an order brought, mean, minor units of currency',
    itemised UInt64 COMMENT 'Orders that tell their lines',
    mean_items Nullable(Float64) COMMENT 'Items of those, mean; null without any',
    mean_articles Nullable(Float64) COMMENT 'Different articles of those, mean',
    mean_categories Nullable(Float64) COMMENT 'Different categories of those, mean',
    single_share Nullable(Float64) COMMENT 'Share of those with one article alone',
    articles UInt64 COMMENT 'Different articles of all of them',
    categories UInt64 COMMENT 'Different categories of all of them',
    currency String COMMENT 'ISO 4217 code of the amounts'
)
SQL SECURITY DEFINER AS WITH
    assumeNotNull((SELECT argMax(currency, (epoch, known_at, `offset`, hash)) FROM policies)) AS own,
    placed AS
    (
        SELECT
            customer_id AS who, namespace AS whose, toStartOfMonth(toDate(min(occurred_at))) AS first_month,
            sum(ifNull(amount_minor, 0)) AS amount,
            arrayFilter(line -> line.quantity > 0, groupArrayArray(lines)) AS bought,
            arraySum(line -> line.quantity, bought) AS items,
            arrayDistinct(arrayFilter(sku -> sku != '', arrayMap(line -> line.sku, bought))) AS skus,
            arrayDistinct(arrayFilter(word -> word != '', arrayMap(line -> ifNull(line.category, ''), bought))) AS words
        FROM touchpoint_meanings
        WHERE purchase
        GROUP BY customer_id, namespace, if(order_id = '', (0, event_id), (1, order_id))
    )
SELECT
    placed.first_month AS month, judged.own_segment AS segment, count() AS orders, uniqExact(placed.who, placed.whose) AS customers,
    avg(placed.amount) AS mean_minor, countIf(notEmpty(placed.bought)) AS itemised,
    avgOrNullIf(placed.items, notEmpty(placed.bought)) AS mean_items,
    avgOrNullIf(length(placed.skus), notEmpty(placed.bought)) AS mean_articles,
    avgOrNullIf(length(placed.words), notEmpty(placed.bought)) AS mean_categories,
    avgOrNullIf(length(placed.skus) = 1, notEmpty(placed.bought)) AS single_share,
    length(groupUniqArrayArray(placed.skus)) AS articles, length(groupUniqArrayArray(placed.words)) AS categories, own AS currency
FROM placed
LEFT ANY JOIN
(
    SELECT customer_id AS of_id, namespace AS of_namespace, segment AS own_segment FROM profiles_published
) AS judged ON judged.of_id = placed.who AND judged.of_namespace = placed.whose
GROUP BY month, segment
COMMENT 'How large and how various orders are, by month and segment';

-- Who brought whom is told by one of both: the newcomer names the one who recommended (referred_by, referrer_id,
-- recommended_by, invited_by), the one who recommended names the newcomer (referred_id, referee_id, friend_id, invitee_id,
-- invited_id; names may be written otherwise, such as referredBy, or stand among the traits), or both have one referral_code: then it is the code of the customer whose referral told it first. Only ids of
-- customers count (`referrer` is an address of the web), and of several who claim a newcomer the first.
CREATE OR REPLACE VIEW referrals
(
    customer_id String COMMENT 'Customer who recommended',
    namespace String COMMENT 'Namespace of customer_id: known, anonymous or account',
    brought_id String COMMENT 'Customer who was brought',
    brought_namespace String COMMENT 'Namespace of brought_id',
    at DateTime64(3, 'UTC') COMMENT 'When that was told first',
    told_by String COMMENT 'What told it: the property of the touchpoint',
    event_id String COMMENT 'Identity of the touchpoint at its source',
    stage String COMMENT 'Stage of the relationship with who was brought',
    purchases Int64 COMMENT 'Purchases of who was brought',
    spend_minor Int64 COMMENT 'What these brought, minor units of currency',
    clv_minor Float64 COMMENT 'Customer lifetime value of who was brought, minor units of currency',
    currency String COMMENT 'ISO 4217 code of the amounts'
)
SQL SECURITY DEFINER AS WITH
    told AS
    (
        SELECT
            customer_id AS who, namespace AS whose, occurred_at AS told_at, event_id AS event, referral AS recommends,
            arrayJoin(arrayFilter(
                pair -> pair.1 IN (
                    'referred_by', 'referrer_id', 'recommended_by', 'invited_by', 'referred_id', 'referee_id', 'friend_id',
                    'invitee_id', 'invited_id', 'referral_code'
                ),
                arrayMap(
                    pair -> (lower(replaceRegexpAll(replaceRegexpAll(replaceRegexpOne(pair.1, '^traits\\.', ''), '([a-z0-9])([A-Z])', '\\1_\\2'), '[^A-Za-z0-9]+', '_')), pair.2),
                    arrayFilter(
                        pair -> pair.2 != ''
                            AND multiSearchAnyCaseInsensitive(pair.1, ['refer', 'recommended', 'invite', 'friend']),
                        CAST(properties, 'Array(Tuple(String, String))')
                    )
                )
            )) AS told_pair,
            told_pair.1 AS name, told_pair.2 AS value
        FROM touchpoint_meanings
    ),
    -- Every id that may be named, and the customer for whom it stands; a known one before others.
    known AS
    (
        SELECT text, argMin((goes_on, goes_on_namespace), (rank, goes_on)) AS found
        FROM
        (
            SELECT
                customer_id AS text, customer_id AS goes_on, namespace AS goes_on_namespace, if(namespace = 'known', 0, 2) AS rank
            FROM profiles_published
            UNION ALL
            SELECT id, customer_id, customer_namespace, if(namespace = 'known', 1, 3) FROM identities
        )
        GROUP BY text
    ),
    named AS
    (
        SELECT told.who AS who, told.whose AS whose, told.told_at AS told_at, told.event AS event, told.name AS name, known.found AS other
        FROM told
        LEFT ANY JOIN known ON known.text = told.value
        WHERE known.text != '' AND told.name != 'referral_code'
    ),
    coded AS
    (
        SELECT told.who AS who, told.whose AS whose, told.told_at AS told_at, told.event AS event, told.name AS name, codes.owner AS other
        FROM told
        LEFT ANY JOIN
        (
            SELECT value AS code, argMin((who, whose), (told_at, event)) AS owner
            FROM told
            WHERE name = 'referral_code' AND recommends
            GROUP BY value
        ) AS codes ON codes.code = told.value
        WHERE codes.code != '' AND told.name = 'referral_code' AND NOT told.recommends
    ),
    pairs AS
    (
        SELECT
            if(name IN ('referred_id', 'referee_id', 'friend_id', 'invitee_id', 'invited_id'), (who, whose), other) AS giver,
            if(giver = other, (who, whose), other) AS newcomer, told_at, event, name
        FROM (SELECT * FROM named UNION ALL SELECT * FROM coded)
        WHERE (who, whose) != other
    )
SELECT
    first.giver.1 AS customer_id, first.giver.2 AS namespace, first.newcomer.1 AS brought_id, first.newcomer.2 AS brought_namespace,
    first.told_at AS at, first.name AS told_by, first.event AS event_id, value.own_stage AS stage, value.n AS purchases,
    value.spend AS spend_minor, value.clv AS clv_minor, value.code AS currency
FROM (SELECT giver, newcomer, told_at, event, name FROM pairs ORDER BY told_at, event LIMIT 1 BY newcomer) AS first
LEFT ANY JOIN
(
    SELECT
        customer_id AS of_id, namespace AS of_namespace, stage AS own_stage, profiles.purchases AS n, profiles.spend_minor AS spend,
        profiles.clv_minor AS clv, profiles.currency AS code
    FROM profiles
) AS value ON value.of_id = first.newcomer.1 AND value.of_namespace = first.newcomer.2
COMMENT 'Who brought whom, and what became of those who were brought';
