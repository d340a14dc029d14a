CREATE OR REPLACE VIEW segments
(
    segment String COMMENT 'Segment: value tier and need; empty for those who are not judged yet',
    value_tier String COMMENT 'Value tier: low, middle or high; not_known of who never bought',
    need String COMMENT 'What the customers need most: price, advice, belonging or convenience; not_known where there is nothing to go by',
    customers UInt64 COMMENT 'Customers of the segment',
    share Float64 COMMENT 'Their share of all customers',
    clv_minor Float64 COMMENT 'Customer lifetime value of all of them, minor units of currency',
    mean_clv_minor Float64 COMMENT 'Its mean',
    spend_minor Int64 COMMENT 'Money that they spent so far, minor units of currency',
    margin_minor Int64 COMMENT 'Margin so far, minor units of currency',
    cost_minor Int64 COMMENT 'Cost to serve so far, minor units of currency',
    at_risk UInt64 COMMENT 'Customers whose churn risk is above the limit of the policy',
    currency String COMMENT 'ISO 4217 code of the amounts'
)
SQL SECURITY DEFINER AS SELECT
    segment, value_tier, need, count() AS customers, customers / sum(customers) OVER () AS share,
    sum(profiles.clv_minor) AS clv_minor, clv_minor / customers AS mean_clv_minor,
    sum(profiles.spend_minor) AS spend_minor, sum(profiles.margin_minor) AS margin_minor,
    sum(profiles.cost_minor) AS cost_minor, countIf(risk_band = 'high') AS at_risk, max(profiles.currency) AS currency
FROM profiles
GROUP BY segment, value_tier, need
COMMENT 'Segments: value tier and need, with what they are worth, have brought and have cost';

CREATE OR REPLACE VIEW effort_by_tier
(
    value_tier String COMMENT 'Value tier: low, middle or high; not_known of who never bought, empty for those who are not judged yet',
    customers UInt64 COMMENT 'Customers of the tier',
    customers_share Float64 COMMENT 'Their share of all customers',
    cost_minor Int64 COMMENT 'Cost to serve them so far, minor units of the currency of the policy',
    cost_share Nullable(Float64) COMMENT 'Its share of the cost of all',
    two_way Int64 COMMENT 'Two-way contacts with them so far',
    two_way_share Nullable(Float64) COMMENT 'Their share of those with all',
    clv_minor Float64 COMMENT 'Customer lifetime value, minor units of the currency of the policy',
    clv_share Nullable(Float64) COMMENT 'Its share of the value of all',
    margin_minor Int64 COMMENT 'Margin so far, minor units of the currency of the policy',
    margin_share Nullable(Float64) COMMENT 'Its share of the margin of all',
    cost_against_clv Nullable(Float64) COMMENT 'cost_share / clv_share: above 1, more is spent on the tier than in proportion to its worth',
    two_way_against_clv Nullable(Float64) COMMENT 'two_way_share / clv_share: above 1, it gets more contact than in proportion to its worth',
    cost_against_margin Nullable(Float64) COMMENT 'cost_share / margin_share: the same against what it has brought so far'
)
SQL SECURITY DEFINER AS SELECT
    value_tier, count() AS customers, customers / sum(customers) OVER () AS customers_share,
    sum(profiles.cost_minor) AS cost_minor, cost_minor / nullIf(sum(cost_minor) OVER (), 0) AS cost_share,
    sum(profiles.two_way) AS two_way, two_way / nullIf(sum(two_way) OVER (), 0) AS two_way_share,
    sum(profiles.clv_minor) AS clv_minor, clv_minor / nullIf(sum(clv_minor) OVER (), 0) AS clv_share,
    sum(profiles.margin_minor) AS margin_minor, margin_minor / nullIf(sum(margin_minor) OVER (), 0) AS margin_share,
    if(clv_share > 0, cost_share / clv_share, NULL) AS cost_against_clv,
    if(clv_share > 0, two_way_share / clv_share, NULL) AS two_way_against_clv,
    if(margin_share > 0, cost_share / margin_share, NULL) AS cost_against_margin
FROM profiles
GROUP BY value_tier
COMMENT 'Effort against value: whether cost and contact are given in proportion to worth, by tier';
