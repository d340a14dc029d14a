-- Cost of acquiring is that of the kinds for which the policy says so, until the first purchase; what else is spent on
-- somebody before it is shown beside it, and belongs to it as well: it is spent to win, also on those who never buy. Such
-- kinds and marketing with people who have bought keep them, which is neither acquiring nor serving.
CREATE OR REPLACE VIEW serving_against_acquiring
(
    year UInt16 COMMENT 'Calendar year, UTC',
    served UInt64 COMMENT 'Customers with a touchpoint that year after their first purchase',
    serving_cost_minor Int64 COMMENT 'Cost of what came after the first purchase and serves: neither advertising nor marketing, minor units of currency',
    cost_for_each_served_minor Nullable(Float64) COMMENT 'serving_cost_minor / served; null when nobody was',
    keeping_cost_minor Int64 COMMENT 'Cost of advertising and marketing to people who had bought, minor units of currency',
    acquired UInt64 COMMENT 'Customers who bought for the first time that year',
    acquisition_cost_minor Int64 COMMENT 'Cost of touchpoints until the first purchase whose kind is one of acquiring, minor units of currency',
    prospect_cost_minor Int64 COMMENT 'Cost of all else before a first purchase, minor units of currency',
    cost_for_each_acquired_minor Nullable(Float64) COMMENT '(acquisition_cost_minor + prospect_cost_minor) / acquired; null when nobody was',
    ratio Nullable(Float64) COMMENT 'How many times what serving a customer costs for a year acquiring one costs; null when either is not known',
    currency String COMMENT 'ISO 4217 code of the amounts'
)
SQL SECURITY DEFINER AS WITH
    assumeNotNull((SELECT argMax(currency, (epoch, known_at, `offset`, hash)) FROM policies)) AS own,
    touch.occurred_at > coalesce(customer.first_purchase_at, toDateTime64('2299-12-31', 3, 'UTC')) AS existing,
    touch.occurred_at = customer.first_purchase_at AND touch.purchase AS first
SELECT
    toYear(touch.occurred_at) AS year, uniqExactIf((touch.customer_id, touch.namespace), existing) AS served,
    sumIf(touch.cost_minor, existing AND NOT touch.urges) AS serving_cost_minor,
    if(served > 0, serving_cost_minor / served, NULL) AS cost_for_each_served_minor,
    sumIf(touch.cost_minor, existing AND touch.urges) AS keeping_cost_minor,
    uniqExactIf((touch.customer_id, touch.namespace), coalesce(first, false)) AS acquired,
    sumIf(touch.cost_minor, NOT existing AND touch.acquisition) AS acquisition_cost_minor,
    sumIf(touch.cost_minor, NOT existing AND NOT touch.acquisition) AS prospect_cost_minor,
    if(acquired > 0, (acquisition_cost_minor + prospect_cost_minor) / acquired, NULL) AS cost_for_each_acquired_minor,
    if(cost_for_each_served_minor > 0, cost_for_each_acquired_minor / cost_for_each_served_minor, NULL) AS ratio,
    own AS currency
FROM
(
    SELECT customer_id, namespace, occurred_at, cost_minor, acquisition, acquisition OR marketing AS urges, purchase
    FROM touchpoint_meanings
) AS touch
LEFT ANY JOIN (SELECT customer_id, namespace, first_purchase_at FROM profiles_published) AS customer
    ON customer.customer_id = touch.customer_id AND customer.namespace = touch.namespace
GROUP BY year
COMMENT 'What serving a customer costs for a year, against what acquiring one costs';
