-- What a segment expects is what most of its customers do; of categories done equally often, the first by name.
CREATE OR REPLACE VIEW categories
(
    customer_id String COMMENT 'Customer, or the anonymous identity while it stands for one',
    namespace String COMMENT 'Namespace of customer_id: known, anonymous or account',
    segment String COMMENT 'Segment: value tier and need',
    share_personal_assistance Float64 COMMENT 'Share of personal assistance in the contact, where older contact counts less',
    share_dedicated_personal_assistance Float64 COMMENT 'Share of dedicated personal assistance, likewise',
    share_self_service Float64 COMMENT 'Share of self-service, likewise',
    share_automated_service Float64 COMMENT 'Share of automated service, likewise',
    share_community Float64 COMMENT 'Share of community, likewise',
    share_co_creation Float64 COMMENT 'Share of co-creation, likewise',
    observed_category String COMMENT 'Category with most of the contact; empty without any',
    expected_category String COMMENT 'What the segment expects: the category observed most often in it; empty when nothing was',
    recommended_category String COMMENT 'Category that fits the relationship',
    recommendation_reason String COMMENT 'Why that one',
    fits Bool COMMENT 'The recommended category is the observed one',
    cost_minor Int64 COMMENT 'Cost to serve so far, minor units of currency',
    currency String COMMENT 'ISO 4217 code of the amount',
    as_of DateTime64(3, 'UTC') COMMENT 'Instant that the row describes'
)
SQL SECURITY DEFINER AS WITH
    customer.mix_personal_assistance + customer.mix_dedicated_personal_assistance + customer.mix_self_service
        + customer.mix_automated_service + customer.mix_community + customer.mix_co_creation AS total,
    if(total > 0, total, 1) AS whole
SELECT
    customer.customer_id AS customer_id, customer.namespace AS namespace, customer.segment AS segment,
    customer.mix_personal_assistance / whole AS share_personal_assistance,
    customer.mix_dedicated_personal_assistance / whole AS share_dedicated_personal_assistance,
    customer.mix_self_service / whole AS share_self_service,
    customer.mix_automated_service / whole AS share_automated_service,
    customer.mix_community / whole AS share_community, customer.mix_co_creation / whole AS share_co_creation,
    customer.observed_category AS observed_category,
    mode.category AS expected_category,
    customer.recommended_category AS recommended_category, customer.recommendation_reason AS recommendation_reason,
    customer.recommended_category = customer.observed_category AS fits, customer.cost_minor AS cost_minor,
    customer.currency AS currency, customer.as_of AS as_of
FROM profiles AS customer
LEFT JOIN
(
    SELECT segment, (arraySort(each -> (-each.1, each.2), groupArray((n, observed_category)))[1]).2 AS category
    FROM
    (
        SELECT segment, observed_category, toInt64(count()) AS n
        FROM profiles
        WHERE observed_category NOT IN ('', 'none')
        GROUP BY segment, observed_category
    )
    GROUP BY segment
) AS mode ON mode.segment = customer.segment
COMMENT 'Categories of relationship: what is observed, what the segment expects, and what is recommended';

CREATE OR REPLACE VIEW category_costs
(
    segment String COMMENT 'Segment in which the customers are now; empty for those who are not judged yet',
    category String COMMENT 'Category of relationship that the touchpoints are contacts of; none when of none',
    contacts UInt64 COMMENT 'Touchpoints of that category',
    customers UInt64 COMMENT 'Customers who had one',
    cost_minor Int64 COMMENT 'What they cost, as stated, else as the policy says for their kind, minor units of currency',
    cost_for_each_contact_minor Float64 COMMENT 'cost_minor / contacts',
    cost_for_each_customer_minor Float64 COMMENT 'cost_minor / customers',
    currency String COMMENT 'ISO 4217 code of the amounts'
)
SQL SECURITY DEFINER AS SELECT
    customer.segment AS segment, touch.category AS category, sum(touch.n) AS contacts, count() AS customers,
    sum(touch.cost) AS cost_minor, cost_minor / contacts AS cost_for_each_contact_minor,
    cost_minor / customers AS cost_for_each_customer_minor, any(touch.currency) AS currency
FROM
(
    SELECT customer_id, namespace, category, count() AS n, sum(cost_minor) AS cost, any(currency) AS currency
    FROM touchpoint_meanings
    GROUP BY customer_id, namespace, category
) AS touch
LEFT JOIN (SELECT customer_id, namespace, segment FROM profiles) AS customer
    ON customer.customer_id = touch.customer_id AND customer.namespace = touch.namespace
GROUP BY customer.segment, touch.category
COMMENT 'What the contact of each category costs, by segment';
