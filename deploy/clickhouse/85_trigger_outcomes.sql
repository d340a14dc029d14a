-- A unit is a customer's first eligible firing of a rule and version, in both arms alike (intention to treat). What counts
-- is bought after it, within the window of the rule; only units whose window is over are compared.
CREATE OR REPLACE VIEW trigger_outcomes
(
    rule String COMMENT 'Rule of the policy',
    rule_version Int32 COMMENT 'Version of it: each is an experiment of its own',
    customer_id String COMMENT 'Customer',
    namespace String COMMENT 'Namespace of customer_id: known, anonymous or account',
    at DateTime64(3, 'UTC') COMMENT 'When the rule first fired for the customer, sent or held',
    held Bool COMMENT 'Held back for control',
    hold_out Float64 COMMENT 'Share that is held back',
    until DateTime64(3, 'UTC') COMMENT 'End of the window',
    matured Bool COMMENT 'The window is over, as far as the reports reach',
    bought Bool COMMENT 'Bought anything within the window',
    orders Int64 COMMENT 'Purchases within the window',
    spend_minor Int64 COMMENT 'Spent within the window, minor units of the currency of the policy in force',
    margin_minor Int64 COMMENT 'What the firm earned by that, minor units',
    return_chance Nullable(Float64) COMMENT 'Chance of a purchase within the horizon of the policy, as expected when the rule fired',
    expected_purchases Nullable(Float64) COMMENT 'Purchases that were expected then within that horizon',
    expected_value_minor Nullable(Float64) COMMENT 'Spend that was expected then within the horizon of the policy, minor units',
    expected_margin_minor Nullable(Float64) COMMENT 'Margin that was expected of it, minor units'
)
SQL SECURITY DEFINER AS WITH (SELECT at FROM known_until) AS reached
SELECT
    unit.rule AS rule, unit.rule_version AS rule_version, unit.customer AS customer_id, unit.space AS namespace,
    unit.since AS at, unit.held AS held, unit.hold_out AS hold_out, unit.ends AS until, assumeNotNull(unit.ends <= reached) AS matured,
    countIf(bought.at > unit.since AND bought.at <= unit.ends) > 0 AS bought,
    toInt64(countIf(bought.at > unit.since AND bought.at <= unit.ends)) AS orders,
    toInt64(sumIf(bought.amount, bought.at > unit.since AND bought.at <= unit.ends)) AS spend_minor,
    toInt64(sumIf(bought.earned, bought.at > unit.since AND bought.at <= unit.ends)) AS margin_minor,
    unit.told.1 AS return_chance, unit.told.2 AS expected_purchases, unit.told.3 AS expected_value_minor,
    unit.told.4 AS expected_margin_minor
FROM
(
    SELECT
        rule, rule_version, customer_id AS customer, namespace AS space, min(first.at) AS since,
        argMin(arm != 'treated', (first.at, id)) AS held, argMin(hold_out, (first.at, id)) AS hold_out,
        since + toIntervalMillisecond(toInt64(argMin(window_days, (first.at, id)) * 86400000)) AS ends,
        -- In a tuple, because argMin passes over nulls: what a later firing expected already knows what the first one did.
        argMin((1 - churn_risk, first.expected_purchases, first.expected_value_minor, first.expected_margin_minor), (first.at, id)) AS told
    FROM triggers AS first
    WHERE outcome IN ('sent', 'held')
    GROUP BY rule, rule_version, customer, space
) AS unit
LEFT JOIN
(
    SELECT customer_id AS who, namespace AS whose, occurred_at AS at, coalesce(amount_minor, 0) AS amount,
        margin_minor AS earned
    FROM touchpoint_meanings
    WHERE purchase
) AS bought ON who = unit.customer AND whose = unit.space
GROUP BY ALL
COMMENT 'What customers did after a rule first fired for them, one row a customer, rule and version; the held ones are the control';

-- The difference of the arms, adjusted by what was expected of each customer (Deng, Xu, Kohavi, Walker 2013; Lin 2013), with an
-- interval that may be looked at every day (asymptotic confidence sequence; Waudby-Smith and others 2021; alpha 0.05,
-- 5,000 units planned). Outcomes are capped at their 99 % quantile; a verdict is given from 200 held and matured units on.
CREATE OR REPLACE VIEW trigger_lift
(
    rule String COMMENT 'Rule of the policy',
    rule_version Int32 COMMENT 'Version of it: each is an experiment of its own',
    outcome String COMMENT 'bought, orders, spend_minor or margin_minor',
    treated UInt64 COMMENT 'Matured units that were sent to',
    held UInt64 COMMENT 'Matured units that were held back',
    treated_mean Float64 COMMENT 'Mean outcome of those sent to',
    held_mean Float64 COMMENT 'Mean outcome of those held back',
    lift Nullable(Float64) COMMENT 'Difference, adjusted by what was expected of each customer; null where an arm has fewer than two',
    low Nullable(Float64) COMMENT 'Lower end of the interval, valid whenever one looks',
    high Nullable(Float64) COMMENT 'Upper end of it',
    variance_removed Nullable(Float64) COMMENT 'Share of the variance that the adjustment removed',
    alarm Bool COMMENT 'The arms are not of the size that was promised (chi-squared, 0.001): do not trust the comparison',
    verdict String COMMENT 'In words: how many of 200 held units there are, or brings, costs, or not told apart'
)
SQL SECURITY DEFINER AS
SELECT
    rule, rule_version, outcome, n_t AS treated, n_c AS held, mean_t AS treated_mean, mean_c AS held_mean,
    if(enough, mean_t - mean_c - slope * (x_t - x_c), NULL) AS lift, lift - half AS low, lift + half AS high,
    if(enough AND plain > 0, 1 - variance / plain, NULL) AS variance_removed,
    promised > 0 AND promised < 1 AND pow(n_c - n * promised, 2) / (n * promised * (1 - promised)) > 10.828 AS alarm,
    multiIf(
        n_c < 200, concat(toString(n_c), ' of 200'), alarm, 'arms of the wrong size', low > 0, 'brings', high < 0, 'costs',
        'not told apart'
    ) AS verdict
FROM
(
    SELECT
        rule, rule_version, outcome, any(hold_out) AS promised,
        countIf(NOT is_held) AS n_t, countIf(is_held) AS n_c, n_t + n_c AS n, n_t > 1 AND n_c > 1 AS enough,
        if(n_t > 0, avgIf(y, NOT is_held), 0) AS mean_t, if(n_c > 0, avgIf(y, is_held), 0) AS mean_c,
        avgIf(x, NOT is_held) AS x_t, avgIf(x, is_held) AS x_c,
        varSampIf(y, NOT is_held) AS yy_t, varSampIf(y, is_held) AS yy_c,
        varSampIf(x, NOT is_held) AS xx_t, varSampIf(x, is_held) AS xx_c,
        covarSampIf(x, y, NOT is_held) AS xy_t, covarSampIf(x, y, is_held) AS xy_c,
        (n_t - 1) * xx_t + (n_c - 1) * xx_c AS spread,
        if(spread > 0, ((n_t - 1) * xy_t + (n_c - 1) * xy_c) / spread, 0) AS slope,
        yy_t / n_t + yy_c / n_c AS plain,
        (yy_t - 2 * slope * xy_t + slope * slope * xx_t) / n_t
            + (yy_c - 2 * slope * xy_c + slope * slope * xx_c) / n_c AS variance,
        (-2 * log(0.05) + log(-2 * log(0.05)) + 1) / 5000 AS tuned,
        sqrt(n * greatest(variance, 0))
            * sqrt(2 * (n * tuned + 1) / (n * n * tuned) * log(sqrt(n * tuned + 1) / 0.05)) AS half
    FROM
    (
        SELECT
            rule, rule_version, outcome, hold_out, is_held, coalesce(expected, 0) AS x,
            least(told, quantileExact(0.99)(told) OVER (PARTITION BY rule, rule_version, outcome)) AS y
        FROM
        (
            SELECT
                rule, rule_version, hold_out, trigger_outcomes.held AS is_held,
                arrayJoin([
                    ('bought', toFloat64(bought), return_chance), ('orders', toFloat64(orders), expected_purchases),
                    ('spend_minor', toFloat64(spend_minor), expected_value_minor),
                    ('margin_minor', toFloat64(margin_minor), expected_margin_minor)
                ]) AS each,
                each.1 AS outcome, each.2 AS told, each.3 AS expected
            FROM trigger_outcomes
            WHERE matured
        )
    )
    GROUP BY rule, rule_version, outcome
)
COMMENT 'What each rule brings: those sent to against those held back at random, one row a rule, version and outcome';
