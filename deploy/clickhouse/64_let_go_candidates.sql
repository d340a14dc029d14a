CREATE OR REPLACE VIEW let_go_candidates
(
    customer_id String COMMENT 'Customer, or the anonymous identity while it stands for one',
    namespace String COMMENT 'Namespace of customer_id: known, anonymous or account',
    reason String COMMENT 'deal_seeker, norm_violator, high_maintenance or out_of_target',
    cost_minor Int64 COMMENT 'What it costs, minor units of currency',
    reasons Array(String) COMMENT 'All reasons that hold for this customer',
    clv_minor Float64 COMMENT 'Customer lifetime value, minor units of currency: what would be given up',
    spend_minor Int64 COMMENT 'Money spent so far, minor units of currency',
    margin_minor Int64 COMMENT 'Margin so far, minor units of currency',
    cost_to_serve_minor Int64 COMMENT 'Cost to serve so far, minor units of currency',
    currency String COMMENT 'ISO 4217 code of the amounts',
    stage String COMMENT 'Stage of the relationship',
    as_of DateTime64(3, 'UTC') COMMENT 'Instant that the row describes'
)
SQL SECURITY DEFINER AS SELECT
    customer_id, namespace, why AS reason,
    multiIf(
        why = 'deal_seeker', deal_seeker_cost_minor,
        why = 'norm_violator', norm_violator_cost_minor,
        why = 'high_maintenance', high_maintenance_cost_minor,
        why = 'out_of_target', out_of_target_cost_minor,
        0
    ) AS cost_minor,
    let_go AS reasons, clv_minor, spend_minor, margin_minor, profiles.cost_minor AS cost_to_serve_minor, currency, stage,
    as_of
FROM profiles
ARRAY JOIN let_go AS why
COMMENT 'Customers to let go: one row for each customer and reason, with what it costs';
