CREATE OR REPLACE VIEW customer_properties
(
    customer_id String COMMENT 'Customer, or the anonymous identity while it stands for one',
    namespace String COMMENT 'Namespace of customer_id: known, anonymous or account',
    property String COMMENT 'Name of the property, as the source told it',
    value String COMMENT 'What it was told to be by the touchpoint that occurred last',
    at DateTime64(3, 'UTC') COMMENT 'When that one occurred',
    since DateTime64(3, 'UTC') COMMENT 'When a touchpoint told it first',
    times UInt64 COMMENT 'Touchpoints that told it',
    different UInt64 COMMENT 'Different values that they told',
    kind String COMMENT 'Kind of the touchpoint that told the value',
    event_id String COMMENT 'Its identity at its source'
)
SQL SECURITY DEFINER AS SELECT
    customer_id, namespace, name AS property, newest.3 AS value, newest.1 AS at, min(occurred_at) AS since, count() AS times,
    uniqExact(told) AS different, newest.4 AS kind, newest.2 AS event_id
FROM
(
    SELECT
        customer_id, namespace, occurred_at, told, name, max((occurred_at, event_id, told, touchpoint_meanings.kind))
            OVER (PARTITION BY customer_id, namespace, name) AS newest
    FROM touchpoint_meanings
    ARRAY JOIN mapKeys(properties) AS name, mapValues(properties) AS told
)
GROUP BY customer_id, namespace, name, newest
COMMENT 'What each property of a customer was told to be last: any property as a dimension';

-- People belong to an account where a touchpoint of theirs names it: the newest of group_id, account_id, company_id,
-- organization_id, organization and company (names may be written otherwise, or stand among the traits). What is an object,
-- as the company among the traits of Segment's spec, is called by its id, else by its name. Where the account is the customer
-- itself, those whom its touchpoints name belong to it (person, contact_id, contact).
CREATE OR REPLACE VIEW account_people
(
    account String COMMENT 'Account, as it was named',
    person String COMMENT 'Person: the customer, or who was named where the account is the customer',
    customer_id String COMMENT 'Customer under whom the relationship is kept: the person, or the account itself',
    namespace String COMMENT 'Namespace of customer_id: known, anonymous or account',
    named_by String COMMENT 'Property that says so',
    since DateTime64(3, 'UTC') COMMENT 'When that was told first',
    last_at DateTime64(3, 'UTC') COMMENT 'Last touchpoint of the person that is known',
    touchpoints UInt64 COMMENT 'Touchpoints of the person'
)
SQL SECURITY DEFINER AS WITH
    ['group_id', 'account_id', 'company_id', 'company_name', 'organization_id', 'organization', 'company'] AS names,
    lower(replaceRegexpAll(replaceRegexpAll(replaceRegexpOne(property, '^traits\\.', ''), '([a-z0-9])([A-Z])', '\\1_\\2'), '[^A-Za-z0-9]+', '_'))
        AS spelt,
    if(startsWith(value, '{'), JSONExtractRaw(value, 'id'), '') AS own_id,
    multiIf(
        NOT startsWith(value, '{'), value,
        own_id NOT IN ('', 'null', '""'), if(startsWith(own_id, '"'), JSONExtractString(value, 'id'), own_id),
        JSONExtractString(value, 'name')
    ) AS called
SELECT
    belongs.told AS account, belongs.who AS person, belongs.who AS customer_id, belongs.whose AS namespace, belongs.name AS named_by,
    belongs.first_told AS since, state.newest AS last_at, toUInt64(state.n) AS touchpoints
FROM
(
    SELECT customer_id AS who, namespace AS whose, called AS told, property AS name, customer_properties.since AS first_told
    FROM customer_properties
    WHERE spelt IN names AND called != '' AND called != customer_id AND namespace != 'account'
    ORDER BY at DESC, indexOf(names, spelt)
    LIMIT 1 BY customer_id, namespace
) AS belongs
LEFT ANY JOIN
(
    SELECT customer_id AS of_id, namespace AS of_namespace, profiles_published.last_at AS newest, profiles_published.touchpoints AS n
    FROM profiles_published
) AS state ON state.of_id = belongs.who AND state.of_namespace = belongs.whose
UNION ALL
SELECT customer_id, told, customer_id, namespace, name, min(occurred_at), max(occurred_at), count()
FROM
(
    SELECT customer_id, namespace, occurred_at, name, properties[name] AS told
    FROM touchpoint_meanings
    ARRAY JOIN [arrayFirst(key -> properties[key] != '', ['person', 'contact_id', 'contact'])] AS name
    WHERE name != ''
)
GROUP BY customer_id, namespace, told, name
COMMENT 'Which people belong to which account';

CREATE OR REPLACE VIEW accounts
(
    account String COMMENT 'Account, as it was named',
    people UInt64 COMMENT 'People who belong to it, as far as they were named',
    person_ids Array(String) COMMENT 'Who they are, the one with the newest touchpoint first',
    customers UInt64 COMMENT 'Relationships kept for it: one for each person, or one for the account itself',
    stage String COMMENT 'Furthest stage of any of these: commitment, exploration, awareness, dissolution or none',
    committed UInt64 COMMENT 'Relationships in commitment',
    ended UInt64 COMMENT 'Relationships in dissolution',
    at_risk UInt64 COMMENT 'Relationships whose churn risk is above the limit of the policy',
    first_at Nullable(DateTime64(3, 'UTC')) COMMENT 'First touchpoint of any of them; null where none has a profile',
    last_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Last touchpoint of any of them',
    purchases Int64 COMMENT 'Purchases of all of them',
    spend_minor Int64 COMMENT 'Money that they spent, minor units of currency',
    margin_minor Int64 COMMENT 'Margin of all of them, minor units of currency',
    cost_minor Int64 COMMENT 'Cost to serve them, minor units of currency',
    clv_minor Float64 COMMENT 'Customer lifetime value of all of them, minor units of currency',
    two_way Int64 COMMENT 'Two-way contacts with all of them',
    complaints Int64 COMMENT 'Complaints of all of them',
    currency String COMMENT 'ISO 4217 code of the amounts'
)
SQL SECURITY DEFINER AS WITH
    ['dissolution', 'awareness', 'exploration', 'commitment'] AS order_of_stages,
    people_of AS
    (
        SELECT
            account AS firm, uniqExactIf(person, person != '') AS n,
            arrayDistinct(arrayMap(each -> each.2, arrayReverseSort(groupArrayIf((last_at, person), person != '')))) AS ids
        FROM
        (
            SELECT account, person, last_at FROM account_people
            UNION ALL
            SELECT customer_id, '', fromUnixTimestamp64Milli(toInt64(0), 'UTC') FROM profiles_published WHERE namespace = 'account'
        )
        GROUP BY account
    )
SELECT
    people_of.firm AS account, people_of.n AS people, people_of.ids AS person_ids, summed.members AS customers,
    if(summed.furthest = 0, 'none', order_of_stages[summed.furthest]) AS stage, summed.loyal AS committed, summed.over AS ended,
    summed.risky AS at_risk, summed.oldest AS first_at, summed.newest AS last_at, summed.orders AS purchases, summed.spend AS spend_minor,
    summed.margin AS margin_minor, summed.cost AS cost_minor, summed.clv AS clv_minor, summed.talks AS two_way,
    summed.complained AS complaints, summed.code AS currency
FROM people_of
LEFT ANY JOIN
(
    SELECT
        firm AS of_firm, count() AS members, max(indexOf(order_of_stages, state.own_stage)) AS furthest,
        countIf(state.own_stage = 'commitment') AS loyal, countIf(state.own_stage = 'dissolution') AS over, countIf(state.risky) AS risky,
        minOrNull(state.oldest) AS oldest, maxOrNull(state.newest) AS newest, sum(state.orders) AS orders, sum(state.spend) AS spend,
        sum(state.margin) AS margin, sum(state.cost) AS cost, sum(state.clv) AS clv, sum(state.talks) AS talks,
        sum(state.complained) AS complained, max(state.code) AS code
    FROM
    (
        SELECT account AS firm, customer_id AS member, namespace AS member_namespace FROM account_people
        UNION DISTINCT
        SELECT customer_id, customer_id, namespace FROM profiles_published WHERE namespace = 'account'
    ) AS belongs
    LEFT ANY JOIN
    (
        SELECT
            customer_id AS of_id, profiles.stage AS own_stage, risk_band = 'high' AS risky, profiles.first_at AS oldest,
            profiles.last_at AS newest, profiles.purchases AS orders, profiles.spend_minor AS spend, profiles.margin_minor AS margin,
            profiles.cost_minor AS cost, profiles.clv_minor AS clv, profiles.two_way AS talks, profiles.complaints AS complained,
            profiles.currency AS code, namespace AS of_namespace
        FROM profiles
    ) AS state ON state.of_id = belongs.member AND state.of_namespace = belongs.member_namespace
    WHERE state.of_id != ''
    GROUP BY firm
) AS summed ON summed.of_firm = people_of.firm
COMMENT 'Accounts with their people, and what the relationships with all of them come to';

CREATE OR REPLACE VIEW reject_reasons
(
    source String COMMENT 'Topic or file that it came from',
    reason String COMMENT 'Why, as one of a fixed set of words',
    records Int64 COMMENT 'Records that could not be used for that reason',
    share Float64 COMMENT 'Their share of all that could not be used',
    first_at DateTime64(3, 'UTC') COMMENT 'Instant of the log at which the first of them was refused',
    last_at DateTime64(3, 'UTC') COMMENT 'That of the last of them',
    example String COMMENT 'Why, in words, of the one refused last',
    example_position Int64 COMMENT 'Where that one stands: offset in the partition, or line of the file counted from 1'
)
SQL SECURITY DEFINER AS SELECT
    source, reason, sum(rejects.records) AS records, records / sum(records) OVER () AS share, min(rejects.at) AS first_at, max(rejects.at) AS last_at,
    argMax(detail, (rejects.at, position)) AS example, argMax(position, (rejects.at, position)) AS example_position
FROM rejects
GROUP BY source, reason
COMMENT 'What could not be used, by source and reason, with an example of each';
