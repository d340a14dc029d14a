"""Estimates of the churn model's parameters from a purchase log. The only package that uses scipy."""
