-- A change that was taken back within the week, or that a correction took the place of, is none. Of a relationship that is
-- over nothing more is expected: what is at stake there is what it brought in the year before.
CREATE OR REPLACE VIEW recent_changes
(
    customer_id String COMMENT 'Customer, or the anonymous identity while it stands for one',
    namespace String COMMENT 'Namespace of customer_id: known, anonymous or account',
    what String COMMENT 'What changed within seven days before the last known instant: stage, or a judgement by the name of its column in profiles',
    before String COMMENT 'What it was before these days; empty when nothing was',
    after String COMMENT 'What it is now',
    at DateTime64(3, 'UTC') COMMENT 'When the newest of the changes became true',
    changes UInt64 COMMENT 'How many changes of it became known in these days',
    at_stake_minor Float64 COMMENT 'Money at stake: customer lifetime value, or of a relationship that is over last_year_minor; minor units of currency',
    clv_minor Float64 COMMENT 'Customer lifetime value, minor units of currency',
    last_year_minor Int64 COMMENT 'What the customer brought in the 365 days before the last known instant, minor units of currency',
    currency String COMMENT 'ISO 4217 code of the amounts'
)
SQL SECURITY DEFINER AS WITH
    assumeNotNull((SELECT at FROM known_until)) AS now_known,
    facts AS
    (
        SELECT
            customer_id AS who, namespace AS whose, 'stage' AS which, from_stage AS was, to_stage AS is, transitions.at AS true_at, known_at AS heard_at,
            `offset` AS place, id AS fact
        FROM transitions
        WHERE superseded_by = '' AND known_at > now_known - INTERVAL 7 DAY
        UNION ALL
        SELECT customer_id, namespace, judgement, before, after, judgements.at, known_at, `offset`, id
        FROM judgements
        WHERE judgement IN ('risk_band', 'value_tier', 'need', 'motivation', 'next_step', 'let_go', 'end_reason')
            AND known_at > now_known - INTERVAL 7 DAY
    ),
    changed AS
    (
        SELECT
            who, whose, which, argMin(was, (heard_at, place, true_at, fact)) AS first_was, argMax(is, (heard_at, place, true_at, fact)) AS last_is,
            max(true_at) AS newest, count() AS n
        FROM facts
        GROUP BY who, whose, which
        HAVING first_was != last_is
    )
SELECT
    each.who AS customer_id, each.whose AS namespace, each.which AS what, each.first_was AS before, each.last_is AS after, each.newest AS at,
    each.n AS changes, if(value.over, toFloat64(year.brought), value.clv) AS at_stake_minor, value.clv AS clv_minor,
    year.brought AS last_year_minor, value.code AS currency
FROM changed AS each
LEFT ANY JOIN
(
    SELECT
        customer_id AS of_id, namespace AS of_namespace, stage = 'dissolution' AS over, profiles.clv_minor AS clv, profiles.currency AS code
    FROM profiles
) AS value ON value.of_id = each.who AND value.of_namespace = each.whose
LEFT ANY JOIN
(
    SELECT customer_id AS by_id, namespace AS by_namespace, sum(ifNull(amount_minor, 0)) AS brought
    FROM touchpoint_meanings
    WHERE purchase AND occurred_at > now_known - INTERVAL 365 DAY
    GROUP BY customer_id, namespace
) AS year ON year.by_id = each.who AND year.by_namespace = each.whose
COMMENT 'Who changed within the last week, in what, and how much money is at stake';

CREATE OR REPLACE VIEW money_at_risk
(
    segment String COMMENT 'Segment: value tier and need; empty for those who are not judged yet',
    stage String COMMENT 'Stage of the relationship; those in dissolution are lost, not at risk, and are left out',
    customers UInt64 COMMENT 'Customers who have bought',
    at_risk UInt64 COMMENT 'Those of them whose churn risk is above the limit of the policy',
    clv_minor Float64 COMMENT 'Customer lifetime value of all of them, minor units of currency',
    clv_at_risk_minor Float64 COMMENT 'That of those at risk',
    clv_at_risk_share Nullable(Float64) COMMENT 'clv_at_risk_minor / clv_minor; null where there is none',
    last_year_minor Int64 COMMENT 'What all of them brought in the 365 days before the last known instant, minor units of currency',
    last_year_at_risk_minor Int64 COMMENT 'What those at risk brought then',
    likely_lost_minor Float64 COMMENT 'What each brought then times the churn risk, summed up: what is likely not to come again within the horizon of the policy',
    currency String COMMENT 'ISO 4217 code of the amounts'
)
SQL SECURITY DEFINER AS WITH assumeNotNull((SELECT at FROM known_until)) AS now_known
SELECT
    each.own_segment AS segment, each.own_stage AS stage, count() AS customers, countIf(each.risky) AS at_risk, sum(each.clv) AS clv_minor,
    sumIf(each.clv, each.risky) AS clv_at_risk_minor, if(clv_minor > 0, clv_at_risk_minor / clv_minor, NULL) AS clv_at_risk_share,
    sum(year.brought) AS last_year_minor, sumIf(year.brought, each.risky) AS last_year_at_risk_minor,
    sum(year.brought * each.risk) AS likely_lost_minor, max(each.code) AS currency
FROM
(
    SELECT
        customer_id AS who, namespace AS whose, profiles.segment AS own_segment, profiles.stage AS own_stage, risk_band = 'high' AS risky,
        profiles.clv_minor AS clv, ifNull(churn_risk, 0) AS risk, profiles.currency AS code
    FROM profiles
    WHERE profiles.stage != 'dissolution' AND purchases > 0
) AS each
LEFT ANY JOIN
(
    SELECT customer_id AS by_id, namespace AS by_namespace, sum(ifNull(amount_minor, 0)) AS brought
    FROM touchpoint_meanings
    WHERE purchase AND occurred_at > now_known - INTERVAL 365 DAY
    GROUP BY customer_id, namespace
) AS year ON year.by_id = each.who AND year.by_namespace = each.whose
GROUP BY segment, stage
COMMENT 'Money at risk: value and revenue of the customers whose churn risk is high, by segment and stage';

-- At the beginning of each month everybody who had bought is forecast as profiles_at would have it, from what had happened
-- until then and with the parameters of the policy in force now, for its horizon; beside it what came. So it says whether the
-- model with its parameters of today fits, and not what was published then. An order that was cancelled since is none.
CREATE OR REPLACE VIEW forecasts_monthly
(
    month Date COMMENT 'Month at whose beginning (UTC) it is forecast',
    until DateTime64(3, 'UTC') COMMENT 'End of the horizon of the policy from then',
    matured Bool COMMENT 'That is known already: only then what came can be compared',
    customers UInt64 COMMENT 'Customers who had bought before',
    expected_buyers Float64 COMMENT 'Those of them who were expected to buy within the horizon: sum of 1 - churn_risk',
    buyers UInt64 COMMENT 'Those who did',
    expected_purchases Float64 COMMENT 'Purchase days that were expected of them within the horizon',
    purchase_days UInt64 COMMENT 'Days on which one of them bought',
    expected_value_minor Float64 COMMENT 'What they were expected to bring, net of what goes back, minor units of currency',
    value_minor Int64 COMMENT 'What they brought, less what went back in that time, minor units of currency',
    buyers_for_expected Nullable(Float64) COMMENT 'buyers / expected_buyers: 1 where the forecast was right; null until it matured',
    purchases_for_expected Nullable(Float64) COMMENT 'purchase_days / expected_purchases; null until it matured',
    value_for_expected Nullable(Float64) COMMENT 'value_minor / expected_value_minor; null until it matured',
    currency String COMMENT 'ISO 4217 code of the amounts',
    parameters String COMMENT 'Whose parameters these are: estimated from your data, as the policy says, or a preset, not yours'
)
SQL SECURITY DEFINER AS WITH
    assumeNotNull((SELECT at FROM known_until)) AS now_known,
    assumeNotNull((SELECT argMax((hash, currency, horizon_ms), (epoch, known_at, `offset`, hash)) FROM policies)) AS force,
    assumeNotNull((SELECT parameters FROM forecast_parameters WHERE in_force)) AS whose_numbers,
    events AS
    (
        SELECT
            customer_id AS who, namespace AS whose,
            arraySort(groupArrayIf((toUnixTimestamp64Milli(occurred_at), ifNull(amount_minor, 0)), purchase)) AS bought,
            groupArrayIf((toUnixTimestamp64Milli(occurred_at), refunded_minor), refund) AS back,
            groupArrayIf(toUnixTimestamp64Milli(occurred_at), exit != '') AS exits,
            toUnixTimestamp64Milli(now_known) AS end_ms
        FROM touchpoint_meanings
        WHERE purchase OR refund OR exit != ''
        GROUP BY customer_id, namespace
        HAVING notEmpty(bought)
    ),
    points AS
    (
        SELECT
            of_month, toUnixTimestamp64Milli(toDateTime64(of_month, 3, 'UTC')) AS now_ms,
            arrayFilter(each -> each.1 < now_ms, bought) AS past, past[1].1 AS first_ms, past[-1].1 AS last_ms,
            arraySort(arrayDistinct(arrayMap(each -> intDiv(each.1, 86400000), past))) AS days,
            if(length(days) > 1, arrayMax(arrayMap((a, b) -> b - a, arrayPopBack(days), arrayPopFront(days))), 0) AS longest,
            arraySum(each -> each.2, past) - arraySum(each -> if(each.1 < now_ms, each.2, 0), back) AS kept,
            arrayExists(each -> each < now_ms AND each >= last_ms, exits) AS gone,
            arrayFilter(each -> each.1 >= now_ms AND each.1 < now_ms + force.3, bought) AS came,
            length(arrayDistinct(arrayMap(each -> intDiv(each.1, 86400000), came))) AS came_days,
            arraySum(each -> each.2, came)
                - arraySum(each -> if(each.1 >= now_ms AND each.1 < now_ms + force.3, each.2, 0), back) AS came_minor
        FROM events
        ARRAY JOIN arrayMap(
            i -> addMonths(toStartOfMonth(toDate(fromUnixTimestamp64Milli(bought[1].1, 'UTC'))), i + 1),
            range(toUInt64(greatest(
                dateDiff('month', fromUnixTimestamp64Milli(bought[1].1, 'UTC'), fromUnixTimestamp64Milli(end_ms, 'UTC')), 0
            )))
        ) AS of_month
    ),
    forecast AS
    (
        SELECT
            point.of_month AS of_month, point.came_days AS came_days, point.came_minor AS came_minor,
            (point.last_ms - point.first_ms) / term.unit_ms AS t_x, (point.now_ms - point.first_ms) / term.unit_ms AS age,
            pow((term.alpha + age) / (term.alpha + t_x), term.shape) AS odds,
            if(term.is_bg AND length(point.days) = 1, 1., 1 / (1 + term.dropout * odds)) AS alive,
            alive * (1 - pow((term.alpha + age) / (term.alpha + age + term.horizon_ms / term.unit_ms), term.shape)) AS plain,
            multiIf(
                length(point.days) < 2, term.once, point.last_ms - point.first_ms < term.return_horizon_ms, term.`new`, term.known
            ) AS band,
            (point.now_ms - point.last_ms) / 86400000 AS silence,
            band[1] + if(point.longest > 0 AND silence > 0, band[4] * log1p(silence / point.longest), 0) AS level,
            least(greatest(plain, 1e-300), 1 - 1e-15) AS within, log(within) - log1p(-within) AS logit,
            if(
                term.version < 2 OR empty(band) OR band = [0., 1., 1., 0.], plain,
                1 / (1 + exp(-(level + if(logit < 0, band[2], band[3]) * logit)))
            ) AS buys,
            acos(least(2 * log1p(age / term.alpha) / term.reach - 1, 1)) AS angle,
            term.shape / (term.alpha + age) * exp(arrayDotProduct(
                term.made, arrayMap(k -> cos(k * angle), range(length(term.made)))
            )) AS rate,
            if(point.gone, 0., buys) AS chance, if(point.gone OR empty(term.made), 0., alive * rate) AS purchases,
            purchases * (term.spend_prior_minor + greatest(point.kept, 0)) * term.spend_weight AS money
        FROM points AS point
        LEFT ANY JOIN (SELECT * FROM forecast_terms WHERE policy_hash = force.1) AS term ON term.purchase_days = toInt32(length(point.days))
        WHERE term.unit_ms > 0
    )
SELECT
    of_month AS month, toDateTime64(of_month, 3, 'UTC') + toIntervalMillisecond(force.3) AS until, until <= now_known AS matured,
    count() AS customers, sum(chance) AS expected_buyers, countIf(came_days > 0) AS buyers, sum(forecast.purchases) AS expected_purchases,
    sum(came_days) AS purchase_days, sum(money) AS expected_value_minor, sum(came_minor) AS value_minor,
    if(matured AND expected_buyers > 0, buyers / expected_buyers, NULL) AS buyers_for_expected,
    if(matured AND expected_purchases > 0, purchase_days / expected_purchases, NULL) AS purchases_for_expected,
    if(matured AND expected_value_minor > 0, value_minor / expected_value_minor, NULL) AS value_for_expected, force.2 AS currency,
    whose_numbers AS parameters
FROM forecast
GROUP BY of_month
COMMENT 'Forecasts against what came: buyers, purchases and money within the horizon, from the beginning of each month';
