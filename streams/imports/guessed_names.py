"""What a column is called, whatever else its name holds: a path, a unit in brackets, what all columns begin with."""

import re
from collections.abc import Collection
from functools import cache
from typing import Final

from streams.imports.currencies import CODES
from streams.imports.field_names import LAST, NAMES
from streams.imports.name_patterns import plain, rank_of

_IN_BRACKETS: Final = re.compile(r"\s*[(\[][A-Za-z]{2,5}[)\]]\s*$")
_CURRENCY: Final = re.compile(r"[ _]+(?:in[ _]+)?([A-Z]{3}|[€$£¥])\s*$")
_FEWEST: Final = 3
_BETWEEN: Final = (" - ", ": ")


def without_unit(name: str) -> str:
    """``Created (UTC)`` and ``Total (EUR)`` without what is in brackets."""
    return _IN_BRACKETS.sub("", name)


def names_of(column: str, columns: Collection[str]) -> list[str]:
    """What a column is called: all of it, the last part of a path, and what is behind that with which all begin."""
    found = [column.removeprefix(prefix_of(tuple(columns)))]
    if "." in column and " " not in column:
        found.append(column.rpartition(".")[2])
    return found


@cache
def prefix_of(columns: tuple[str, ...]) -> str:
    """That with which all names begin, as what the rows are of (``Deal - Title``)."""
    first = columns[0] if len(columns) >= _FEWEST else ""
    prefixes = (first[: first.find(sign) + len(sign)] for sign in _BETWEEN if sign in first)
    return next((prefix for prefix in prefixes if all(name.startswith(prefix) for name in columns)), "")


def name_of(column: str) -> str:
    """What a column is called, ``bare``: of a path its last part, where all of it is no name of a field."""
    named = without_unit(column)
    whole = squeezed(named) in known_columns() or " " in named
    return squeezed(named if whole else named.rpartition(".")[2])


@cache
def known_columns() -> frozenset[str]:
    return frozenset(map(squeezed, " ".join((*NAMES.values(), *LAST.values())).split()))


def squeezed(name: str) -> str:
    """A column's name without what people write it with: ``Customer ID`` and ``customer_id`` are ``customerid``."""
    return re.sub(r"[\W_]+", "", name.lower().replace("ä", "ae").replace("ö", "oe").replace("ü", "ue"))


def stripped(columns: Collection[str]) -> dict[str, str]:
    """What each column is called, ``plain`` and without unit, currency and what all begin with."""
    prefix = prefix_of(tuple(columns))
    return {column: plain(_without_currency(without_unit(column.removeprefix(prefix)))) for column in columns}


def _without_currency(name: str) -> str:
    """``Beitrag EUR`` and ``Fee in $`` without what the amounts are in."""
    told = _CURRENCY.search(name)
    return name[: told.start()] if told and (told[1] in CODES or not told[1].isalpha()) else name


def likeness_of(field: str, column: str, columns: Collection[str]) -> int | None:
    """How well any of a column's names suits a field (``rank_of``)."""
    ranks = (rank_of(field, plain(without_unit(name))) for name in names_of(column, columns))
    return min((rank for rank in ranks if rank is not None), default=None)


def likeliest(field: str, columns: Collection[str]) -> str | None:
    """The column that is called most like a field, as far as names alone tell."""
    prefix = prefix_of(tuple(columns))
    bare = {column: name_of(column.removeprefix(prefix)) for column in columns}
    for name in map(squeezed, NAMES[field].split()):
        found = next((column for column, text in bare.items() if text == name), None)
        if found is not None:
            return found
    ranks = {column: likeness_of(field, column, columns) for column in columns}
    told = {column: rank for column, rank in ranks.items() if rank is not None}
    return min(told, key=told.__getitem__, default=None)
