-- Evidence is stored as the hash of an event id (XXH64, seed 0), which is what xxHash64 computes; the view touchpoints
-- shows it as event_hash.
--
-- A relationship that is ended now has the reason of its profile. One that went on after an end has the reasons that were
-- published until the return: what is judged now is no longer about that end.
CREATE OR REPLACE VIEW dissolutions
(
    customer_id String COMMENT 'Customer, or the anonymous identity while it stands for one',
    namespace String COMMENT 'Namespace of customer_id: known, anonymous or account',
    episode Int32 COMMENT 'Which beginning of the relationship ended, from 1',
    at DateTime64(3, 'UTC') COMMENT 'When dissolution began; of silence: the instant at which it had lasted too long',
    returned_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the customer came back; null while the relationship is ended',
    from_stage String COMMENT 'Stage before',
    cause String COMMENT 'What made it known: touchpoint, silence, late, merge or policy',
    ended_by String COMMENT 'Who ended it: customer, firm or both; empty when that was not judged',
    reason String COMMENT 'Why: core_failure, better_alternative, life_stage, neglect, explicit or unknown; empty when that was not judged',
    ended_at Nullable(DateTime64(3, 'UTC')) COMMENT 'The end itself: the explicit exit, else the last sign of life; null of an end before a return',
    evidence_event String COMMENT 'Hash of the event that the reason rests on; empty when none',
    evidence_event_id String COMMENT 'Identity of that event at its source; empty when none',
    evidence_kind String COMMENT 'Its kind; empty when none',
    evidence_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When it happened; null when none'
)
SQL SECURITY DEFINER AS WITH
    ends AS
    (
        SELECT
            customer_id, namespace, episode, since, until, came_from, cause, transition_id,
            assumeNotNull(until) AS back
        FROM stays
        WHERE stage = 'dissolution'
    ),
    former AS
    (
        SELECT
            ended.transition_id AS transition_id,
            argMaxIf(fact.after, (fact.known_at, fact.`offset`, fact.id), fact.judgement = 'ended_by') AS ended_by,
            argMaxIf(
                (fact.after, fact.evidence_event, fact.evidence_at),
                (fact.known_at, fact.`offset`, fact.id),
                fact.judgement = 'end_reason'
            ) AS why
        FROM (SELECT * FROM judgements WHERE judgement IN ('ended_by', 'end_reason') AND after != '') AS fact
        ASOF INNER JOIN (SELECT * FROM ends WHERE until IS NOT NULL) AS ended
            ON ended.customer_id = fact.customer_id AND ended.namespace = fact.namespace AND fact.at <= ended.back
        GROUP BY transition_id
    ),
    judged AS
    (
        SELECT
            ended.customer_id AS customer_id, ended.namespace AS namespace, ended.episode AS episode,
            ended.since AS since, ended.until AS until,
            ended.came_from AS came_from, ended.cause AS cause, past.ended_by AS ended_by, past.why.1 AS reason,
            CAST(NULL, 'Nullable(DateTime64(3, \'UTC\'))') AS ended_at, past.why.2 AS evidence_event,
            past.why.3 AS evidence_at
        FROM ends AS ended
        LEFT JOIN former AS past ON past.transition_id = ended.transition_id
        WHERE ended.until IS NOT NULL
        UNION ALL
        SELECT
            ended.customer_id, ended.namespace, ended.episode, ended.since, ended.until, ended.came_from, ended.cause,
            published.ended_by, published.end_reason, published.end_at, published.end_evidence_event,
            published.end_evidence_at
        FROM ends AS ended
        LEFT JOIN
        (
            SELECT customer_id, namespace, ended_by, end_reason, end_at, end_evidence_event,
            end_evidence_at FROM profiles
        ) AS published ON published.customer_id = ended.customer_id AND published.namespace = ended.namespace
        WHERE ended.until IS NULL
    )
SELECT
    each.customer_id AS customer_id, each.namespace AS namespace, each.episode AS episode, each.since AS at,
    each.until AS returned_at,
    each.came_from AS from_stage, each.cause AS cause, each.ended_by AS ended_by, each.reason AS reason,
    each.ended_at AS ended_at, each.evidence_event AS evidence_event, event.event_id AS evidence_event_id,
    event.kind AS evidence_kind, each.evidence_at AS evidence_at
FROM judged AS each
-- Any: beyond what a retry is recognised by, an event can have counted twice.
LEFT ANY JOIN
(
    SELECT customer_id, namespace, event_hash, event_id, kind
    FROM touchpoints
    WHERE (customer_id, namespace, event_hash) IN (
        SELECT customer_id, namespace, evidence_event FROM judged WHERE evidence_event != ''
    )
) AS event
    ON event.customer_id = each.customer_id AND event.namespace = each.namespace AND event.event_hash = each.evidence_event
COMMENT 'Every end of a relationship: by whom, why, and on what evidence; one row each, also of those that went on';

CREATE OR REPLACE VIEW dissolution_reasons
(
    month Date COMMENT 'First day of the month (UTC) in which dissolution began',
    ended_by String COMMENT 'Who ended it: customer, firm or both; empty when that was not judged',
    reason String COMMENT 'Why: core_failure, better_alternative, life_stage, neglect, explicit or unknown; empty when that was not judged',
    dissolutions UInt64 COMMENT 'Relationships that ended so',
    returned UInt64 COMMENT 'How many of them went on later',
    share Float64 COMMENT 'Share of all that ended in that month'
)
SQL SECURITY DEFINER AS SELECT
    toStartOfMonth(toDate(at)) AS month, ended_by, reason, count() AS dissolutions,
    countIf(returned_at IS NOT NULL) AS returned,
    dissolutions / sum(dissolutions) OVER (PARTITION BY month) AS share
FROM dissolutions
GROUP BY month, ended_by, reason
COMMENT 'Ends of relationships by month, by whom and why';
