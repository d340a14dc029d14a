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
    known_at DateTime64(3, 'UTC') COMMENT 'Instant of the log at which it last came into force',
    epoch Int64 COMMENT 'Which log that is, the last in which it came into force',
    `offset` Int64 COMMENT 'Offset of its last record in that log'
)
SQL SECURITY DEFINER AS SELECT
    hash, text, model, r, alpha, a, b, unit_ms, threshold, horizon_ms, currency, minimum_minor,
    mapFromArrays(policies_raw.rate_currencies, policies_raw.rates) AS rates, known_at, epoch,
    `offset`
FROM policies_raw FINAL
ORDER BY epoch DESC
LIMIT 1 BY hash
COMMENT 'Every policy that was ever in force';
