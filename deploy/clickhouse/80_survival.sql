-- Kaplan and Meier 1958: S(t) = Π over ends up to t of (1 − ended / at risk), where who is still there at the last known
-- instant is at risk until then. Time is counted in whole days from the customer's first fact to dissolution; a return
-- takes an end back, so who came back counts as having stayed. A month is 365.25 / 12 days.
CREATE OR REPLACE VIEW relationship_spans
(
    customer_id String COMMENT 'Customer, or the anonymous identity while it stands for one',
    namespace String COMMENT 'Namespace of customer_id: known, anonymous or account',
    began_at DateTime64(3, 'UTC') COMMENT 'First fact of the relationship',
    ended_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the dissolution began in which it stands; null while it lasts',
    days UInt32 COMMENT 'Whole days from the one to the other, or to the last known instant'
)
SQL SECURITY DEFINER AS WITH assumeNotNull((SELECT at FROM known_until)) AS now_known
SELECT
    customer_id, namespace, min(since) AS began_at, maxIf(since, stage = 'dissolution' AND until IS NULL) AS last_end,
    if(countIf(stage = 'dissolution' AND until IS NULL) > 0, last_end, NULL) AS ended_at,
    toUInt32(intDiv(
        toUnixTimestamp64Milli(coalesce(ended_at, now_known)) - toUnixTimestamp64Milli(began_at), 86400000
    )) AS days
FROM stays
GROUP BY customer_id, namespace
COMMENT 'How long each relationship has lasted';

CREATE OR REPLACE VIEW survival_curve
(
    days UInt32 COMMENT 'Whole days since the first fact of a relationship: each number after which one ended or is not known further',
    at_risk UInt64 COMMENT 'Relationships that were known to last so long, or to end just then',
    ended UInt64 COMMENT 'Relationships that ended just then',
    surviving Float64 COMMENT 'Share of relationships that last longer: the Kaplan-Meier estimate'
)
SQL SECURITY DEFINER AS WITH exposed AS
(
    SELECT days, sum(count()) OVER (ORDER BY days DESC) AS at_risk, countIf(ended_at IS NOT NULL) AS ended
    FROM relationship_spans
    GROUP BY days
)
SELECT days, at_risk, ended, exp(sum(log(1 - ended / at_risk)) OVER (ORDER BY days)) AS surviving
FROM exposed
COMMENT 'Share of relationships that survive, by days since they began';

CREATE OR REPLACE VIEW survival
(
    months UInt32 COMMENT 'Months since the first fact of a relationship',
    at_risk UInt64 COMMENT 'Relationships that were known to last so long, or to end just then',
    ended UInt64 COMMENT 'Relationships that ended within the month before',
    surviving Float64 COMMENT 'Share of relationships that last longer: the Kaplan-Meier estimate'
)
SQL SECURITY DEFINER AS WITH collected AS
(
    SELECT groupArray((days, at_risk, ended, surviving)) AS curve, max(days) AS last_day FROM survival_curve
)
SELECT
    arrayJoin(range(toUInt32(floor(last_day / 30.4375)) + 1)) AS months,
    arrayMax(arrayMap(step -> if(step.1 >= months * 30.4375, step.2, 0), curve)) AS at_risk,
    arraySum(arrayMap(
        step -> if(step.1 <= months * 30.4375 AND step.1 > (months - 1) * 30.4375, step.3, 0), curve
    )) AS ended,
    arrayMin(arrayMap(step -> if(step.1 <= months * 30.4375, step.4, 1), curve)) AS surviving
FROM collected
WHERE notEmpty(curve)
COMMENT 'Share of relationships that survive, by months since they began';

CREATE OR REPLACE VIEW base_half_life
(
    half_life_days Nullable(UInt32) COMMENT 'Days after which half of the relationships have ended (Kaplan-Meier median); null when more than half survive',
    relationships UInt64 COMMENT 'Relationships that ever began',
    ended UInt64 COMMENT 'Those that stand in dissolution',
    surviving Nullable(Float64) COMMENT 'Share that survives the longest time that is known; null without any',
    known_until DateTime64(3, 'UTC') COMMENT 'Instant until which that is known'
)
-- Half may come out a rounding error above a half.
SQL SECURITY DEFINER AS SELECT
    minOrNullIf(days, curve.surviving <= 0.5 + 1e-12) AS half_life_days, max(at_risk) AS relationships,
    sum(curve.ended) AS ended, minOrNull(curve.surviving) AS surviving,
    assumeNotNull((SELECT at FROM known_until)) AS known_until
FROM survival_curve AS curve
COMMENT 'Half-life of the customer base; one row';
