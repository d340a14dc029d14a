-- What each kind of touchpoint means by a policy: one row for each kind that it names, written when it comes into force.
-- The text of a policy decides its meanings, so rows of one hash and kind are the same, and any of them may stay.
CREATE TABLE IF NOT EXISTS meanings_raw
(
    policy_hash String COMMENT 'Policy that says so',
    kind String COMMENT 'Kind of touchpoint',
    initiative String COMMENT 'Whose initiative it is: customer, firm, both or none',
    engagement Float64 COMMENT 'How much effort of the customer it shows',
    category String COMMENT 'Category of relationship that it is a contact of; none when of none',
    two_way Bool COMMENT 'Both sides take part',
    individual Bool COMMENT 'Made for this one customer',
    purchase Bool COMMENT 'A purchase, when its amount is above the minimum',
    investment Bool COMMENT 'Binds the future',
    contribution Bool COMMENT 'The customer contributes',
    giving Bool COMMENT 'The customer gives without return',
    refund Bool COMMENT 'Gives money back',
    return Bool COMMENT 'Makes an order a returned one',
    cancellation Bool COMMENT 'Cancels an order',
    discount Bool COMMENT 'Makes an order a discounted one',
    question Bool COMMENT 'A question that waits for an answer',
    answer Bool COMMENT 'Answers a question',
    complaint Bool COMMENT 'A complaint',
    resolution Bool COMMENT 'Resolves a complaint',
    failure Bool COMMENT 'A core failure by itself',
    rival Bool COMMENT 'A signal of a competitor',
    disclosure Bool COMMENT 'The customer gives personal data',
    referral Bool COMMENT 'A referral',
    acquisition Bool COMMENT 'Its cost is cost of acquiring',
    gift Bool COMMENT 'A gift',
    trust String COMMENT 'Factor of trust that it speaks for or against; empty when none',
    bond String COMMENT 'Bond that it shows: intellectual or emotional; empty when none',
    exit String COMMENT 'Who leaves by it: customer or firm; empty when nobody',
    tie String COMMENT 'opened or closed, of a tie such as a subscription; empty when neither',
    cost_minor Int64 COMMENT 'Cost to serve where the touchpoint states none, minor units'
)
ENGINE = ReplacingMergeTree
ORDER BY (policy_hash, kind)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_free_disk_bytes_to_perform_insert = 67108864
COMMENT 'Meanings of kinds by policy; may hold one twice until parts are merged: read the view meanings';

-- Added later; what was written before does not say it.
ALTER TABLE meanings_raw
    ADD COLUMN IF NOT EXISTS marketing Bool COMMENT 'Its cost acquires or keeps, and serves nobody',
    ADD COLUMN IF NOT EXISTS consent String COMMENT 'Consent to be written to: given or withdrawn; empty when neither';

CREATE OR REPLACE VIEW meanings
(
    policy_hash String COMMENT 'Policy that says so, see the view policies',
    kind String COMMENT 'Kind of touchpoint',
    initiative String COMMENT 'Whose initiative it is: customer, firm, both or none (a passing visit)',
    engagement Float64 COMMENT 'How much effort of the customer it shows',
    category String COMMENT 'Category of relationship that it is a contact of; none when of none',
    two_way Bool COMMENT 'Both sides take part',
    individual Bool COMMENT 'Made for this one customer',
    purchase Bool COMMENT 'A purchase, when its amount is above the minimum of the policy',
    investment Bool COMMENT 'Binds the future, such as saved data, loyalty or a subscription',
    contribution Bool COMMENT 'The customer contributes, such as a review',
    giving Bool COMMENT 'The customer gives without return',
    refund Bool COMMENT 'Gives money back',
    return Bool COMMENT 'Makes an order a returned one',
    cancellation Bool COMMENT 'Cancels an order',
    discount Bool COMMENT 'Makes an order of the same order_id a discounted one',
    question Bool COMMENT 'A question that waits for an answer',
    answer Bool COMMENT 'Answers a question',
    complaint Bool COMMENT 'A complaint',
    resolution Bool COMMENT 'Resolves a complaint',
    failure Bool COMMENT 'A core failure by itself',
    rival Bool COMMENT 'A signal of a competitor',
    disclosure Bool COMMENT 'The customer gives personal data',
    referral Bool COMMENT 'A referral',
    acquisition Bool COMMENT 'Its cost is cost of acquiring, not of serving',
    gift Bool COMMENT 'A gift',
    trust String COMMENT 'Factor of trust that it speaks for or against; empty when none',
    bond String COMMENT 'Bond that it shows: intellectual or emotional; empty when none',
    exit String COMMENT 'Who leaves by it: customer or firm; empty when nobody',
    tie String COMMENT 'opened or closed, of a tie such as a subscription; empty when neither',
    cost_minor Int64 COMMENT 'Cost to serve where the touchpoint states none, minor units of the currency of the policy',
    marketing Bool COMMENT 'Its cost acquires or keeps, and serves nobody',
    consent String COMMENT 'Consent to be written to: given or withdrawn; empty when neither',
    in_force Bool COMMENT 'The policy is the one that came into force last'
)
SQL SECURITY DEFINER AS SELECT
    policy_hash, kind, initiative, engagement, category, two_way, individual, purchase, investment, contribution,
    giving, refund, return, cancellation, discount, question, answer, complaint, resolution, failure, rival,
    disclosure, referral, acquisition, gift, trust, bond, exit, tie, cost_minor, marketing,
    consent,
    policy_hash = assumeNotNull((SELECT argMax(hash, (epoch, known_at, `offset`, hash)) FROM policies)) AS in_force
FROM meanings_raw FINAL
COMMENT 'What each kind of touchpoint means, by policy';
