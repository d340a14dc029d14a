"""The HTTP collector: requests of unmodified SDKs into the log, by the same columns as imports."""
