-- The editions after the first that were ever put in force here; the last one is.
CREATE TABLE IF NOT EXISTS editions_raw
(
    number Int64 COMMENT 'Number of the edition',
    left_out Array(String) COMMENT 'Ids of the imports that count nothing in it',
    known_at DateTime64(3, 'UTC') COMMENT 'When it was put in force, by the clock of whoever did'
)
ENGINE = ReplacingMergeTree
ORDER BY number
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_free_disk_bytes_to_perform_insert = 67108864
COMMENT 'Editions of the log that were put in force';
