"""What is wrong with a mapping: a text for everything, each beginning with the key."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from streams.imports.choices import CHOICES, problems_of_choices
from streams.imports.mapped import DELIMITERS, FORMATS, LINE, NAMES, NUMBERED, TIMES, Mapping, property_of


def problems_of(mapping: Mapping) -> Iterator[str]:
    """All problems, a text each."""
    for table, names in (("columns", mapping.columns), ("constants", mapping.constants)):
        for name in names:
            if (
                name not in (*NAMES, *LINE)
                and property_of(name) is None
                and (table == "columns" or name not in CHOICES)
            ):
                fields = ", ".join((*NAMES, *LINE))
                yield f"{table}.{name}: not a field of a touchpoint; fields are {fields}, properties.<name>"
    for name in sorted(set(mapping.columns) & set(mapping.constants)):
        yield f"{name}: mapped to a column and set to a constant; keep one of the two"
    for name in set(mapping.time_formats) - set(TIMES):
        yield f"time_format.{name}: only {' and '.join(TIMES)} are times"
    for pattern in sorted(set(mapping.time_formats.values()) - set(NUMBERED)):
        if (why := _not_a_pattern(pattern)) is not None:
            yield f"time_format: {pattern!r} {why}"
    yield from problems_of_choices(mapping.choices)
    yield from _problems_of_shape(mapping)
    yield from _problems_of_text(mapping)


def _problems_of_shape(mapping: Mapping) -> Iterator[str]:
    tables: list[tuple[str, Iterable[str]]] = [("computed", mapping.computed), ("values", mapping.values)]
    for i, rule in enumerate(mapping.touchpoints):
        tables += [(f"touchpoints.{i}", table) for table in (rule.columns, rule.constants, rule.computed)]
    for table, names in tables:
        for name in names:
            if name not in (*NAMES, *LINE) and property_of(name) is None:
                yield f"{table}.{name}: not a field of a touchpoint; fields are {', '.join((*NAMES, *LINE))}"
    expressions = [(f"computed.{name}", text) for name, text in mapping.computed.items()]
    expressions += [("snapshot.left", text) for text in mapping.snapshot.get("left", ())]
    expressions += [("skip", mapping.skip)] if mapping.skip else []
    for i, rule in enumerate(mapping.touchpoints):
        expressions += [(f"touchpoints.{i}.{name}", text) for name, text in rule.computed.items()]
        expressions += [(f"touchpoints.{i}.when", rule.when)] if rule.when else []
    for key, text in expressions:
        if (why := _not_an_expression(text)) is not None:
            yield f"{key}: {why}"
    if mapping.fill and set(mapping.fill) != {"by", "columns"}:
        yield 'fill: expected by = "Name" (what rows of one have in common) and columns = ["Email"] (what is filled)'
    if mapping.snapshot and not {"months", "years", "since"} & set(mapping.snapshot):
        yield 'snapshot: expected months = "tenure", years = "years_with_us" or since = "start_date"'
    if mapping.lines and not {"from", "sku"} <= set(mapping.lines):
        yield 'lines: expected from = "items[]" (where the items are) and sku = "item_id" (their article)'


def _not_an_expression(text: str) -> str | None:
    from streams.imports.expressions import Expression, ExpressionProblem

    try:
        Expression(text)
    except ExpressionProblem as problem:
        return str(problem)
    return None


def _problems_of_text(mapping: Mapping) -> Iterator[str]:
    if mapping.format is not None and mapping.format not in FORMATS:
        yield f"format: {mapping.format!r} is none of {', '.join(FORMATS)}"
    if mapping.delimiter is not None and not _is_delimiter(mapping.delimiter):
        yield f"delimiter: {mapping.delimiter!r} is neither one ASCII character nor one of {', '.join(DELIMITERS)}"
    if mapping.encoding is not None and not _is_encoding(mapping.encoding):
        yield f"encoding: {mapping.encoding!r} is none that is known; expected one such as windows-1252 or utf-16"
    if mapping.timezone is not None and not is_zone(mapping.timezone):
        yield f"timezone: {mapping.timezone!r} is no zone; expected one such as Asia/Jakarta or +07:00"
    if mapping.decimal not in (None, ".", ","):
        yield f"decimal: {mapping.decimal!r} is neither a point nor a comma"


def _not_a_pattern(pattern: str) -> str | None:
    if not any(year in pattern for year in ("%Y", "%y", "%G", "%c", "%x")):
        return f"has no year; expected a pattern such as %Y-%m-%d, or {', '.join(NUMBERED)}"
    try:
        datetime.strptime(datetime(2000, 1, 2, tzinfo=UTC).strftime(pattern), pattern)  # noqa: DTZ007
    except ValueError as error:
        return f"is no strptime pattern: {error}"
    return None


def _is_encoding(name: str) -> bool:
    try:
        "text".encode(name)
    except (LookupError, UnicodeError):
        return False
    return True


def is_zone(name: str) -> bool:
    """Whether a text is a name of the IANA database, or an offset such as +07:00."""
    if re.fullmatch(r"[+-](?:[01]\d|2[0-3]):[0-5]\d", name):
        return True
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _is_delimiter(text: str) -> bool:
    return text in DELIMITERS or (len(text) == 1 and text.isascii() and text not in '"\r\n')
