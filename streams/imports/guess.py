"""A first mapping for a file, from the names of its columns and from what stands in them; what is doubtful is said."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.compute as pc

from streams.imports.columns import text_of
from streams.imports.currencies import CODES
from streams.imports.evidence import EITHER, FIRST, SECOND
from streams.imports.files import receive
from streams.imports.guessed_columns import MOST_KINDS, Found, columns_found, known_columns
from streams.imports.instants import instants
from streams.imports.joined import column_of
from streams.imports.kinds import kind_of
from streams.imports.leaves import opened_up
from streams.imports.mapping import Mapping
from streams.imports.nearest import nearest_kinds
from streams.imports.reading import opened
from streams.imports.statuses import expression, no_purchases, says_status
from streams.imports.suggesting import looks_like_a_row

_SAMPLE: Final = 2_000
_WITH_A_ZONE: Final = r"(Z|UTC|[+-]\d\d:?\d\d|[A-Z]\w+/\w+|^\d{9,}(\.0+)?)$"
_CODE: Final = re.compile(r"(?:[(\[](?P<held>[A-Za-z]{3})[)\]]|[a-z][ _](?P<last>[A-Z]{3}))\s*$")
_WORDS: Final = ("NULL", "N/A", "n/a", "NA", "nan", "NaN", "None", "undefined", "-", "#N/A")


def guessed(source: Path | str | BinaryIO, mapping: Mapping, workdir: Path, known: frozenset[str]) -> str:
    """The text of a mapping (TOML) for a file. ``known``: the kinds that the policy names. Raises ``InputProblem``."""
    workdir.mkdir(parents=True, exist_ok=True)
    given = receive(source, workdir, mapping, None)
    reader = opened(given, mapping, workdir, frozenset(), known_columns())
    try:
        block = next(iter(reader.blocks(None)), None)
    finally:
        reader.close()
    columns = {} if block is None else opened_up({name: _sample(of) for name, of in block.columns.items()})
    lines = [
        f"# A first mapping for {given.name}, guessed from its columns and their first values: check each",
        "# line, and try it with `relasi import --dry-run --mapping THIS FILE`.",
        "",
        f'format = "{given.format}"',
    ]
    lines += [f'encoding = "{given.encoding}"'] if given.encoding else []
    return "\n".join([*lines, *_body(columns, known)]) + "\n"


def _sample(column: Any) -> Any:
    return text_of(column.slice(0, _SAMPLE))[0]


def _body(columns: dict[str, Any], known: frozenset[str]) -> Iterator[str]:
    nothing = sorted({word for column in columns.values() for word in _WORDS if _has(column, word)})
    if nothing:
        yield f"nothing = [{', '.join(map(_quoted, nothing))}]       # words that stand for no value"
    if looks_like_a_row(tuple(columns)):
        yield "# header = false   # the first line looks like a row: without a header the columns are called by names:"
        yield f"# names = [{', '.join(_quoted(f'column {n + 1}') for n in range(len(columns)))}]"
    found = list(columns_found(columns, known))
    if not any(one.field == "kind" for one in found):
        yield from _skip(columns)
    times = [one for one in found if one.field == "occurred_at"]
    if times and "UTC" not in times[0].column:
        yield from _time(column_of(columns, times[0].column))
    yield ""
    yield "[columns]"
    for one in found:
        yield f"{_key(one.field)} = {_quoted(one.column)}{'   # ' + one.doubt if one.doubt else ''}"
    fields = {one.field for one in found}
    for field in ("customer_id", "occurred_at"):
        if field not in fields and not (field == "customer_id" and "anonymous_id" in fields):
            yield f'# {field} = ""   # no column looks like it, and a touchpoint needs one'
    read = {name for one in found for name in one.read}
    left = [name for name in columns if name not in read]
    if left:
        yield f"# nothing is made of: {', '.join(left)}"
    yield from _said(fields, columns, found, known)


def _skip(columns: dict[str, Any]) -> Iterator[str]:
    """Rows that a column says were no purchases, where every row is to be one."""
    for name, column in columns.items():
        words = column.drop_null().unique().to_pylist()
        none = no_purchases(words) if says_status(name) and len(words) <= MOST_KINDS else []
        if none:
            yield f"skip = {_literal(expression(name, none))}   # a guess: rows that were no purchases"
            return


def _said(fields: set[str], columns: dict[str, Any], found: list[Found], known: frozenset[str]) -> Iterator[str]:
    money = bool(fields & {"amount", "price"})
    if "kind" not in fields or (money and "currency" not in fields):
        yield ""
        yield "[constants]"
        if "kind" not in fields:
            yield _every(fields, money=money)
        if money and "currency" not in fields:
            yield _currency(found)
    for one in found:
        if one.field == "kind":
            yield ""
            yield "[kinds]"
            yield from _kinds(columns[one.column], known)


def _currency(found: list[Found]) -> str:
    """That of all rows, where an amount's column names it (``Total (EUR)``)."""
    for one in found:
        told = _CODE.search(one.read[-1]) if one.field in ("amount", "price") else None
        code = (told["held"] or told["last"]).upper() if told else ""
        if code in CODES:
            return f'currency = "{code}"   # as {one.read[-1]} says'
    return '# currency = "EUR"   # no column tells the currency of the amounts: say it'


def _every(fields: set[str], *, money: bool) -> str:
    """What every row is, where no column tells."""
    if money or "order_id" in fields:
        return 'kind = "order_completed"   # no column tells what happened: is every row an order?'
    if "satisfaction" in fields:
        return 'kind = "product_reviewed"   # no column tells what happened: is every row a review?'
    return '# kind = "account_created"   # no column tells what happened, and nothing looks like an order: say it'


def _time(values: Any) -> Iterator[str]:
    some = values.drop_null()
    found = instants(some, None, "UTC", FIRST)
    example = some[0].as_py()
    ways = set(found.ways.tolist())
    if (found.bad | found.unclear).any():
        yield f'# time_format = "%Y-%m-%d"   # {example!r} may mean several things: say how it is written'
    elif EITHER in ways and not ways & {FIRST, SECOND}:
        yield f'# time_format = "%d/%m/%Y"   # {example!r} may begin with the day or with the month'
    if not pc.any(pc.match_substring_regex(some, _WITH_A_ZONE)).as_py():
        yield '# timezone = "Europe/Berlin"   # times name no zone: without this they are UTC'


def _kinds(values: Any, known: frozenset[str]) -> Iterator[str]:
    counts = Counter(values.drop_null().to_pylist())
    for word, count in counts.most_common(MOST_KINDS):
        kind = kind_of(word)
        near = nearest_kinds(kind, known)
        if kind in known:
            yield f"# {_quoted(word)} is {kind}, which the policy names ({count:,} of the first rows)"
        elif near:
            also = f"; or {', '.join(near[1:])}" if near[1:] else ""
            yield f"{_quoted(word)} = {_quoted(near[0])}   # a guess ({count:,} of the first rows){also}"
        else:
            yield f'# {_quoted(word)} = ""   # what is it? "" leaves such rows out ({count:,} of the first rows)'


def _has(column: Any, word: str) -> bool:
    return bool(pc.any(pc.equal(column, pa.scalar(word))).as_py())


def _key(field: str) -> str:
    return f'"{field}"' if "." in field else field


def _literal(text: str) -> str:
    return f"'{text}'" if "'" not in text else _quoted(text)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
