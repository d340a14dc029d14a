-- What a policy says of customers with so many purchase days: its numbers, and the two series of processors/judgements/ahead.py
-- with the number of purchases put in. So a profile needs one look-up and two short sums.
CREATE OR REPLACE VIEW forecast_terms
(
    policy_hash String COMMENT 'Policy, see the view policies',
    purchase_days Int32 COMMENT 'Distinct days with a purchase',
    version UInt8 COMMENT 'What the text of the policy can say',
    is_bg Bool COMMENT 'The churn model is BG/NBD, otherwise MBG/NBD',
    shape Float64 COMMENT 'Shape of the purchase rate of such a customer',
    alpha Float64 COMMENT 'Rate of the purchase rates, in units of unit_ms',
    dropout Float64 COMMENT 'What P(alive) weighs the odds by',
    unit_ms Int64 COMMENT 'Time unit of the parameters, milliseconds',
    horizon_ms Int64 COMMENT 'Horizon of the churn risk, milliseconds',
    return_horizon_ms Int64 COMMENT 'Horizon of silence, milliseconds; 0: the policy goes by P(alive)',
    once Array(Float64) COMMENT 'Calibration of P(return) of who has bought on one day: level, low, high, weight',
    `new` Array(Float64) COMMENT 'The same of who bought for less than the horizon of silence',
    known Array(Float64) COMMENT 'The same of who bought for longer',
    made Array(Float64) COMMENT 'Coefficients of expected purchases by age',
    worth Array(Float64) COMMENT 'Coefficients of their present value by age',
    reach Float64 COMMENT 'Greatest logarithm of age that these hold for',
    spend_prior_minor Float64 COMMENT 'Expected spend of a purchase is (this + what was spent) · spend_weight',
    spend_weight Float64 COMMENT 'See there',
    margin_share Float64 COMMENT 'Margin as a share of the amount where none is known',
    referral_minor Int64 COMMENT 'What one referral brings, minor units',
    referrals Float64 COMMENT 'Referrals a year of a customer of whom nothing is known',
    service_minor Float64 COMMENT 'Cost to serve a year of a customer of whom nothing is known, minor units',
    prior_days Float64 COMMENT 'Days of history that these weigh as much as',
    memory_half_life Float64 COMMENT 'Half-life of what is remembered for long, days',
    annuity Float64 COMMENT 'Present value of 1 a year for the horizon of value'
)
SQL SECURITY DEFINER AS WITH
    seen.purchase_days - 1 AS x,
    toUInt64(round(sqrt(length(rule.ahead_made)))) AS nodes,
    acos(least(greatest(2 * log1p(x / rule.r) / rule.ahead_reach[2] - 1, -1), 1)) AS angle,
    arrayMap(j -> cos(j * angle), range(nodes)) AS waves,
    log1p(rule.annual_rate) AS yearly,
    rule.value_horizon_ms / (365.25 * 86400000) AS years
SELECT
    seen.policy_hash AS policy_hash, seen.purchase_days AS purchase_days, rule.version AS version,
    rule.model = 'bgnbd' AS is_bg, rule.r + x AS shape, rule.alpha AS alpha, rule.a / (rule.b + x - is_bg) AS dropout,
    rule.unit_ms AS unit_ms, rule.horizon_ms AS horizon_ms, rule.return_horizon_ms AS return_horizon_ms,
    arraySlice(rule.calibration, 1, 4) AS once, arraySlice(rule.calibration, 5, 4) AS `new`,
    arraySlice(rule.calibration, 9, 4) AS known,
    arrayMap(k -> arrayDotProduct(arraySlice(rule.ahead_made, k * nodes + 1, nodes), waves), range(nodes))
        AS made,
    arrayMap(k -> arrayDotProduct(arraySlice(rule.ahead_worth, k * nodes + 1, nodes), waves), range(nodes))
        AS worth,
    rule.ahead_reach[1] AS reach, rule.spend_gamma_minor AS spend_prior_minor,
    rule.spend_p / (rule.spend_p * seen.purchase_days + rule.spend_q - 1) AS spend_weight,
    rule.margin_share AS margin_share, rule.referral_minor AS referral_minor, rule.referrals AS referrals,
    rule.service_minor AS service_minor, rule.prior_days AS prior_days, rule.memory_half_life AS memory_half_life,
    if(yearly > 0, (1 - exp(-yearly * years)) / yearly, years) AS annuity
FROM
(
    SELECT profiles_raw.policy_hash AS policy_hash, arrayJoin(range(1, toInt32(max(profiles_raw.purchase_days) + 1))) AS purchase_days
    FROM profiles_raw
    GROUP BY profiles_raw.policy_hash
) AS seen
INNER JOIN (SELECT * FROM policies_raw FINAL ORDER BY epoch DESC LIMIT 1 BY hash) AS rule ON rule.hash = seen.policy_hash
COMMENT 'What each policy says of what lies ahead of customers, by their purchase days';

-- SELECT … FROM profiles_at(at = '2026-03-01T12:00:00Z'): the chances and values of every customer at that instant, as
-- if silence had lasted from the last touchpoint that we know of. All else is as last published.
--
-- The formulas are those of processors/models/churn.py, returning.py and spend.py, and processors/judgements/value.py.
-- MBG/NBD: P = 1 / (1 + a / (b+x) · ((α+T) / (α+t_x))^(r+x)); BG/NBD has b+x−1 for b+x, and 1 at x = 0. P(return) is
-- P · (1 − ((α+T) / (α+T+h))^(r+x)), recalibrated as the policy says, and the risk 1 less that with its own horizon. An
-- instant before the last known purchase counts as that purchase's, because how long silence had lasted then is no longer
-- in the profile. Who has left by an exit stays at 0 and 1.
-- Its columns are those of the view profiles. (The engine shows no comments of a parameterised view's columns.)
-- The parameter is a String so that ISO 8601 with a zone, a bare date and a DateTime64 of the caller's all do.
CREATE OR REPLACE VIEW profiles_at
SQL SECURITY DEFINER AS WITH
    parseDateTime64BestEffort({at:String}, 3, 'UTC') AS instant,
    toUnixTimestamp64Milli(instant) AS now_ms,
    ifNull(toUnixTimestamp64Milli(row.first_purchase_at), 0) AS first_ms,
    ifNull(toUnixTimestamp64Milli(row.last_purchase_at), 0) AS last_ms,
    term.unit_ms > 0 AND first_ms <= now_ms AS known,
    -- Of version 1 an exit changes no chance, only the value.
    ifNull(row.p_alive = 0, false) AS gone,
    (last_ms - first_ms) / term.unit_ms AS t_x,
    greatest((now_ms - first_ms) / term.unit_ms, t_x) AS age,
    pow((term.alpha + age) / (term.alpha + t_x), term.shape) AS odds,
    if(term.is_bg AND row.purchase_days = 1, 1., 1 / (1 + term.dropout * odds)) AS alive,
    alive * (1 - pow((term.alpha + age) / (term.alpha + age + term.horizon_ms / term.unit_ms), term.shape)) AS buys,
    alive * (1 - pow((term.alpha + age) / (term.alpha + age + term.return_horizon_ms / term.unit_ms), term.shape)) AS returns,
    -- Recalibration, of version 2.
    multiIf(row.purchase_days < 2, term.once, last_ms - first_ms < term.return_horizon_ms, term.`new`, term.known) AS band,
    empty(band) OR band = [0., 1., 1., 0.] AS as_it_is,
    greatest(now_ms - last_ms, 0) / 86400000 AS silence,
    band[1] + if(row.longest_gap > 0 AND silence > 0, band[4] * log1p(silence / row.longest_gap), 0) AS level,
    least(greatest(buys, 1e-300), 1 - 1e-15) AS buys_within,
    least(greatest(returns, 1e-300), 1 - 1e-15) AS returns_within,
    log(buys_within) - log1p(-buys_within) AS buys_logit,
    log(returns_within) - log1p(-returns_within) AS returns_logit,
    if(as_it_is, buys, 1 / (1 + exp(-(level + if(buys_logit < 0, band[2], band[3]) * buys_logit)))) AS buys_at,
    if(as_it_is, returns, 1 / (1 + exp(-(level + if(returns_logit < 0, band[2], band[3]) * returns_logit)))) AS returns_at,
    -- Money.
    acos(least(2 * log1p(age / term.alpha) / term.reach - 1, 1)) AS angle,
    term.shape / (term.alpha + age) AS rate,
    arrayMap(k -> cos(k * angle), range(length(term.made))) AS waves,
    rate * exp(arrayDotProduct(term.made, waves)) AS buying,
    rate * exp(arrayDotProduct(term.worth, waves)) AS present,
    row.spend_minor - row.refunded_minor AS kept,
    (term.spend_prior_minor + greatest(kept, 0)) * term.spend_weight AS spend,
    if(kept > 0, least(greatest(row.margin_minor / kept, -1), 1), term.margin_share) AS margin,
    log(2) / term.memory_half_life AS fading,
    greatest(now_ms - toUnixTimestamp64Milli(row.as_of), 0) / 86400000 AS since,
    exp(-since * fading) AS remaining,
    (now_ms - toUnixTimestamp64Milli(row.first_at)) / 86400000 AS history,
    (1 - exp(-if(term.version > 1, greatest(history, 0), greatest(history, 365.25 / 4)) * fading)) / fading
        + if(term.version > 1, term.prior_days, 0) AS seen,
    if(term.version > 1, term.prior_days, 0) AS prior,
    if(seen > 0, (row.recent_referrals * remaining * 365.25 + term.referrals * prior) / seen, term.referrals) AS referral_rate,
    if(seen > 0, (row.recent_cost_minor * remaining * 365.25 + term.service_minor * prior) / seen, term.service_minor) AS service_rate,
    (referral_rate * term.referral_minor - service_rate) * term.annuity AS beside,
    known AND notEmpty(term.made) AS valued
SELECT row.* REPLACE (
    multiIf(gone, 0., known, alive, NULL) AS p_alive,
    multiIf(gone, 1., known, if(term.version > 1, 1 - buys_at, 1 - buys), NULL) AS churn_risk,
    multiIf(gone, 0., known, if(term.version > 1, returns_at, buys), NULL) AS p_return,
    multiIf(gone, 0., valued, alive * buying, NULL) AS expected_purchases,
    multiIf(gone, 0., valued, if(term.version > 1, alive * buying * spend, buying * row.spend_minor / row.purchase_days),
        row.expected_value_minor) AS expected_value_minor,
    multiIf(gone OR row.has_left, 0., valued, alive * (present * spend * margin + beside), row.clv_minor) AS clv_minor
), instant AS at
FROM profiles_published AS row
LEFT JOIN forecast_terms AS term ON term.policy_hash = row.policy_hash AND term.purchase_days = row.purchase_days
COMMENT 'profiles_at(at = …): each customer with the chances and values as of that instant, all else as last published';

CREATE OR REPLACE VIEW profiles
(
    customer_id String COMMENT 'Customer, or the anonymous identity while it stands for one',
    namespace String COMMENT 'Namespace of customer_id: known, anonymous or account',
    stage String COMMENT 'Stage of the relationship: none, awareness, exploration, commitment or dissolution',
    stage_since Nullable(DateTime64(3, 'UTC')) COMMENT 'When that stage began',
    episode Int32 COMMENT 'How many times the relationship has begun',
    win_back Bool COMMENT 'The episode was opened by a return from dissolution',
    p_alive Nullable(Float64) COMMENT 'Chance that the customer has not left for good, at the instant `at`; null before a first purchase',
    churn_risk Nullable(Float64) COMMENT 'Chance of no purchase within the horizon of the policy, at `at`',
    p_return Nullable(Float64) COMMENT 'Chance of a purchase within the horizon of silence of the policy, at `at`',
    expected_purchases Nullable(Float64) COMMENT 'Purchases expected within the horizon of the policy, at `at`',
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
    clv_minor Float64 COMMENT 'Customer lifetime value at `at`: net present value of what is expected, minor units of currency',
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
    `offset` Int64 COMMENT 'Last offset that the row contains',
    at DateTime64(3, 'UTC') COMMENT 'Instant of the chances and values: how far the log is known, the same for every customer'
)
SQL SECURITY DEFINER AS SELECT
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
    consent, properties, as_of, policy_hash, `partition`, `offset`, at
FROM profiles_at(at = (SELECT toString(known_until.at) FROM known_until))
COMMENT 'Each customer with every judgement, and chances and values at one common instant: how far the log is known';
