"""What a file may be that nobody has said how to read: a ready mapping whose columns it has, or a first guess."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from streams.imports.files import STANDARD_INPUT
from streams.imports.known_formats import ready_mapping, ready_names
from streams.imports.shape import Shaper

_FEWEST: Final = 4
_MANY: Final = 8
_SHARE: Final = 0.4
_VALUE: Final = re.compile(r"[\d\s.,:/+$€£TZ-]*\d[\d\s.,:/+$€£TZ-]*|\S+@\S+\.\w+")


def hints(name: str, columns: Sequence[str]) -> Iterator[str]:
    """What can be done about a file called ``name`` whose columns say too little; one line each."""
    file = "FILE" if name == STANDARD_INPUT else name
    if looks_like_a_row(columns):
        yield (
            "its first line looks like a row and not like a header: a mapping file (--mapping) with header = false and "
            'names = ["customer_id", "date", …], one for each column, reads it'
        )
    fitting = best_fitting(columns)
    if fitting:
        yield f"it has columns of the format {fitting}: relasi import --as {fitting} {file}"
    yield f"relasi import --guess {file} > mapping.toml writes a first mapping, for --mapping mapping.toml"


def looks_like_a_row(columns: Sequence[str]) -> bool:
    """Whether most of what should be the names of columns are numbers, dates or addresses."""
    values = sum(_VALUE.fullmatch(column.strip()) is not None for column in columns)
    return values * 2 > len(columns)


def best_fitting(columns: Sequence[str]) -> str | None:
    """The ready mapping that reads the most of these columns, where that is many of them."""
    best, most = None, _FEWEST - 1
    for name in ready_names():
        shaper = Shaper(ready_mapping(name))
        known = {*shaper.names, *shaper.roots}
        read = len(known & set(columns) | set(shaper.alike(tuple(columns)).values()))
        if read > most and (read >= _MANY or read >= _SHARE * len(columns)):
            best, most = name, read
    return best
