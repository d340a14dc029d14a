-- The logs that the reports were ever filled from. Of two logs the one that was made later has the greater epoch; rows
-- from before there were epochs have 0, and count as those of the first log that is written here.
CREATE TABLE IF NOT EXISTS logs_raw
(
    id String COMMENT 'Identity of the log: made with it, on Kafka that of the topic of touchpoints',
    epoch Int64 COMMENT 'Which log it is, by the order in which logs were made',
    known_at DateTime64(3, 'UTC') COMMENT 'When it was first written here, by the clock of whoever wrote it'
)
ENGINE = ReplacingMergeTree
ORDER BY (id, epoch)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_free_disk_bytes_to_perform_insert = 67108864
COMMENT 'Logs that the reports were filled from';
