-- The factors are in the order of the arrays of profiles, which is that of processors/policy/rules.py.
CREATE OR REPLACE VIEW trust
(
    customer_id String COMMENT 'Customer, or the anonymous identity while it stands for one',
    namespace String COMMENT 'Namespace of customer_id: known, anonymous or account',
    factor String COMMENT 'brand, third_party_rating, security_and_privacy, technology, fulfilment, support_and_service or knowledge',
    trust_index Float64 COMMENT 'Index of trust, -1 to 1, at as_of',
    sign String COMMENT 'Its sign by the limits of the policy: positive, negative or none',
    evidence_event String COMMENT 'Hash of the last event that it rests on; empty when none',
    evidence_event_id String COMMENT 'Identity of that event at its source; empty when none',
    evidence_kind String COMMENT 'Its kind; empty when none',
    evidence_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When it happened; null when none',
    as_of DateTime64(3, 'UTC') COMMENT 'Instant that the row describes'
)
SQL SECURITY DEFINER AS WITH
    [
        'brand', 'third_party_rating', 'security_and_privacy', 'technology', 'fulfilment', 'support_and_service',
        'knowledge'
    ] AS factors
SELECT
    each.customer_id AS customer_id, each.namespace AS namespace, each.factor AS factor, each.value AS trust_index,
    each.sign AS sign,
    each.evidence AS evidence_event, event.event_id AS evidence_event_id, event.kind AS evidence_kind,
    if(each.evidence_ms = 0, NULL, fromUnixTimestamp64Milli(each.evidence_ms, 'UTC')) AS evidence_at,
    each.as_of AS as_of
FROM
(
    SELECT
        customer_id, namespace, as_of, factor, value, if(trust_signs[number] = '', 'none', trust_signs[number]) AS sign,
        trust_evidence_events[number] AS evidence, trust_evidence_at[number] AS evidence_ms
    FROM profiles
    ARRAY JOIN
        factors AS factor,
        arrayEnumerate(factors) AS number,
        [
            trust_brand, trust_third_party_rating, trust_security_and_privacy, trust_technology, trust_fulfilment,
            trust_support_and_service, trust_knowledge
        ] AS value
) AS each
-- Any: beyond what a retry is recognised by, an event can have counted twice.
LEFT ANY JOIN
(
    SELECT customer_id, namespace, event_hash, event_id, kind
    FROM touchpoints
    WHERE (customer_id, namespace, event_hash) IN (
        SELECT customer_id, namespace, arrayJoin(trust_evidence_events) FROM profiles
    )
) AS event
    ON event.customer_id = each.customer_id AND event.namespace = each.namespace AND event.event_hash = each.evidence
COMMENT 'Trust: one row for each customer and factor, with the event that it rests on';
