-- What was imported, by whichever shell. The rows of an import name it (touchpoints.import_id).
CREATE TABLE IF NOT EXISTS imports_raw
(
    id String COMMENT 'Id of the import',
    file String COMMENT 'File, as it was named',
    sha256 String COMMENT 'SHA-256 of the file, in hexadecimal',
    mapping String COMMENT 'How it was read, as JSON: what was said of it and is not found out',
    mapping_digest String COMMENT 'SHA-256 of the mapping, in hexadecimal',
    rows Int64 COMMENT 'Touchpoints that it brought',
    known Int64 COMMENT 'Those of them that were known already and count nothing',
    rejects Int64 COMMENT 'Rows that are no touchpoints',
    customers Int64 COMMENT 'Customers of what was new',
    purchases Int64 COMMENT 'Purchases in what was new, by the policy of that day',
    currencies Array(String) COMMENT 'Currencies of the money in what was new',
    money_in_minor Array(Int64) COMMENT 'What its purchases brought, for each currency, minor units',
    money_back_minor Array(Int64) COMMENT 'What was given back, for each currency, minor units',
    first_at DateTime64(3, 'UTC') COMMENT 'First of its touchpoints that were new',
    last_at DateTime64(3, 'UTC') COMMENT 'Last of them',
    at DateTime64(3, 'UTC') COMMENT 'When it was imported'
)
ENGINE = ReplacingMergeTree(at)
ORDER BY id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_free_disk_bytes_to_perform_insert = 67108864
COMMENT 'What was imported; read the view imports';

CREATE OR REPLACE VIEW imports
(
    id String COMMENT 'Id of the import: import_id of its touchpoints',
    file String COMMENT 'File, as it was named',
    mapping String COMMENT 'How it was read, as JSON: what was said of it and is not found out',
    rows Int64 COMMENT 'Touchpoints that it brought',
    known Int64 COMMENT 'Those of them that were known already and count nothing',
    rejects Int64 COMMENT 'Rows that are no touchpoints',
    customers Int64 COMMENT 'Customers of what was new',
    purchases Int64 COMMENT 'Purchases in what was new, by the policy of that day',
    currencies Array(String) COMMENT 'Currencies of the money in what was new',
    money_in_minor Array(Int64) COMMENT 'What its purchases brought, for each currency, minor units',
    money_back_minor Array(Int64) COMMENT 'What was given back, for each currency, minor units',
    first_at DateTime64(3, 'UTC') COMMENT 'First of its touchpoints that were new; 1970 where nothing was',
    last_at DateTime64(3, 'UTC') COMMENT 'Last of them',
    at DateTime64(3, 'UTC') COMMENT 'When it was imported',
    sha256 String COMMENT 'SHA-256 of the file, in hexadecimal'
)
SQL SECURITY DEFINER AS SELECT
    id, file, mapping, rows, known, rejects, customers, purchases, currencies, money_in_minor, money_back_minor,
    first_at, last_at, at, sha256
FROM imports_raw FINAL
WHERE id NOT IN (SELECT arrayJoin(left_out) FROM editions_raw)
COMMENT 'What was imported, how it was read, and what came of it';
