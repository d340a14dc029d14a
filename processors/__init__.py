"""The model of customer relationships: pure functions over integers, bytes and arrays.

Nothing in this package reads a clock, a file, the network, the environment or a source of randomness.
"""
