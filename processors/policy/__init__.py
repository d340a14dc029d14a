"""What touchpoints mean: policies read from TOML, checked, and compiled into numbers and tables."""
