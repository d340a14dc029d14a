-- Two sources that need not agree: what customers state when they are asked, and what they do unasked. Of the latter counts
-- what is given or recommended against what is complained of, fails, goes back or looks elsewhere; a resolution takes one
-- complaint or failure back. The limits of what is stated are those of the policy in force.
CREATE OR REPLACE VIEW satisfaction
(
    customer_id String COMMENT 'Customer, or the anonymous identity while it stands for one',
    namespace String COMMENT 'Namespace of customer_id: known, anonymous or account',
    satisfaction String COMMENT 'satisfied, neutral, dissatisfied, mixed (word and deed differ) or not_known, by the year until the last known instant',
    rated UInt64 COMMENT 'Times that the customer stated a satisfaction in that year',
    stated Nullable(Float64) COMMENT 'Mean of what was stated, 1 to 5; null without any',
    last_stated Nullable(Float64) COMMENT 'What was stated last; null without any',
    speaks_for UInt64 COMMENT 'Touchpoints of that year that speak for it unasked: giving without return, referrals',
    speaks_against UInt64 COMMENT 'Those that speak against it: complaints and failures less resolutions, returns, signs of a competitor, a leave',
    behind Float64 COMMENT '(speaks_for - speaks_against) / (both + 2): what is behind it, -1 to 1',
    last_evidence_kind String COMMENT 'Kind of the newest touchpoint that any of this rests on; empty without any',
    last_evidence_id String COMMENT 'Identity of that touchpoint at its source; empty without any'
)
SQL SECURITY DEFINER AS WITH
    assumeNotNull((SELECT at FROM known_until)) AS now_known,
    (SELECT argMax(text, (epoch, known_at, `offset`, hash)) FROM policies) AS rule,
    if(extract(rule, '\\[satisfaction\\][^\\[]*?\\blow\\s*=\\s*([0-9.]+)') AS low_text = '', 2., toFloat64(low_text)) AS low,
    if(extract(rule, '\\[satisfaction\\][^\\[]*?\\bhigh\\s*=\\s*([0-9.]+)') AS high_text = '', 4., toFloat64(high_text)) AS high,
    multiIf(word IS NULL, 0, word >= high, 1, word <= low, -1, 0) AS said,
    multiIf(deeds > 0.2, 1, deeds < -0.2, -1, 0) AS done
SELECT
    customer_id, namespace,
    multiIf(
        ratings = 0 AND fors + againsts = 0, 'not_known',
        said * done < 0 OR (ratings = 0 AND done = 0), 'mixed',
        said + done > 0, 'satisfied',
        said + done < 0, 'dissatisfied',
        'neutral'
    ) AS satisfaction,
    ratings AS rated, word AS stated, newest_word AS last_stated, fors AS speaks_for, againsts AS speaks_against,
    deeds AS behind, evidence.2 AS last_evidence_kind, evidence.3 AS last_evidence_id
FROM
(
    SELECT
        customer_id, namespace, countIf(told IS NOT NULL) AS ratings, avg(told) AS word,
        argMax(told, (occurred_at, event_id)) AS newest_word, countIf(good) AS fors,
        toUInt64(greatest(toInt64(countIf(bad)) - toInt64(countIf(solves)), 0)) + countIf(worse) AS againsts,
        (toInt64(fors) - toInt64(againsts)) / (fors + againsts + 2) AS deeds,
        maxIf((occurred_at, kind, event_id), told IS NOT NULL OR good OR bad OR worse OR solves) AS evidence
    FROM
    (
        SELECT
            customer_id, namespace, occurred_at, event_id, kind, if(recent, satisfaction, NULL) AS told,
            occurred_at > now_known - INTERVAL 365 DAY AS recent, recent AND (giving OR referral) AS good,
            recent AND (complaint OR failure) AS bad,
            recent AND resolution AS solves,
            recent AND (returned AND NOT refund OR rival AND initiative != 'firm' OR exit = 'customer') AS worse
        FROM touchpoint_meanings
    )
    GROUP BY customer_id, namespace
)
COMMENT 'Satisfaction of each customer: what is stated, what is behind it, and the judgement of both';

-- A refusal is blamed on the last message before it, when that came within seven days. What else it costs is what the
-- customers who refused are worth: nobody may write to them any more.
CREATE OR REPLACE VIEW wrong_messages
(
    kind String COMMENT 'Kind of the messages: what the firm sent of its own accord, to acquire or to keep; empty of refusals without one within seven days before',
    channel String COMMENT 'Channel of the messages; empty when not told',
    campaign String COMMENT 'Campaign of the messages; empty when not told',
    messages UInt64 COMMENT 'Messages of that kind, channel and campaign',
    reached UInt64 COMMENT 'Customers who got one',
    refusals UInt64 COMMENT 'Times that a customer withdrew consent or called it spam, where one of them was the last message within seven days before',
    refused UInt64 COMMENT 'Customers who did so',
    for_each_thousand Nullable(Float64) COMMENT '1,000 · refusals / messages; null without messages',
    clv_minor Float64 COMMENT 'Customer lifetime value of those who refused, minor units of currency',
    spend_minor Int64 COMMENT 'What those had spent so far, minor units of currency',
    currency String COMMENT 'ISO 4217 code of the amounts'
)
SQL SECURITY DEFINER AS WITH
    (SELECT argMax(currency, (epoch, known_at, `offset`, hash)) FROM policies) AS own,
    sent AS
    (
        SELECT customer_id AS to_id, namespace AS to_namespace, occurred_at AS sent_at, kind AS sort, channel AS way, campaign AS cause
        FROM touchpoint_meanings
        WHERE (marketing OR acquisition) AND initiative = 'firm'
    ),
    blamed AS
    (
        SELECT
            said.customer_id AS who, said.namespace AS whose, sent.to_id != '' AND said.occurred_at <= sent.sent_at + INTERVAL 7 DAY AS near,
            if(near, sent.sort, '') AS sort, if(near, sent.way, '') AS way, if(near, sent.cause, '') AS cause
        FROM (SELECT customer_id, namespace, occurred_at FROM touchpoint_meanings WHERE refusal) AS said
        ASOF LEFT JOIN sent
            ON sent.to_id = said.customer_id AND sent.to_namespace = said.namespace AND said.occurred_at >= sent.sent_at
    )
SELECT
    sort AS kind, way AS channel, cause AS campaign, sum(n) AS messages, sum(people) AS reached, sum(times) AS refusals,
    sum(quitters) AS refused, if(messages > 0, 1000 * refusals / messages, NULL) AS for_each_thousand,
    sum(worth) AS clv_minor, sum(spent) AS spend_minor, assumeNotNull(own) AS currency
FROM
(
    SELECT
        sort, way, cause, count() AS n, uniqExact(to_id, to_namespace) AS people, toUInt64(0) AS times, toUInt64(0) AS quitters,
        toFloat64(0) AS worth, toInt64(0) AS spent
    FROM sent
    GROUP BY sort, way, cause
    UNION ALL
    SELECT
        sort, way, cause, toUInt64(0), toUInt64(0), sum(each_times), count(), sum(ifNull(value.clv, 0)), sum(ifNull(value.spend, 0))
    FROM (SELECT who, whose, sort, way, cause, count() AS each_times FROM blamed GROUP BY who, whose, sort, way, cause) AS quit
    LEFT ANY JOIN
    (
        SELECT customer_id AS of_id, namespace AS of_namespace, clv_minor AS clv, spend_minor AS spend FROM profiles
    ) AS value ON value.of_id = quit.who AND value.of_namespace = quit.whose
    GROUP BY sort, way, cause
)
GROUP BY sort, way, cause
COMMENT 'Messages that harmed: after which customers withdrew their consent, how often, and what these customers are worth';
