CREATE TABLE IF NOT EXISTS profiles_raw
(
    customer_id String COMMENT 'Customer, or the anonymous identity while it stands for one',
    stage String COMMENT 'Stage of the relationship',
    stage_since Nullable(DateTime64(3, 'UTC')) COMMENT 'When that stage began',
    episode Int32 COMMENT 'How many times the relationship has begun',
    win_back Bool COMMENT 'The episode was opened by a return from dissolution',
    p_alive Nullable(Float64) COMMENT 'P(alive) at as_of; null before a first purchase',
    churn_risk Nullable(Float64) COMMENT 'P(no purchase within the horizon) at as_of; null before a first purchase',
    expected_value_minor Nullable(Float64) COMMENT 'Expected value within the horizon, minor units',
    touchpoints Int64 COMMENT 'Touchpoints counted',
    purchases Int64 COMMENT 'Purchases counted',
    purchase_days Int32 COMMENT 'Distinct days with a purchase',
    spend_minor Int64 COMMENT 'Money spent, minor units',
    currency String COMMENT 'ISO 4217 code of the amounts',
    first_at DateTime64(3, 'UTC') COMMENT 'First touchpoint',
    last_at DateTime64(3, 'UTC') COMMENT 'Last touchpoint',
    first_purchase_at Nullable(DateTime64(3, 'UTC')) COMMENT 'First purchase',
    last_purchase_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Last purchase',
    next_due_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When silence alone will change something',
    interaction Float64 COMMENT 'Decayed count of interactions at as_of',
    engagement Float64 COMMENT 'Decayed engagement at as_of',
    as_of DateTime64(3, 'UTC') COMMENT 'Instant that the row describes',
    policy_hash String COMMENT 'Policy that judged it',
    `partition` Int32 COMMENT 'Partition of the log',
    `offset` Int64 COMMENT 'Last offset that the row contains: its version within the epoch'
)
ENGINE = ReplacingMergeTree(`offset`)
ORDER BY customer_id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_free_disk_bytes_to_perform_insert = 67108864
COMMENT 'Profiles as they were published; older rows stay until parts are merged: read the view profiles';

-- The version of a table can't be changed, so the epoch is part of the key: of each log the greatest offset stands, and the
-- view leaves out the logs that a later one has taken the place of.
-- Known is what the type begins with, so rows from before are known ones: which of them were anonymous, they do not say.
ALTER TABLE profiles_raw
    ADD COLUMN IF NOT EXISTS namespace Enum8('known' = 0, 'anonymous' = 1, 'account' = 2)
        COMMENT 'Namespace of customer_id: the same text in two of them is two ids',
    ADD COLUMN IF NOT EXISTS epoch Int64 COMMENT 'Log that it comes from, see logs_raw',
    MODIFY ORDER BY (customer_id, namespace, epoch);

-- What was added later is added the same way to a new table and to one that has rows from before. In those rows a text
-- is empty, a number 0 and a list empty until the customer's next profile is written.
ALTER TABLE profiles_raw
    ADD COLUMN IF NOT EXISTS margin_minor Int64
        COMMENT 'Margin of the purchases less what refunds took back, minor units',
    ADD COLUMN IF NOT EXISTS cost_minor Int64 COMMENT 'Cost to serve: what the touchpoints cost, minor units',
    ADD COLUMN IF NOT EXISTS refunded_minor Int64 COMMENT 'Money given back by refunds and cancellations, minor units',
    ADD COLUMN IF NOT EXISTS discounted Int32 COMMENT 'Purchases with a coupon or a discount',
    ADD COLUMN IF NOT EXISTS returned_orders Int32 COMMENT 'Orders returned, refunded or cancelled',
    ADD COLUMN IF NOT EXISTS gifts Int32 COMMENT 'Purchases that were gifts',
    ADD COLUMN IF NOT EXISTS two_way Int32 COMMENT 'Two-way contacts counted',
    ADD COLUMN IF NOT EXISTS outbound Int32 COMMENT 'Contacts that the firm initiated',
    ADD COLUMN IF NOT EXISTS individual Int32 COMMENT 'Contacts of the firm that were made for this one customer',
    ADD COLUMN IF NOT EXISTS referrals Int32 COMMENT 'Referrals counted',
    ADD COLUMN IF NOT EXISTS complaints Int32 COMMENT 'Complaints counted',
    ADD COLUMN IF NOT EXISTS unmapped Int32 COMMENT 'Touchpoints of kinds that the policy does not name',
    ADD COLUMN IF NOT EXISTS disclosures Int32 COMMENT 'Touchpoints in which the customer gave personal data',
    ADD COLUMN IF NOT EXISTS commitment_contribution Float64
        COMMENT 'Commitment by contribution (what the customer gives), 0 to 1',
    ADD COLUMN IF NOT EXISTS commitment_investment Float64
        COMMENT 'Commitment by investment (what binds the future), 0 to 1',
    ADD COLUMN IF NOT EXISTS commitment_consistency Float64
        COMMENT 'Commitment by consistency (regularity of exchange), 0 to 1',
    ADD COLUMN IF NOT EXISTS ended_by String
        COMMENT 'Who ended the relationship: customer, firm or both; empty while it lasts',
    ADD COLUMN IF NOT EXISTS end_reason String
        COMMENT 'Why it ended: core_failure, better_alternative, life_stage, neglect, explicit or unknown; empty while it lasts',
    ADD COLUMN IF NOT EXISTS end_at Nullable(DateTime64(3, 'UTC'))
        COMMENT 'The end: the explicit exit, else the last sign of life; null while it lasts',
    ADD COLUMN IF NOT EXISTS end_evidence_event String
        COMMENT 'Hash of the event that the reason rests on, 16 hexadecimal digits; empty when none',
    ADD COLUMN IF NOT EXISTS end_evidence_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Instant of that event',
    ADD COLUMN IF NOT EXISTS let_go Array(String)
        COMMENT 'Reasons to let go: deal_seeker, norm_violator, high_maintenance, out_of_target',
    ADD COLUMN IF NOT EXISTS deal_seeker_cost_minor Int64
        COMMENT 'What deal seeking costs, minor units; 0 where it does not hold',
    ADD COLUMN IF NOT EXISTS norm_violator_cost_minor Int64
        COMMENT 'What violated norms costs, minor units; 0 where it does not hold',
    ADD COLUMN IF NOT EXISTS high_maintenance_cost_minor Int64
        COMMENT 'What high maintenance costs, minor units; 0 where it does not hold',
    ADD COLUMN IF NOT EXISTS out_of_target_cost_minor Int64
        COMMENT 'What being out of target costs, minor units; 0 where it does not hold',
    ADD COLUMN IF NOT EXISTS bond_intellectual Float64
        COMMENT 'Decayed weight of signals of an intellectual bond (price, comparison, specifications) at as_of',
    ADD COLUMN IF NOT EXISTS bond_emotional Float64
        COMMENT 'Decayed weight of signals of an emotional bond (community, love, sharing) at as_of',
    ADD COLUMN IF NOT EXISTS bond_type String COMMENT 'Bond: none, intellectual, emotional or both',
    ADD COLUMN IF NOT EXISTS bond_strength String COMMENT 'Its strength: none, weak or strong',
    ADD COLUMN IF NOT EXISTS giving Float64 COMMENT 'Decayed count of what the customer gave without return, at as_of',
    ADD COLUMN IF NOT EXISTS exchanges Float64 COMMENT 'Decayed count of exchanges, at as_of',
    ADD COLUMN IF NOT EXISTS relationship_type String
        COMMENT 'Type of relationship: exchange, or communal when giving is more than half',
    ADD COLUMN IF NOT EXISTS interest_long Float64 COMMENT 'Interest with the long half-life, at as_of',
    ADD COLUMN IF NOT EXISTS interest_short Float64 COMMENT 'Interest with the short half-life, at as_of',
    ADD COLUMN IF NOT EXISTS active_months Int32 COMMENT 'Different months in which the customer was active',
    ADD COLUMN IF NOT EXISTS involvement String COMMENT 'Involvement: situational or enduring',
    ADD COLUMN IF NOT EXISTS two_way_per_quarter Float64
        COMMENT 'Decayed rate of two-way contacts in a quarter, at as_of',
    ADD COLUMN IF NOT EXISTS individualisation Nullable(Float64)
        COMMENT 'Share of the firm''s contacts that were made for this one customer, 0 to 1; null without any',
    ADD COLUMN IF NOT EXISTS trust_brand Float64 COMMENT 'Index of trust in the brand, -1 to 1, at as_of',
    ADD COLUMN IF NOT EXISTS trust_third_party_rating Float64
        COMMENT 'Index of trust in ratings by third parties, -1 to 1, at as_of',
    ADD COLUMN IF NOT EXISTS trust_security_and_privacy Float64
        COMMENT 'Index of trust in security and privacy, -1 to 1, at as_of',
    ADD COLUMN IF NOT EXISTS trust_technology Float64 COMMENT 'Index of trust in the technology, -1 to 1, at as_of',
    ADD COLUMN IF NOT EXISTS trust_fulfilment Float64 COMMENT 'Index of trust in fulfilment, -1 to 1, at as_of',
    ADD COLUMN IF NOT EXISTS trust_support_and_service Float64
        COMMENT 'Index of trust in support and service, -1 to 1, at as_of',
    ADD COLUMN IF NOT EXISTS trust_knowledge Float64
        COMMENT 'Index of trust in the knowledge of the firm, -1 to 1, at as_of',
    ADD COLUMN IF NOT EXISTS trust_signs Array(String)
        COMMENT 'Sign of each of the seven indices, in the order of their columns: none, positive or negative',
    ADD COLUMN IF NOT EXISTS trust_evidence_events Array(String)
        COMMENT 'Hash of the event that each index rests on last, 16 hexadecimal digits; empty when none',
    ADD COLUMN IF NOT EXISTS trust_evidence_at Array(Int64)
        COMMENT 'Instants of those events, milliseconds since 1970; 0 when none',
    ADD COLUMN IF NOT EXISTS clv_minor Float64
        COMMENT 'Customer lifetime value: net present value of what is expected, minor units',
    ADD COLUMN IF NOT EXISTS value_tier String COMMENT 'Tier by that value: low, middle or high; not_known of who never bought',
    ADD COLUMN IF NOT EXISTS mix_personal_assistance Float64
        COMMENT 'Decayed contacts of the category personal_assistance, at as_of',
    ADD COLUMN IF NOT EXISTS mix_dedicated_personal_assistance Float64
        COMMENT 'Decayed contacts of the category dedicated_personal_assistance, at as_of',
    ADD COLUMN IF NOT EXISTS mix_self_service Float64 COMMENT 'Decayed contacts of the category self_service, at as_of',
    ADD COLUMN IF NOT EXISTS mix_automated_service Float64
        COMMENT 'Decayed contacts of the category automated_service, at as_of',
    ADD COLUMN IF NOT EXISTS mix_community Float64 COMMENT 'Decayed contacts of the category community, at as_of',
    ADD COLUMN IF NOT EXISTS mix_co_creation Float64 COMMENT 'Decayed contacts of the category co_creation, at as_of',
    ADD COLUMN IF NOT EXISTS observed_category String
        COMMENT 'Category with most of the decayed contact; empty without any',
    ADD COLUMN IF NOT EXISTS recommended_category String COMMENT 'Category that fits the relationship',
    ADD COLUMN IF NOT EXISTS recommendation_reason String COMMENT 'Why that category',
    ADD COLUMN IF NOT EXISTS motivation String
        COMMENT 'Motivation of the firm that applies now: acquisition, retention or expansion',
    ADD COLUMN IF NOT EXISTS next_step String COMMENT 'Next best step',
    ADD COLUMN IF NOT EXISTS need String
        COMMENT 'What the customer needs most: price, advice, belonging or convenience; not_known where there is nothing to go by',
    ADD COLUMN IF NOT EXISTS segment String COMMENT 'Segment: value tier and need, as <tier>/<need>',
    ADD COLUMN IF NOT EXISTS risk_band String
        COMMENT 'Whether the churn risk is above the limit of the policy: low or high';

-- What the chances and values of another instant are computed from, see profiles_at.
ALTER TABLE profiles_raw
    ADD COLUMN IF NOT EXISTS p_return Nullable(Float64)
        COMMENT 'P(a purchase within the horizon of silence) at as_of; null before a first purchase',
    ADD COLUMN IF NOT EXISTS expected_purchases Nullable(Float64)
        COMMENT 'Purchases expected within the horizon at as_of; null before a first purchase',
    ADD COLUMN IF NOT EXISTS has_left Bool COMMENT 'An explicit exit stands',
    ADD COLUMN IF NOT EXISTS longest_gap Int32 COMMENT 'Longest time between two purchase days, days; 0 with fewer',
    ADD COLUMN IF NOT EXISTS recent_cost_minor Float64 COMMENT 'Decayed cost to serve at as_of, minor units',
    ADD COLUMN IF NOT EXISTS recent_referrals Float64 COMMENT 'Decayed count of referrals at as_of';

-- What conditions of rules ask beside.
ALTER TABLE profiles_raw
    ADD COLUMN IF NOT EXISTS consent Array(String) COMMENT 'Channels over which the customer agreed to be written to',
    ADD COLUMN IF NOT EXISTS properties Map(String, Float64)
        COMMENT 'The properties that the policy names: numbers, truths as 0 or 1, of texts 53 bits of their hash';

-- See touchpoints_raw.
ALTER TABLE profiles_raw MODIFY SETTING min_bytes_for_wide_part = 268435456;

CREATE OR REPLACE VIEW profiles_published
(
    customer_id String COMMENT 'Customer, or the anonymous identity while it stands for one',
    namespace String COMMENT 'Namespace of customer_id: known, anonymous or account',
    stage String COMMENT 'Stage of the relationship: none, awareness, exploration, commitment or dissolution',
    stage_since Nullable(DateTime64(3, 'UTC')) COMMENT 'When that stage began',
    episode Int32 COMMENT 'How many times the relationship has begun',
    win_back Bool COMMENT 'The episode was opened by a return from dissolution',
    p_alive Nullable(Float64) COMMENT 'Chance that the customer has not left for good, at as_of; null before a first purchase',
    churn_risk Nullable(Float64) COMMENT 'Chance of no purchase within the horizon of the policy, at as_of',
    p_return Nullable(Float64) COMMENT 'Chance of a purchase within the horizon of silence of the policy, at as_of',
    expected_purchases Nullable(Float64) COMMENT 'Purchases expected within the horizon of the policy, at as_of',
    expected_value_minor Nullable(Float64)
        COMMENT 'What they are expected to bring, net of what goes back, minor units of currency',
    touchpoints Int64 COMMENT 'Touchpoints counted',
    purchases Int64 COMMENT 'Purchases counted',
    purchase_days Int32 COMMENT 'Distinct days with a purchase',
    spend_minor Int64 COMMENT 'Money spent, minor units of currency',
    currency String COMMENT 'ISO 4217 code of the amounts',
    first_at DateTime64(3, 'UTC') COMMENT 'First touchpoint',
    last_at DateTime64(3, 'UTC') COMMENT 'Last touchpoint',
    first_purchase_at Nullable(DateTime64(3, 'UTC')) COMMENT 'First purchase',
    last_purchase_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Last purchase',
    next_due_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When silence alone will change something',
    interaction Float64 COMMENT 'Decayed count of interactions at as_of',
    engagement Float64 COMMENT 'Decayed engagement at as_of',
    margin_minor Int64 COMMENT 'Margin of the purchases less what refunds took back, minor units of currency',
    cost_minor Int64 COMMENT 'Cost to serve: what the touchpoints cost, minor units of currency',
    refunded_minor Int64 COMMENT 'Money given back by refunds and cancellations, minor units of currency',
    discounted Int32 COMMENT 'Purchases with a coupon or a discount',
    returned_orders Int32 COMMENT 'Orders returned, refunded or cancelled',
    gifts Int32 COMMENT 'Purchases that were gifts',
    two_way Int32 COMMENT 'Two-way contacts counted',
    outbound Int32 COMMENT 'Contacts that the firm initiated',
    individual Int32 COMMENT 'Contacts of the firm that were made for this one customer',
    referrals Int32 COMMENT 'Referrals counted',
    complaints Int32 COMMENT 'Complaints counted',
    unmapped Int32 COMMENT 'Touchpoints of kinds that the policy does not name',
    disclosures Int32 COMMENT 'Touchpoints in which the customer gave personal data',
    commitment_contribution Float64 COMMENT 'Commitment by contribution (what the customer gives), 0 to 1',
    commitment_investment Float64 COMMENT 'Commitment by investment (what binds the future), 0 to 1',
    commitment_consistency Float64 COMMENT 'Commitment by consistency (regularity of exchange), 0 to 1',
    ended_by String COMMENT 'Who ended the relationship: customer, firm or both; empty while it lasts',
    end_reason String
        COMMENT 'Why it ended: core_failure, better_alternative, life_stage, neglect, explicit or unknown; empty while it lasts',
    end_at Nullable(DateTime64(3, 'UTC'))
        COMMENT 'The end: the explicit exit, else the last sign of life; null while it lasts',
    end_evidence_event String
        COMMENT 'Hash of the event that the reason rests on, 16 hexadecimal digits; empty when none',
    end_evidence_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Instant of that event',
    let_go Array(String) COMMENT 'Reasons to let go: deal_seeker, norm_violator, high_maintenance, out_of_target',
    deal_seeker_cost_minor Int64 COMMENT 'What deal seeking costs, minor units of currency; 0 where it does not hold',
    norm_violator_cost_minor Int64
        COMMENT 'What violated norms costs, minor units of currency; 0 where it does not hold',
    high_maintenance_cost_minor Int64
        COMMENT 'What high maintenance costs, minor units of currency; 0 where it does not hold',
    out_of_target_cost_minor Int64
        COMMENT 'What being out of target costs, minor units of currency; 0 where it does not hold',
    bond_intellectual Float64
        COMMENT 'Decayed weight of signals of an intellectual bond (price, comparison, specifications) at as_of',
    bond_emotional Float64 COMMENT 'Decayed weight of signals of an emotional bond (community, love, sharing) at as_of',
    bond_type String COMMENT 'Bond: none, intellectual, emotional or both',
    bond_strength String COMMENT 'Its strength: none, weak or strong',
    giving Float64 COMMENT 'Decayed count of what the customer gave without return, at as_of',
    exchanges Float64 COMMENT 'Decayed count of exchanges, at as_of',
    relationship_type String COMMENT 'Type of relationship: exchange, or communal when giving is more than half',
    interest_long Float64 COMMENT 'Interest with the long half-life, at as_of',
    interest_short Float64 COMMENT 'Interest with the short half-life, at as_of',
    active_months Int32 COMMENT 'Different months in which the customer was active',
    involvement String COMMENT 'Involvement: situational or enduring',
    two_way_per_quarter Float64 COMMENT 'Decayed rate of two-way contacts in a quarter, at as_of',
    individualisation Nullable(Float64)
        COMMENT 'Share of the firm''s contacts that were made for this one customer, 0 to 1; null without any',
    trust_brand Float64 COMMENT 'Index of trust in the brand, -1 to 1, at as_of',
    trust_third_party_rating Float64 COMMENT 'Index of trust in ratings by third parties, -1 to 1, at as_of',
    trust_security_and_privacy Float64 COMMENT 'Index of trust in security and privacy, -1 to 1, at as_of',
    trust_technology Float64 COMMENT 'Index of trust in the technology, -1 to 1, at as_of',
    trust_fulfilment Float64 COMMENT 'Index of trust in fulfilment, -1 to 1, at as_of',
    trust_support_and_service Float64 COMMENT 'Index of trust in support and service, -1 to 1, at as_of',
    trust_knowledge Float64 COMMENT 'Index of trust in the knowledge of the firm, -1 to 1, at as_of',
    trust_signs Array(String)
        COMMENT 'Sign of each of the seven indices, in the order of their columns: none, positive or negative',
    trust_evidence_events Array(String)
        COMMENT 'Hash of the event that each index rests on last, 16 hexadecimal digits; empty when none',
    trust_evidence_at Array(Int64) COMMENT 'Instants of those events, milliseconds since 1970; 0 when none',
    clv_minor Float64 COMMENT 'Customer lifetime value: net present value of what is expected, minor units of currency',
    value_tier String COMMENT 'Tier by that value: low, middle or high; not_known of who never bought',
    mix_personal_assistance Float64 COMMENT 'Decayed contacts of the category personal_assistance, at as_of',
    mix_dedicated_personal_assistance Float64
        COMMENT 'Decayed contacts of the category dedicated_personal_assistance, at as_of',
    mix_self_service Float64 COMMENT 'Decayed contacts of the category self_service, at as_of',
    mix_automated_service Float64 COMMENT 'Decayed contacts of the category automated_service, at as_of',
    mix_community Float64 COMMENT 'Decayed contacts of the category community, at as_of',
    mix_co_creation Float64 COMMENT 'Decayed contacts of the category co_creation, at as_of',
    observed_category String COMMENT 'Category with most of the decayed contact; empty without any',
    recommended_category String COMMENT 'Category that fits the relationship',
    recommendation_reason String COMMENT 'Why that category',
    motivation String COMMENT 'Motivation of the firm that applies now: acquisition, retention or expansion',
    next_step String COMMENT 'Next best step',
    need String COMMENT 'What the customer needs most: price, advice, belonging or convenience; not_known where there is nothing to go by',
    segment String COMMENT 'Segment: value tier and need, as <tier>/<need>',
    risk_band String COMMENT 'Whether the churn risk is above the limit of the policy: low or high',
    has_left Bool COMMENT 'An explicit exit stands',
    longest_gap Int32 COMMENT 'Longest time between two purchase days, days; 0 with fewer',
    recent_cost_minor Float64 COMMENT 'Decayed cost to serve at as_of, minor units of currency',
    recent_referrals Float64 COMMENT 'Decayed count of referrals at as_of',
    consent Array(String) COMMENT 'Channels over which the customer agreed to be written to: email, sms, push',
    properties Map(String, Float64)
        COMMENT 'Properties that the policy names: numbers, truths as 0 or 1, of texts bitShiftRight(xxHash64(text), 11)',
    as_of DateTime64(3, 'UTC') COMMENT 'Instant of the last record or judgement: all but the chances and values is as of then',
    policy_hash String COMMENT 'Policy that judged it, see the view policies',
    `partition` Int32 COMMENT 'Partition of the log',
    `offset` Int64 COMMENT 'Last offset that the row contains'
)
SQL SECURITY DEFINER AS WITH (SELECT min(log_epoch) < max(log_epoch) FROM touchpoints_raw) AS several
SELECT
    customer_id, namespace, stage, stage_since, episode, win_back, p_alive, churn_risk,
    p_return, expected_purchases, expected_value_minor,
    touchpoints,
    purchases, purchase_days, spend_minor, currency, first_at, last_at, first_purchase_at, last_purchase_at,
    next_due_at, interaction, engagement,
    margin_minor, cost_minor, refunded_minor, discounted, returned_orders, gifts, two_way, outbound, individual,
    referrals, complaints, unmapped, disclosures, commitment_contribution, commitment_investment,
    commitment_consistency, ended_by, end_reason, end_at, end_evidence_event, end_evidence_at, let_go,
    deal_seeker_cost_minor, norm_violator_cost_minor, high_maintenance_cost_minor, out_of_target_cost_minor,
    bond_intellectual, bond_emotional, bond_type, bond_strength, giving, exchanges, relationship_type,
    interest_long, interest_short, active_months, involvement, two_way_per_quarter, individualisation, trust_brand,
    trust_third_party_rating, trust_security_and_privacy, trust_technology, trust_fulfilment,
    trust_support_and_service, trust_knowledge, trust_signs, trust_evidence_events, trust_evidence_at, clv_minor,
    value_tier, mix_personal_assistance, mix_dedicated_personal_assistance, mix_self_service, mix_automated_service,
    mix_community, mix_co_creation, observed_category, recommended_category, recommendation_reason, motivation,
    next_step, need, segment, risk_band, has_left, longest_gap, recent_cost_minor, recent_referrals,
    consent, properties, as_of, policy_hash, `partition`, `offset`
FROM profiles_raw FINAL
LEFT ANY JOIN
(
    SELECT customer_id AS led_id, namespace AS led_namespace, epoch AS led_epoch, until AS led_until FROM forwarded
) AS lead ON led_id = customer_id AND led_namespace = toString(namespace) AND led_epoch = epoch
-- Of who became one with another customer, the other's rows tell.
WHERE
    `offset` >= led_until
    AND (NOT several OR (customer_id, namespace, epoch) NOT IN (SELECT customer_id, namespace, epoch FROM superseded))
COMMENT 'Each customer as last published, each as of an instant of its own';
