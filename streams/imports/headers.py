"""Where the header of a table stands, below what some programs write before it: a title, a period, an owner."""

from collections.abc import Collection, Sequence
from typing import Final

from streams.imports.likeness import bare

FEWEST_NAMES: Final = 3
ROWS: Final = 50
"""So many rows are looked at."""


def header_of(rows: Sequence[Sequence[str]], known: Collection[str]) -> int:
    """The place of the header among the first rows of a table, each a sequence of texts.

    It is the row with the most names that are ``known`` (``likeness.bare``), and three of them. Where no row has three,
    and the first that says something fills less than half as many cells as others do, it is the first that fills as
    many: that one is a title.
    """
    counts = [sum(bare(text) in known for text in row) for row in rows]
    most = max(counts, default=0)
    if most >= FEWEST_NAMES:
        return counts.index(most)
    filled = [sum(bool(text.strip()) for text in row) for row in rows]
    widest = max(filled, default=0)
    if not widest:
        return 0
    first = next((i for i, count in enumerate(filled) if count), 0)
    if widest < FEWEST_NAMES or 2 * filled[first] > widest:
        return first
    return next(i for i, count in enumerate(filled) if count >= FEWEST_NAMES and 4 * count >= 3 * widest)
