"""Stages, episodes and their ends: from a row to its transitions, corrections included."""
