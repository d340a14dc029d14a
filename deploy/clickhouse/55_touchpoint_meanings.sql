-- Every touchpoint with what it means by the policy in force, and its money in that policy's currency: what the views
-- below count. The rates are those by which the engine converts (processors/policy/rules.py), and so is the rounding, half to
-- even. An amount without a rate, which only a policy before can have let in, is left out of the sums. A cancelled order is no
-- purchase, and so nothing of it goes back; here alone it is left out, for all the views that read this one.
CREATE OR REPLACE VIEW touchpoint_meanings
(
    customer_id String COMMENT 'Known customer, or the anonymous identity while there is no other',
    namespace String COMMENT 'Namespace of customer_id: known, anonymous or account',
    event_id String COMMENT 'Identity of the event at its source',
    occurred_at DateTime64(3, 'UTC') COMMENT 'When it happened',
    kind String COMMENT 'What happened',
    channel String COMMENT 'Where it happened; empty when not told',
    campaign String COMMENT 'Campaign that caused it or that it answers; empty when not told',
    order_id String COMMENT 'Order that it belongs to; empty when not told',
    lines Array(Tuple(sku String, category Nullable(String), quantity Int32, amount_minor Nullable(Int64)))
        COMMENT 'Lines of the order, basket or return, in the currency of the touchpoint',
    currency String COMMENT 'ISO 4217 code of the amounts: the currency of the policy in force',
    amount_minor Nullable(Int64) COMMENT 'Money that the customer spent, minor units of currency',
    margin_minor Int64 COMMENT 'What a purchase earned, as stated, else by the policy as a share of the amount, minor units of currency; 0 of anything else',
    cost_minor Int64 COMMENT 'What it cost, as stated, else as the policy says for its kind, minor units of currency',
    mapped Bool COMMENT 'The policy in force names its kind',
    initiative String COMMENT 'Whose initiative it is: customer, firm, both or none; empty when its kind is not mapped',
    category String COMMENT 'Category of relationship that it is a contact of; none when of none',
    two_way Bool COMMENT 'Both sides take part',
    individual Bool COMMENT 'Made for this one customer',
    purchase Bool COMMENT 'A purchase of at least the minimum amount of the policy, whose order was not cancelled',
    refund Bool COMMENT 'Takes money back: a refund or a cancellation, or a purchase with a negative amount; not of a cancelled order, see cancelled_orders',
    refunded_minor Int64 COMMENT 'What it takes back, whatever its sign, minor units of currency',
    coupon Bool COMMENT 'Makes the order of its order_id a discounted one',
    discounted Bool COMMENT 'States a discount above zero itself',
    disclosure Bool COMMENT 'The customer gives personal data',
    acquisition Bool COMMENT 'Its cost is cost of acquiring',
    closing Bool COMMENT 'Closes a sale: a purchase, or a tie such as a contract that is opened',
    marketing Bool COMMENT 'Its cost acquires or keeps, and serves nobody',
    refusal Bool COMMENT 'The customer no longer wants to be written to',
    complaint Bool COMMENT 'A complaint',
    resolution Bool COMMENT 'Resolves a complaint',
    failure Bool COMMENT 'A core failure by its kind',
    rival Bool COMMENT 'A signal of a competitor',
    returned Bool COMMENT 'Makes an order a returned one',
    giving Bool COMMENT 'The customer gives without return',
    contribution Bool COMMENT 'The customer contributes, such as a review',
    referral Bool COMMENT 'A referral',
    exit String COMMENT 'Who leaves by it: customer or firm; empty when nobody',
    satisfaction Nullable(Float64) COMMENT 'Satisfaction that the customer stated, from 1 (none) to 5 (full)',
    properties Map(String, String) COMMENT 'Anything else that the source told, by name'
)
SQL SECURITY DEFINER AS WITH
    (SELECT argMax((currency, minimum_minor, rates, margin_share), (epoch, known_at, `offset`, hash)) FROM policies) AS rule,
    coalesce(rule.1, '') AS own_currency,
    upper(coalesce(touchpoint.currency, own_currency)) AS told,
    told = own_currency AS own,
    rule.3[told] AS rate,
    multiIf(
        own, touchpoint.amount_minor, rate > 0, toInt64(roundBankers(touchpoint.amount_minor * rate)), NULL
    ) AS amount,
    multiIf(own, touchpoint.cost_minor, rate > 0, toInt64(roundBankers(touchpoint.cost_minor * rate)), NULL) AS cost,
    multiIf(own, touchpoint.margin_minor, rate > 0, toInt64(roundBankers(touchpoint.margin_minor * rate)), NULL) AS margin,
    coalesce(touchpoint.order_id, '') != ''
        AND (touchpoint.customer_id, touchpoint.namespace, coalesce(touchpoint.order_id, ''))
            IN (SELECT customer_id, namespace, order_id FROM cancelled_orders) AS void,
    meaning.purchase AND coalesce(amount, 0) >= greatest(coalesce(rule.2, 0), 1) AND NOT void AS bought,
    (meaning.refund OR meaning.cancellation OR (meaning.purchase AND coalesce(amount, 0) < 0)) AND NOT void AS takes_back
SELECT
    touchpoint.customer_id AS customer_id, touchpoint.namespace AS namespace, touchpoint.event_id AS event_id,
    touchpoint.occurred_at AS occurred_at,
    touchpoint.kind AS kind, coalesce(touchpoint.channel, '') AS channel, coalesce(touchpoint.campaign, '') AS campaign,
    coalesce(touchpoint.order_id, '') AS order_id, touchpoint.lines AS lines, own_currency AS currency,
    amount AS amount_minor, if(bought, coalesce(margin, toInt64(roundBankers(amount * rule.4)), 0), 0) AS margin_minor,
    coalesce(cost, meaning.cost_minor) AS cost_minor, meaning.named AS mapped,
    meaning.initiative AS initiative, if(meaning.named, meaning.category, 'none') AS category,
    meaning.two_way AS two_way, meaning.individual AS individual, bought AS purchase, takes_back AS refund,
    if(takes_back, abs(coalesce(amount, 0)), 0) AS refunded_minor, meaning.discount AS coupon,
    toFloat64OrZero(touchpoint.properties['discount']) > 0 AS discounted, meaning.disclosure AS disclosure,
    meaning.acquisition AS acquisition, bought OR meaning.tie = 'opened' AS closing, meaning.marketing AS marketing,
    -- In rows from before a meaning told of consent, it is empty.
    meaning.consent = 'withdrawn' OR touchpoint.kind IN ('unsubscribed', 'email_marked_as_spam') AS refusal,
    meaning.complaint AS complaint, meaning.resolution AS resolution, meaning.failure AS failure,
    meaning.rival AS rival, meaning.return AS returned, meaning.giving AS giving, meaning.contribution AS contribution,
    meaning.referral AS referral, meaning.exit AS exit, touchpoint.satisfaction AS satisfaction,
    touchpoint.properties AS properties
FROM touchpoints AS touchpoint
LEFT ANY JOIN
(
    SELECT
        kind, initiative, category, two_way, individual, purchase, refund, cancellation, discount, disclosure,
        acquisition, tie, cost_minor, marketing, consent, complaint, resolution, failure, rival, return, giving,
        contribution, referral, exit, true AS named
    FROM meanings
    WHERE in_force
) AS meaning ON meaning.kind = touchpoint.kind
WHERE touchpoint.properties['bot'] != 'true'
COMMENT 'Every touchpoint, those of robots aside, with what it means by the policy in force, and its money in the currency of that policy';

CREATE OR REPLACE VIEW unmapped_kinds
(
    kind String COMMENT 'Kind of touchpoint that the policy in force does not name',
    touchpoints UInt64 COMMENT 'Touchpoints of this kind',
    customers UInt64 COMMENT 'Customers who have one',
    channels Array(String) COMMENT 'Channels on which they came; without those that were not told',
    first_at DateTime64(3, 'UTC') COMMENT 'First of them',
    last_at DateTime64(3, 'UTC') COMMENT 'Last of them'
)
SQL SECURITY DEFINER AS SELECT
    kind, count() AS touchpoints, uniqExact(customer_id, namespace) AS customers,
    arraySort(groupUniqArrayIf(channel, channel != '')) AS channels, min(occurred_at) AS first_at,
    max(occurred_at) AS last_at
FROM touchpoint_meanings
WHERE NOT mapped
GROUP BY kind
COMMENT 'Kinds that came in and that the policy in force does not name: they are kept and counted, and mean nothing';
