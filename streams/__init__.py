"""Touchpoints in, relationships out: the engine, its shells, importers, reports and commands."""
