"""What comes out of a partition, beside its checkpoint: one module each, and one list of them."""
