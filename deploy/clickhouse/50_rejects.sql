-- The payload's hash is part of the key: two files of the same name may both have a bad line 7.
CREATE TABLE IF NOT EXISTS rejects_raw
(
    reason String COMMENT 'Why, as one of a fixed set of words',
    detail String COMMENT 'Why, in words for a person',
    source String COMMENT 'Topic or file that it came from',
    position Int64 COMMENT 'Offset in the partition, or line of the file',
    `partition` Int32 COMMENT 'Partition of the topic; -1 for a file',
    at DateTime64(3, 'UTC') COMMENT 'Instant of the log at which it was refused',
    payload String COMMENT 'The original bytes, the first mebibyte of them'
)
ENGINE = ReplacingMergeTree
ORDER BY (source, `partition`, position, sipHash64(payload))
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_free_disk_bytes_to_perform_insert = 67108864
COMMENT 'What could not be used; may hold one twice until parts are merged: read the view rejects';

ALTER TABLE rejects_raw
    ADD COLUMN IF NOT EXISTS records Int64 DEFAULT 1
        COMMENT 'Number of records that it stands for: more than one where a batch could not be expanded',
    ADD COLUMN IF NOT EXISTS payload_bytes Int64 DEFAULT length(payload)
        COMMENT 'Number of the original bytes; payload has the first of them where they are too many',
    ADD COLUMN IF NOT EXISTS payload_sha256 String DEFAULT lower(hex(SHA256(payload)))
        COMMENT 'SHA-256 of all original bytes, in hexadecimal';

CREATE OR REPLACE VIEW rejects
(
    reason String COMMENT 'Why, as one of a fixed set of words',
    detail String COMMENT 'Why, in words for a person',
    source String COMMENT 'Topic or file that it came from',
    position Int64 COMMENT 'Offset in the partition, or line of the file counted from 1',
    `partition` Int32 COMMENT 'Partition of the topic; -1 for a file',
    at DateTime64(3, 'UTC') COMMENT 'Instant of the log at which it was refused',
    payload String COMMENT 'The original bytes as text; as hexadecimal digits when they are no UTF-8',
    payload_base64 String COMMENT 'The same bytes exactly, in Base64',
    records Int64 COMMENT 'Number of records that it stands for: more than one where a batch could not be expanded',
    payload_bytes Int64 COMMENT 'Number of the original bytes; payload has the first mebibyte of them',
    payload_sha256 String COMMENT 'SHA-256 of all original bytes, in hexadecimal'
)
SQL SECURITY DEFINER AS SELECT
    reason, detail, source, position, `partition`, at,
    if(isValidUTF8(rejects_raw.payload), rejects_raw.payload, hex(rejects_raw.payload)) AS payload,
    base64Encode(rejects_raw.payload) AS payload_base64,
    records, payload_bytes, payload_sha256
FROM rejects_raw FINAL
COMMENT 'What could not be used, with its bytes and the reason';
