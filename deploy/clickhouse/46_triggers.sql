-- What became of every rule that fired: nothing is skipped in silence.
CREATE TABLE IF NOT EXISTS triggers_raw
(
    id String COMMENT 'Derived from customer, rule and instant: 32 hexadecimal digits',
    namespace Enum8('known' = 0, 'anonymous' = 1, 'account' = 2) COMMENT 'Namespace of customer_id: the same text in two of them is two ids',
    customer_id String COMMENT 'Customer, or the anonymous identity while it stands for one',
    rule String COMMENT 'Rule of the policy',
    rule_version Int32 COMMENT 'Version that the rule names: who is held back is chosen anew with each',
    channel String COMMENT 'Channel that the rule is for; internal reaches no customer',
    transactional Bool COMMENT 'Whether consent, cap, priority and hold-out do not concern it',
    outcome String COMMENT 'sent, held (for control), stale (known too late, or a correction, merge or new policy made it true), no_consent (or after an exit), cooling, capped, outranked, or withdrawn (what takes_back names is not to be sent any more)',
    arm String COMMENT 'Of what was sent or held: treated, held, or held_from_all; else empty',
    at DateTime64(3, 'UTC') COMMENT 'When it became true',
    known_at DateTime64(3, 'UTC') COMMENT 'Instant of the log at which it was known',
    takes_back Nullable(String) COMMENT 'Trigger that this one takes back',
    valid_until Nullable(DateTime64(3, 'UTC')) COMMENT 'After this instant it is not sent any more',
    window_days Float64 COMMENT 'Days after which the rule is measured',
    hold_out Float64 COMMENT 'Share of customers who are held back from the rule, those who are from everything included',
    cause String COMMENT 'What made us look: touchpoint, silence, late, merge or policy',
    transition_id Nullable(String) COMMENT 'Transition that made it fire, when one did',
    subject String COMMENT 'What changed, where a change made it fire: stage, or the name of a judgement',
    before String COMMENT 'What that was before',
    after String COMMENT 'What it is now',
    stage String COMMENT 'Stage of the relationship at that instant',
    value_tier String COMMENT 'Value tier as last published',
    recommended_category String COMMENT 'Kind of relationship that fits, as last published',
    next_step String COMMENT 'Next best step, as last published',
    churn_risk Nullable(Float64) COMMENT 'Chance at that instant of no purchase within the horizon of the policy; of what was sent or held',
    expected_value_minor Nullable(Float64) COMMENT 'Spend expected at that instant within the horizon of the policy, minor units; of what was sent or held',
    clv_minor Nullable(Float64) COMMENT 'Customer lifetime value at that instant, minor units; of what was sent or held',
    spend_minor Int64 COMMENT 'Spent until then, minor units',
    purchases Int32 COMMENT 'Purchases until then',
    last_purchase_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Last purchase known then',
    zone String COMMENT 'Time zone of the customer, else that of the policy',
    evidence_event_id String COMMENT 'Event that made it fire or took it back; empty when none did',
    policy_hash String COMMENT 'Policy that the rule stands in',
    epoch Int64 COMMENT 'Log that it comes from, see logs_raw',
    `partition` Int32 COMMENT 'Partition of the log',
    `offset` Int64 COMMENT 'Offset of the record that made it known'
)
ENGINE = ReplacingMergeTree
ORDER BY (customer_id, id, namespace, epoch)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_free_disk_bytes_to_perform_insert = 67108864
COMMENT 'Outcomes of rules; may hold one twice until parts are merged: read the view triggers';

ALTER TABLE triggers_raw
    ADD COLUMN IF NOT EXISTS expected_purchases Nullable(Float64) COMMENT 'Purchases expected at that instant within the horizon of the policy; of what was sent or held',
    ADD COLUMN IF NOT EXISTS expected_margin_minor Nullable(Float64) COMMENT 'What is earned by that spend: it times the share of the margin that the customer had, minor units';

-- See touchpoints_raw.
ALTER TABLE triggers_raw MODIFY SETTING min_bytes_for_wide_part = 268435456;

CREATE OR REPLACE VIEW triggers
(
    id String COMMENT 'Derived from customer, rule and instant: 32 hexadecimal digits',
    namespace String COMMENT 'Namespace of customer_id: the same text in two of them is two ids',
    customer_id String COMMENT 'Customer, or the anonymous identity while it stands for one',
    rule String COMMENT 'Rule of the policy',
    rule_version Int32 COMMENT 'Version that the rule names: who is held back is chosen anew with each',
    channel String COMMENT 'Channel that the rule is for; internal reaches no customer',
    transactional Bool COMMENT 'Whether consent, cap, priority and hold-out do not concern it',
    outcome String COMMENT 'sent, held (for control), stale (known too late, or a correction, merge or new policy made it true), no_consent (or after an exit), cooling, capped, outranked, or withdrawn (what takes_back names is not to be sent any more)',
    arm String COMMENT 'Of what was sent or held: treated, held, or held_from_all; else empty',
    at DateTime64(3, 'UTC') COMMENT 'When it became true',
    known_at DateTime64(3, 'UTC') COMMENT 'Instant of the log at which it was known',
    takes_back Nullable(String) COMMENT 'Trigger that this one takes back',
    valid_until Nullable(DateTime64(3, 'UTC')) COMMENT 'After this instant it is not sent any more',
    window_days Float64 COMMENT 'Days after which the rule is measured',
    hold_out Float64 COMMENT 'Share of customers who are held back from the rule, those who are from everything included',
    cause String COMMENT 'What made us look: touchpoint, silence, late, merge or policy',
    transition_id Nullable(String) COMMENT 'Transition that made it fire, when one did',
    subject String COMMENT 'What changed, where a change made it fire: stage, or the name of a judgement',
    before String COMMENT 'What that was before',
    after String COMMENT 'What it is now',
    stage String COMMENT 'Stage of the relationship at that instant',
    value_tier String COMMENT 'Value tier as last published',
    recommended_category String COMMENT 'Kind of relationship that fits, as last published',
    next_step String COMMENT 'Next best step, as last published',
    churn_risk Nullable(Float64) COMMENT 'Chance at that instant of no purchase within the horizon of the policy; of what was sent or held',
    expected_purchases Nullable(Float64) COMMENT 'Purchases expected at that instant within the horizon of the policy; of what was sent or held',
    expected_value_minor Nullable(Float64) COMMENT 'Spend expected at that instant within the horizon of the policy, minor units; of what was sent or held',
    expected_margin_minor Nullable(Float64) COMMENT 'What is earned by that spend: it times the share of the margin that the customer had, minor units',
    clv_minor Nullable(Float64) COMMENT 'Customer lifetime value at that instant, minor units; of what was sent or held',
    spend_minor Int64 COMMENT 'Spent until then, minor units',
    purchases Int32 COMMENT 'Purchases until then',
    last_purchase_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Last purchase known then',
    zone String COMMENT 'Time zone of the customer, else that of the policy',
    evidence_event_id String COMMENT 'Event that made it fire or took it back; empty when none did',
    policy_hash String COMMENT 'Policy that the rule stands in',
    `partition` Int32 COMMENT 'Partition of the log',
    `offset` Int64 COMMENT 'Offset of the record that made it known'
)
SQL SECURITY DEFINER AS WITH (SELECT min(log_epoch) < max(log_epoch) FROM touchpoints_raw) AS several
SELECT
    told.id AS id, if(goes_on = '' OR (told.`offset` >= until AND told.`partition` = home), toString(told.namespace), goes_on_namespace) AS namespace,
    if(goes_on = '' OR (told.`offset` >= until AND told.`partition` = home), told.customer_id, goes_on) AS customer_id, told.rule AS rule, told.rule_version AS rule_version,
    told.channel AS channel, told.transactional AS transactional, told.outcome AS outcome, told.arm AS arm, told.at AS at,
    told.known_at AS known_at, told.takes_back AS takes_back, told.valid_until AS valid_until,
    told.window_days AS window_days, told.hold_out AS hold_out, told.cause AS cause, told.transition_id AS transition_id,
    told.subject AS subject, told.before AS before, told.after AS after, told.stage AS stage, told.value_tier AS value_tier,
    told.recommended_category AS recommended_category, told.next_step AS next_step, told.churn_risk AS churn_risk,
    told.expected_purchases AS expected_purchases, told.expected_value_minor AS expected_value_minor,
    told.expected_margin_minor AS expected_margin_minor, told.clv_minor AS clv_minor, told.spend_minor AS spend_minor,
    told.purchases AS purchases, told.last_purchase_at AS last_purchase_at, told.zone AS zone,
    told.evidence_event_id AS evidence_event_id, told.policy_hash AS policy_hash, told.`partition` AS `partition`,
    told.`offset` AS `offset`
FROM triggers_raw AS told FINAL
LEFT ANY JOIN
(
    SELECT
        customer_id AS led_id, namespace AS led_namespace, epoch AS led_epoch, until, home, goes_on, goes_on_namespace
    FROM forwarded
) AS lead ON led_id = told.customer_id AND led_namespace = toString(told.namespace) AND led_epoch = told.epoch
WHERE
    NOT several
    OR (told.customer_id, told.namespace, told.epoch) NOT IN (SELECT customer_id, namespace, epoch FROM superseded)
COMMENT 'Every outcome of a rule of the policy: what was sent, what was held back and why, and what was taken back';
