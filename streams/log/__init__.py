"""What stands in the log and how it gets there: messages, ticks, record batches, partitioning, and the writer."""
