"""How times are written, as a guess says it: their pattern, and their zone."""

import re
from collections.abc import Iterator
from typing import Any, Final

import pyarrow.compute as pc

from streams.imports.evidence import EITHER, FIRST, SECOND
from streams.imports.guessed_contents import are_days_of_a_sheet
from streams.imports.instants import instants

_WITH_A_ZONE: Final = r"(Z|UTC|[+-]\d\d:?\d\d|[A-Z]\w+/\w+|^\d{9,}(\.0+)?)$"
_DATE: Final = re.compile(
    r"\d{1,2}(?P<sign>[/.-])\d{1,2}(?P=sign)(?P<year>\d{4}|\d\d)(?: (?P<clock>\d{1,2}:\d\d(?::\d\d)?))?$"
)


def _pattern(some: Any, ways: Any) -> str | None:
    """How dates are written of which some can be read in two ways and others tell which: rows that are left out tell
    nothing when the file is read."""
    told = set(ways.tolist())
    dates = [found for text in some.to_pylist() if (found := _DATE.match(text)) is not None]
    shapes = {(found["sign"], len(found["year"]), (found["clock"] or "").count(":")) for found in dates}
    if EITHER not in told or (FIRST in told) == (SECOND in told) or len(shapes) != 1:
        return None
    if any(_DATE.match(text) is None and any(map(str.isdigit, text)) for text in some.to_pylist()):
        return None
    sign, digits, colons = shapes.pop()
    clock = ("", " %H:%M", " %H:%M:%S")[colons]
    first, second = ("%d", "%m") if FIRST in told else ("%m", "%d")
    return f"{first}{sign}{second}{sign}{'%Y' if digits == 4 else '%y'}{clock}"


def times_told(values: Any) -> Iterator[str]:
    """What a mapping says at its top of a column of times."""
    some = values.drop_null()
    found = instants(some, None, "UTC", FIRST)
    ways, wrong = found.ways, found.bad | found.unclear
    if are_days_of_a_sheet(some):
        yield f'time_format = "excel"   # a guess: {some[0].as_py()!r} counts days as spreadsheets do'
    elif wrong.sum() * 2 > len(some):
        yield f'# time_format = "%Y-%m-%d"   # {some[int(wrong.argmax())].as_py()!r}: say how it is written'
    elif pattern := _pattern(some, ways):
        yield f'time_format = "{pattern}"   # as single ones tell that can be read in one way only'
    elif EITHER in ways and not set(ways.tolist()) & {FIRST, SECOND}:
        example = some[int((ways == EITHER).argmax())].as_py()
        yield f'# time_format = "%d/%m/%Y"   # {example!r} may begin with the day or with the month: say it'
    if not pc.any(pc.match_substring_regex(some, _WITH_A_ZONE)).as_py():
        yield '# timezone = "Europe/Berlin"   # times name no zone: without this they are UTC'
