CREATE OR REPLACE VIEW next_best_steps
(
    customer_id String COMMENT 'Customer, or the anonymous identity while it stands for one',
    namespace String COMMENT 'Namespace of customer_id: known, anonymous or account',
    motivation String COMMENT 'Motivation of the firm that applies now: acquisition, retention or expansion',
    next_step String COMMENT 'Next best step',
    stage String COMMENT 'Stage of the relationship',
    value_tier String COMMENT 'Value tier: low, middle or high; not_known of who never bought',
    need String COMMENT 'What the customer needs most: price, advice, belonging or convenience; not_known where there is nothing to go by',
    risk_band String COMMENT 'Whether the churn risk is above the limit of the policy: low or high',
    churn_risk Nullable(Float64) COMMENT 'Chance of no purchase within the horizon of the policy; null before a first purchase',
    clv_minor Float64 COMMENT 'Customer lifetime value, minor units of currency',
    currency String COMMENT 'ISO 4217 code of the amount',
    recommended_category String COMMENT 'Category of relationship in which to take the step',
    let_go Array(String) COMMENT 'Reasons to let go, if any: then no step is worth much',
    as_of DateTime64(3, 'UTC') COMMENT 'Instant that the row describes'
)
SQL SECURITY DEFINER AS SELECT
    customer_id, namespace, motivation, next_step, stage, value_tier, need, risk_band, churn_risk, clv_minor, currency,
    recommended_category, let_go, as_of
FROM profiles
COMMENT 'What to do next for each customer, and for which of three motivations';
