CREATE TABLE IF NOT EXISTS policies_raw
(
    hash String COMMENT 'Hash of the text',
    text String COMMENT 'Policy as written, TOML',
    model String COMMENT 'Churn model: mbgnbd or bgnbd',
    r Float64 COMMENT 'Shape of the purchase rates',
    alpha Float64 COMMENT 'Rate of the purchase rates, in units of unit_ms',
    a Float64 COMMENT 'First parameter of the dropout probabilities',
    b Float64 COMMENT 'Second parameter of the dropout probabilities',
    unit_ms Int64 COMMENT 'Time unit of the parameters, milliseconds',
    threshold Float64 COMMENT 'P(alive) below which a relationship is in dissolution; 0: the policy goes by the chance of return',
    horizon_ms Int64 COMMENT 'Horizon of the churn risk, milliseconds',
    currency String COMMENT 'ISO 4217 code that amounts are converted to',
    known_at DateTime64(3, 'UTC') COMMENT 'Instant of the log at which it came into force',
    `offset` Int64 COMMENT 'Offset of its record in the log'
)
ENGINE = ReplacingMergeTree(`offset`)
ORDER BY hash
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_free_disk_bytes_to_perform_insert = 67108864
COMMENT 'Policies that were ever in force; read the view policies';

-- Added later; in rows from before, no rate is known, and 0 is no minimum.
ALTER TABLE policies_raw
    ADD COLUMN IF NOT EXISTS minimum_minor Int64 COMMENT 'Least amount of a purchase, minor units',
    ADD COLUMN IF NOT EXISTS rate_currencies Array(String) COMMENT 'ISO 4217 codes of the currencies that it converts',
    ADD COLUMN IF NOT EXISTS rates Array(Float64) COMMENT 'Minor units of its currency for one of each of those';
ALTER TABLE policies_raw
    ADD COLUMN IF NOT EXISTS epoch Int64 COMMENT 'Log that it comes from, see logs_raw',
    MODIFY ORDER BY (hash, epoch);

-- What chances and values are computed from, see forecast_terms; 0 and empty in rows from before.
ALTER TABLE policies_raw
    ADD COLUMN IF NOT EXISTS version UInt8 COMMENT 'What the text can say',
    ADD COLUMN IF NOT EXISTS return_horizon_ms Int64 COMMENT 'Horizon of silence, milliseconds',
    ADD COLUMN IF NOT EXISTS return_below Float64 COMMENT 'Chance of return below which silence ends a relationship',
    ADD COLUMN IF NOT EXISTS calibration Array(Float64) COMMENT 'Calibration of the chance of return: once, new, known',
    ADD COLUMN IF NOT EXISTS spend_p Float64 COMMENT 'Gamma-Gamma model of spend: shape of the purchases of a customer',
    ADD COLUMN IF NOT EXISTS spend_q Float64 COMMENT 'The same: shape of the means of customers',
    ADD COLUMN IF NOT EXISTS spend_gamma_minor Float64 COMMENT 'The same: scale of the means, minor units',
    ADD COLUMN IF NOT EXISTS value_horizon_ms Int64 COMMENT 'Horizon of value, milliseconds',
    ADD COLUMN IF NOT EXISTS annual_rate Float64 COMMENT 'At which later money is discounted',
    ADD COLUMN IF NOT EXISTS margin_share Float64 COMMENT 'Margin as a share of the amount where none is known',
    ADD COLUMN IF NOT EXISTS referral_minor Int64 COMMENT 'What one referral brings, minor units',
    ADD COLUMN IF NOT EXISTS referrals Float64 COMMENT 'Referrals a year of a customer of whom nothing is known',
    ADD COLUMN IF NOT EXISTS service_minor Float64 COMMENT 'Cost to serve a year of such a customer, minor units',
    ADD COLUMN IF NOT EXISTS prior_days Float64 COMMENT 'Days of history that these weigh as much as',
    ADD COLUMN IF NOT EXISTS memory_half_life Float64 COMMENT 'Half-life of what is remembered for long, days',
    ADD COLUMN IF NOT EXISTS ahead_made Array(Float64) COMMENT 'Coefficients of expected purchases, by age, then purchases',
    ADD COLUMN IF NOT EXISTS ahead_worth Array(Float64) COMMENT 'Coefficients of their present value',
    ADD COLUMN IF NOT EXISTS ahead_reach Array(Float64) COMMENT 'Greatest logarithms of age and purchases';
ALTER TABLE policies_raw
    ADD COLUMN IF NOT EXISTS zone_data String COMMENT 'Version of the time zone data of the IANA by which local hours are meant';

CREATE OR REPLACE VIEW policies
(
    hash String COMMENT 'Hash of the text',
    text String COMMENT 'Policy as written, TOML',
    model String COMMENT 'Churn model: mbgnbd or bgnbd',
    r Float64 COMMENT 'Shape of the purchase rates',
    alpha Float64 COMMENT 'Rate of the purchase rates, in units of unit_ms',
    a Float64 COMMENT 'First parameter of the dropout probabilities',
    b Float64 COMMENT 'Second parameter of the dropout probabilities',
    unit_ms Int64 COMMENT 'Time unit of the parameters, milliseconds',
    threshold Float64 COMMENT 'P(alive) below which a relationship is in dissolution; 0: the policy goes by the chance of return',
    horizon_ms Int64 COMMENT 'Horizon of the churn risk, milliseconds',
    currency String COMMENT 'ISO 4217 code that amounts are converted to',
    minimum_minor Int64 COMMENT 'Least amount of a purchase, minor units of currency',
    rates Map(String, Float64) COMMENT 'Minor units of currency for one minor unit of another, by its ISO 4217 code',
    margin_share Float64 COMMENT 'Margin as a share of the amount where none is known',
    zone_data String COMMENT 'Version of the time zone data of the IANA by which its local hours were meant then',
    known_at DateTime64(3, 'UTC') COMMENT 'Instant of the log at which it last came into force',
    epoch Int64 COMMENT 'Which log that is, the last in which it came into force',
    `offset` Int64 COMMENT 'Offset of its last record in that log'
)
SQL SECURITY DEFINER AS SELECT
    hash, text, model, r, alpha, a, b, unit_ms, threshold, horizon_ms, currency, minimum_minor,
    mapFromArrays(policies_raw.rate_currencies, policies_raw.rates) AS rates, margin_share, zone_data, known_at,
    epoch, `offset`
FROM policies_raw FINAL
ORDER BY epoch DESC
LIMIT 1 BY hash
COMMENT 'Every policy that was ever in force';

-- `relasi fit` writes into the policy from whose purchases and spend it estimated the numbers.
CREATE OR REPLACE VIEW forecast_parameters
(
    policy_hash String COMMENT 'Policy, see the view policies',
    in_force Bool COMMENT 'The policy is the one that came into force last',
    parameters String COMMENT 'Whose numbers chances of purchases, risks and ends by silence rest on: estimated from your data, and from what of it, or a preset, not yours',
    spend_parameters String COMMENT 'The same of the spend that values rest on'
)
SQL SECURITY DEFINER AS WITH
    'preset, not yours: run `relasi fit`' AS nobodys,
    extract(text, '\\[estimated\\][^\\[]*?\\bpurchases\\s*=\\s*"([^"]*)"') AS of_purchases,
    extract(text, '\\[estimated\\][^\\[]*?\\bspend\\s*=\\s*"([^"]*)"') AS of_spend
SELECT
    hash AS policy_hash,
    hash = assumeNotNull((SELECT argMax(hash, (epoch, known_at, `offset`, hash)) FROM policies)) AS in_force,
    if(of_purchases = '', nobodys, concat('estimated from your data, ', of_purchases)) AS parameters,
    if(of_spend = '', nobodys, concat('estimated from your data, ', of_spend)) AS spend_parameters
FROM policies
COMMENT 'Whose numbers the forecasts of each policy rest on';
