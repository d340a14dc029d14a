"""Records of the log and of what leaves it: their Avro schemas, a compiled decoder and a compiled encoder."""
