-- Which category each customer asks for: as stated (in the newest touchpoint, a profile or a survey, with a property such as
-- preferred_category or preferredChannel, of the customer or among the traits; see `names`), or else as
-- sought: the category of most of the contacts, purchases aside, that they took the initiative to. A channel stands for the
-- category of relationship that it offers. Of categories sought equally often, the first by name.
CREATE OR REPLACE VIEW wanted_categories
(
    customer_id String COMMENT 'Customer, or the anonymous identity while there is no other',
    namespace String COMMENT 'Namespace of customer_id: known, anonymous or account',
    stated_category String COMMENT 'Category of relationship that the customer stated to prefer; empty when none was stated',
    stated_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When that was stated; null when it was not',
    stated_by String COMMENT 'Property and value that stated it; empty when none did',
    sought_category String COMMENT 'Category of most of the contacts that the customer sought; empty without any',
    wanted_category String COMMENT 'The stated category, or else the sought one'
)
SQL SECURITY DEFINER AS WITH
    [
        'preferred_category', 'expected_category', 'preferred_relationship', 'preferred_service', 'service_preference',
        'preferred_support', 'preferred_contact', 'preferred_contact_method', 'preferred_contact_channel', 'contact_preference',
        'preferred_communication', 'communication_preference', 'preferred_channel', 'channel_preference'
    ] AS names,
    [
        'personal_assistance', 'personal', 'phone', 'telephone', 'call', 'chat', 'live_chat', 'store', 'shop', 'branch', 'in_person', 'support',
        'dedicated_personal_assistance', 'dedicated', 'account_manager', 'key_account_manager', 'personal_manager', 'advisor', 'adviser',
        'self_service', 'self', 'web', 'website', 'online', 'app', 'mobile_app', 'portal', 'help_center', 'kiosk',
        'automated_service', 'automated', 'email', 'e_mail', 'mail', 'newsletter', 'sms', 'push', 'chatbot', 'bot', 'messenger', 'whatsapp',
        'community', 'forum', 'social', 'social_media', 'group', 'peers', 'co_creation', 'cocreation', 'beta', 'workshop'
    ] AS words,
    arrayConcat(
        arrayResize(['personal_assistance'], 12, 'personal_assistance'),
        arrayResize(['dedicated_personal_assistance'], 7, 'dedicated_personal_assistance'),
        arrayResize(['self_service'], 10, 'self_service'), arrayResize(['automated_service'], 12, 'automated_service'),
        arrayResize(['community'], 6, 'community'), arrayResize(['co_creation'], 4, 'co_creation')
    ) AS meant,
    told AS
    (
        SELECT
            customer_id, namespace, occurred_at, event_id,
            arrayFirst(each -> each.3 != '', arraySort(each -> indexOf(names, each.4), arrayFilter(each -> each.4 IN names, arrayMap(
                pair -> (
                    pair.1, pair.2, transform(replaceRegexpAll(trim(lower(pair.2)), '[^a-z]+', '_'), words, meant, ''),
                    lower(replaceRegexpAll(replaceRegexpAll(replaceRegexpOne(pair.1, '^traits\\.', ''), '([a-z0-9])([A-Z])', '\\1_\\2'), '[^A-Za-z0-9]+', '_'))
                ),
                arrayFilter(
                    pair -> multiSearchAnyCaseInsensitive(pair.1, ['prefer', 'expect']),
                    CAST(properties, 'Array(Tuple(String, String))')
                )
            )))) AS preference,
            if(initiative IN ('customer', 'both') AND NOT purchase AND category != 'none', category, '') AS sought
        FROM touchpoint_meanings
        WHERE preference.3 != '' OR sought != ''
    )
SELECT
    customer_id, namespace, newest.2.3 AS stated_category, if(stated_category = '', NULL, newest.1) AS stated_at,
    if(stated_category = '', '', concat(newest.2.1, ' = ', newest.2.2)) AS stated_by, most AS sought_category,
    if(stated_category != '', stated_category, most) AS wanted_category
FROM
(
    SELECT
        customer_id, namespace, argMaxIf((occurred_at, preference), (occurred_at, event_id), preference.3 != '') AS newest,
        (arraySort(
            each -> (-each.2, each.1),
            arrayZip(
                mapKeys(sumMapIf(map(sought, toInt64(1)), sought != '') AS counts), mapValues(counts)
            )
        )[1]).1 AS most
    FROM told
    GROUP BY customer_id, namespace
)
COMMENT 'Which category of relationship each customer asks for, as stated or as sought';

-- What a segment expects is what most of its customers state; where none states anything, what most of them seek; where none
-- seeks any, what most of them get. Of categories named equally often, the first by name.
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
    stated_category String COMMENT 'Category that the customer stated to prefer; empty when none was stated',
    sought_category String COMMENT 'Category of most of the contacts that the customer sought; empty without any',
    expected_category String COMMENT 'What the segment expects; empty when nothing tells',
    expected_by String COMMENT 'What that rests on: stated, sought or observed; empty when nothing tells',
    recommended_category String COMMENT 'Category that fits the relationship; not_known where there is nothing to go by',
    recommendation_reason String COMMENT 'Why that one',
    fits Bool COMMENT 'The recommended category is the observed one',
    cost_minor Int64 COMMENT 'Cost to serve so far, minor units of currency',
    currency String COMMENT 'ISO 4217 code of the amount',
    as_of DateTime64(3, 'UTC') COMMENT 'Instant that the row describes'
)
SQL SECURITY DEFINER AS WITH
    people AS
    (
        SELECT
            customer_id, namespace, segment, mix_personal_assistance AS m1, mix_dedicated_personal_assistance AS m2,
            mix_self_service AS m3, mix_automated_service AS m4, mix_community AS m5, mix_co_creation AS m6,
            observed_category AS observed, wants.stated AS stated, wants.sought AS sought,
            recommended_category AS recommended, recommendation_reason AS why, cost_minor AS cost, currency AS code, as_of AS instant
        FROM profiles_published
        LEFT ANY JOIN
        (
            SELECT customer_id AS of_id, namespace AS of_namespace, stated_category AS stated, sought_category AS sought
            FROM wanted_categories
        ) AS wants ON wants.of_id = customer_id AND wants.of_namespace = namespace
    ),
    m1 + m2 + m3 + m4 + m5 + m6 AS total,
    if(total > 0, total, 1) AS whole
SELECT
    each.customer_id AS customer_id, each.namespace AS namespace, each.segment AS segment,
    m1 / whole AS share_personal_assistance, m2 / whole AS share_dedicated_personal_assistance, m3 / whole AS share_self_service,
    m4 / whole AS share_automated_service, m5 / whole AS share_community, m6 / whole AS share_co_creation,
    each.observed AS observed_category, each.stated AS stated_category, each.sought AS sought_category,
    mode.category AS expected_category, mode.source AS expected_by, each.recommended AS recommended_category,
    each.why AS recommendation_reason, each.recommended = each.observed AS fits, each.cost AS cost_minor, each.code AS currency,
    each.instant AS as_of
FROM people AS each
LEFT ANY JOIN
(
    SELECT
        segment AS of_segment, (arraySort(one -> (one.1, -one.2, one.3), groupArray((rank, n, named)))[1]) AS first,
        first.3 AS category, ['stated', 'sought', 'observed'][first.1] AS source
    FROM
    (
        SELECT segment, told.1 AS rank, told.2 AS named, toInt64(count()) AS n
        FROM people
        ARRAY JOIN [(1, stated), (2, sought), (3, observed)] AS told
        WHERE told.2 NOT IN ('', 'none')
        GROUP BY segment, rank, named
    )
    GROUP BY segment
) AS mode ON mode.of_segment = each.segment
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

CREATE OR REPLACE VIEW category_gaps
(
    segment String COMMENT 'Segment in which the customers are now; empty for those who are not judged yet',
    category String COMMENT 'Category of relationship',
    customers UInt64 COMMENT 'Customers of the segment',
    expecting UInt64 COMMENT 'Those of them who state that they prefer the category; where nobody of the segment states any, those who seek it',
    expected_by String COMMENT 'Which of both it is: stated or sought; empty where nobody of the segment tells',
    expected_share Nullable(Float64) COMMENT 'Their share of all of the segment who state, or seek, any; null where nobody does',
    expected Bool COMMENT 'It is the category that most of the segment expect',
    contacts UInt64 COMMENT 'Contacts of the category that the segment was given',
    given_share Nullable(Float64) COMMENT 'Their share of all contacts of a category with the segment; null without any',
    cost_minor Int64 COMMENT 'What they cost, minor units of currency',
    cost_share Nullable(Float64) COMMENT 'Its share of what all contacts of a category with the segment cost; null where they cost nothing',
    gap Nullable(Float64) COMMENT 'expected_share - given_share: above 0 too little is given, below 0 too much; null where either is',
    currency String COMMENT 'ISO 4217 code of the amounts'
)
SQL SECURITY DEFINER AS WITH
    assumeNotNull((SELECT argMax(currency, (epoch, known_at, `offset`, hash)) FROM policies)) AS own,
    wishes AS
    (
        SELECT
            segment, count() AS people, groupArrayIf(stated_category, stated_category != '') AS stated,
            groupArrayIf(sought_category, sought_category != '') AS sought, any(expected_category) AS mode
        FROM categories
        GROUP BY segment
    )
SELECT
    wish.segment AS segment, wish.name AS category, wish.people AS customers, countEqual(wish.asked, wish.name) AS expecting,
    multiIf(notEmpty(wish.stated), 'stated', notEmpty(wish.sought), 'sought', '') AS expected_by,
    if(notEmpty(wish.asked), expecting / length(wish.asked), NULL) AS expected_share, wish.mode = wish.name AS expected,
    given.n AS contacts, contacts / nullIf(sum(contacts) OVER (PARTITION BY segment), 0) AS given_share, given.cost AS cost_minor,
    cost_minor / nullIf(sum(cost_minor) OVER (PARTITION BY segment), 0) AS cost_share, expected_share - given_share AS gap,
    own AS currency
FROM
(
    SELECT segment, people, stated, sought, mode, name, if(notEmpty(stated), stated, sought) AS asked
    FROM wishes
    ARRAY JOIN [
        'personal_assistance', 'dedicated_personal_assistance', 'self_service', 'automated_service', 'community', 'co_creation'
    ] AS name
) AS wish
LEFT ANY JOIN
(
    SELECT category_costs.segment AS of_segment, category AS of_category, category_costs.contacts AS n, category_costs.cost_minor AS cost
    FROM category_costs
) AS given ON given.of_segment = wish.segment AND given.of_category = wish.name
COMMENT 'What each segment expects of each category of relationship, what it is given, what that costs, and the gap';
