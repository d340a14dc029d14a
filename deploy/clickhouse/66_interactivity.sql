-- A touchpoint belongs to the stage in which its customer stood at that instant; the touchpoint that opens a stage
-- belongs to it. What came before the first stage belongs to none. A quarter is 365.25 / 4 days.
CREATE OR REPLACE VIEW interactivity
(
    stage String COMMENT 'Stage in which the customers stood at that time',
    customers UInt64 COMMENT 'Customers who ever stood in it',
    quarters Float64 COMMENT 'Quarters that they stood in it, all together',
    two_way UInt64 COMMENT 'Two-way exchanges in that time',
    two_way_per_quarter Nullable(Float64) COMMENT 'Two-way exchanges for each customer and quarter; null when no time passed',
    outbound UInt64 COMMENT 'Contacts that the firm took the initiative to in that time',
    individual UInt64 COMMENT 'Those that were made for this one customer',
    individualisation Nullable(Float64) COMMENT 'individual / outbound; null without any'
)
SQL SECURITY DEFINER AS WITH
    stood AS (SELECT stage, uniqExact(customer_id, namespace) AS customers,
    sum(days) / 91.3125 AS quarters FROM stays GROUP BY stage),
    contacts AS
    (
        SELECT
            stay.stage AS stage, countIf(touch.two_way) AS two_way, countIf(touch.outbound) AS outbound,
            countIf(touch.outbound AND touch.individual) AS individual
        FROM
        (
            SELECT customer_id, namespace, occurred_at, two_way, individual, initiative IN ('firm', 'both') AS outbound
            FROM touchpoint_meanings
            WHERE two_way OR outbound
        ) AS touch
        ASOF INNER JOIN
        (
            SELECT customer_id, namespace, since, stage FROM stays WHERE until IS NULL OR until > since
        ) AS stay
            ON stay.customer_id = touch.customer_id AND stay.namespace = touch.namespace AND touch.occurred_at >= stay.since
        GROUP BY stage
    )
SELECT
    stood.stage AS stage, stood.customers AS customers, stood.quarters AS quarters, contacts.two_way AS two_way,
    if(stood.quarters > 0, contacts.two_way / stood.quarters, NULL) AS two_way_per_quarter,
    contacts.outbound AS outbound, contacts.individual AS individual,
    if(contacts.outbound > 0, contacts.individual / contacts.outbound, NULL) AS individualisation
FROM stood
LEFT JOIN contacts ON contacts.stage = stood.stage
COMMENT 'Interactivity by the stage in which the customer stood at that time, and how much of the contact is individual';

CREATE OR REPLACE VIEW individualisation
(
    segment String COMMENT 'Segment: value tier and need',
    customers UInt64 COMMENT 'Customers of the segment',
    contacted UInt64 COMMENT 'Customers whom the firm ever contacted',
    outbound Int64 COMMENT 'Contacts that the firm took the initiative to',
    individual Int64 COMMENT 'Those that were made for one customer',
    share Nullable(Float64) COMMENT 'individual / outbound; null without any',
    mean_share Nullable(Float64) COMMENT 'Share of individual contact of a customer now, where older contact counts less: mean over those contacted'
)
SQL SECURITY DEFINER AS SELECT
    segment, count() AS customers, countIf(profiles.outbound > 0) AS contacted, sum(profiles.outbound) AS outbound,
    sum(profiles.individual) AS individual, if(outbound > 0, individual / outbound, NULL) AS share,
    avgOrNull(profiles.individualisation) AS mean_share
FROM profiles
GROUP BY segment
COMMENT 'Individualisation by segment: how much of the contact was made for one customer alone';
