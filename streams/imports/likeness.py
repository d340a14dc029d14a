"""Names of columns that are the same however people write them: ``Customer ID``, ``customer_id``, ``CUSTOMERID``.

Exports differ in these by version, by language setting and by the program that a file went through, so a mapping whose
columns are optional takes a name that is alike where the very name is not there.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import Final

from streams.imports.blocks import Block
from streams.imports.paths import root_of

_LEFT_OUT: Final = re.compile(r"[\s_\-./:*\ufeff\u200b]+")
EACH: Final = "each"
"""The element of an array that a mapping goes through: no column is alike."""
_OF_ANYTHING: Final = frozenset(("id", "name", "type", "key", "status"))
"""Members whose names say nothing without what they are of: ``customer.id`` is not the ``Id`` of an order."""
_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


@cache
def bare(name: str) -> str:
    """A name in small letters, without spaces and the signs that stand for them."""
    return _LEFT_OUT.sub("", name.casefold().translate(_UMLAUTS))


def alike(names: Iterable[str], columns: Sequence[str]) -> dict[str, str]:
    """For each of these names that is no column itself: the one column that is alike.

    A path into a column that is not there may be a column of its own: ``properties.total`` is ``properties_total``, or
    ``total``. Where several columns are alike none of them is taken.
    """
    present = set(columns)
    found: dict[str, list[str]] = {}
    for column in columns:
        found.setdefault(bare(column), []).append(column)
    wanted = list(names)
    exact = set(wanted)
    roots = {root for name in wanted if (root := root_of(name)) is not None}
    alike: dict[str, str] = {}
    for name in wanted:
        root = root_of(name)
        if name in present or root in present or root == EACH:
            continue
        inner = "" if root is None else bare(name[len(root) :])
        tried = [bare(name), inner] if inner and inner not in _OF_ANYTHING else [bare(name)]
        columns_alike = next((found[text] for text in tried if text in found), [])
        if len(columns_alike) != 1:
            continue
        column = columns_alike[0]
        # What a path leads into is no value by itself, and what another name says in full is that one's.
        if (column not in exact) if root is not None else (column not in roots or name in roots):
            alike[name] = column
    return alike


def renamed(block: Block, names: dict[str, str]) -> Block:
    """A block in which columns are also known by these names (name to column)."""
    there = {name: column for name, column in names.items() if column in block.columns}
    if not there:
        return block
    columns = block.columns | {name: block.columns[column] for name, column in there.items()}
    numbers = block.numbers | {name for name, column in there.items() if column in block.numbers}
    held = {name: block.nested[column] for name, column in there.items() if column in block.nested}
    return replace(block, columns=columns, numbers=numbers, nested={**block.nested, **held})
