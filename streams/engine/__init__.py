"""The engine of one partition: record batches in, facts and checkpoint records out."""
