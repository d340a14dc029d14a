"""What a file may be that nobody has said how to read: a ready mapping whose columns it has, or a first guess."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from shlex import quote
from typing import Final

from streams.imports.files import STANDARD_INPUT
from streams.imports.guessed_names import likeliest
from streams.imports.known_formats import ready_mapping, ready_names
from streams.imports.shape import Shaper

_ASKED: Final = ("customer_id", "occurred_at", "amount", "order_id")
_FEWEST: Final = 4
_MANY: Final = 8
_SHARE: Final = 0.4
_SHARE_OF_CUSTOMERS: Final = 0.33
_OF_FEW: Final = 3
_DISTINCT: Final = 2
_VALUE: Final = re.compile(r"[\d\s.,:/+$€£TZ-]*\d[\d\s.,:/+$€£TZ-]*|\S+@\S+\.\w+")


def hints(name: str, columns: Sequence[str]) -> Iterator[str]:
    """What can be done about a file called ``name`` whose columns say too little; one line each."""
    file = "FILE" if name == STANDARD_INPUT else name
    if looks_like_a_row(columns):
        yield (
            "its first line looks like a row and not like a header: a mapping file (--mapping) with header = false and "
            'names = ["customer_id", "date", …], one for each column, reads it'
        )
    likely = {field: column for field in _ASKED if (column := likeliest(field, columns)) is not None}
    if len(set(likely.values())) > 1:
        yield "by their names, perhaps: " + " ".join(f"--map {quote(f'{name}={of}')}" for name, of in likely.items())
    fitting = best_fitting(columns)
    if fitting:
        yield f"it has columns of the format {fitting}: relasi import --as {fitting} {file}"
    yield f"relasi import --guess {file} > mapping.toml writes a first mapping, for --mapping mapping.toml"


def looks_like_a_row(columns: Sequence[str]) -> bool:
    """Whether most of what should be the names of columns are numbers, dates or addresses."""
    values = sum(_VALUE.fullmatch(column.strip()) is not None for column in columns)
    return values * 2 > len(columns)


def best_fitting(columns: Sequence[str]) -> str | None:
    """The ready mapping that reads the most of these columns, where that is many of them, and some of them are not
    what most exports have."""
    read = {name: _read_by(name, tuple(columns)) for name in ready_names()}
    readers = Counter(column for found in read.values() for column in found)
    best, most = None, _FEWEST - 1
    for name, found in read.items():
        distinct = sum(readers[column] <= _OF_FEW for column in found)
        share = _SHARE_OF_CUSTOMERS if ready_mapping(name).snapshot else _SHARE
        many = len(found) >= _MANY or len(found) >= share * len(columns)
        if len(found) > most and many and distinct >= _DISTINCT:
            best, most = name, len(found)
    return best


def _read_by(name: str, columns: tuple[str, ...]) -> set[str]:
    """Those of the columns that a ready mapping reads."""
    shaper = Shaper(ready_mapping(name))
    return {*shaper.names, *shaper.roots} & set(columns) | set(shaper.alike(columns).values())
