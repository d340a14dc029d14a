"""A first mapping for a file, from the names of its columns and from what stands in them; what is doubtful is said."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.compute as pc

from streams.imports.columns import text_of
from streams.imports.evidence import EITHER, FIRST, SECOND
from streams.imports.field_names import LIKE, NAMES, UNIT_PRICES
from streams.imports.files import receive
from streams.imports.instants import instants
from streams.imports.kinds import kind_of
from streams.imports.leaves import opened_up
from streams.imports.mapping import LINE, Mapping
from streams.imports.nearest import nearest_kinds
from streams.imports.reading import opened
from streams.imports.statuses import expression, no_purchases, says_status
from streams.imports.suggesting import looks_like_a_row

_SAMPLE: Final = 2_000
_KINDS: Final = 20
_UNCLEAR: Final = 0.5
_WORDS: Final = ("NULL", "N/A", "n/a", "NA", "nan", "NaN", "None", "undefined", "-", "#N/A")


@dataclass(frozen=True)
class _Found:
    field: str
    column: str
    doubt: str = ""
    of: tuple[str, ...] = ()
    """The columns of an expression."""

    @property
    def read(self) -> tuple[str, ...]:
        """The columns that it takes."""
        return self.of or (self.column,)


def guessed(source: Path | str | BinaryIO, mapping: Mapping, workdir: Path, known: frozenset[str]) -> str:
    """The text of a mapping (TOML) for a file. ``known``: the kinds that the policy names. Raises ``InputProblem``."""
    workdir.mkdir(parents=True, exist_ok=True)
    given = receive(source, workdir, mapping, None)
    reader = opened(given, mapping, workdir, frozenset(), _known())
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
    found = list(_fields(columns))
    if not any(one.field == "kind" for one in found):
        yield from _skip(columns)
    times = [one for one in found if one.field == "occurred_at"]
    yield from _time(columns[times[0].column]) if times else ()
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
        none = no_purchases(words) if says_status(name) and len(words) <= _KINDS else []
        if none:
            yield f"skip = {_literal(expression(name, none))}   # a guess: rows that were no purchases"
            return


def _said(fields: set[str], columns: dict[str, Any], found: list[_Found], known: frozenset[str]) -> Iterator[str]:
    money = bool(fields & {"amount", "price"})
    if "kind" not in fields or (money and "currency" not in fields):
        yield ""
        yield "[constants]"
        if "kind" not in fields:
            kind, what = ("order_completed", "an order")
            if "satisfaction" in fields and not money:
                kind, what = ("product_reviewed", "a review")
            yield f'kind = "{kind}"   # no column tells what happened: is every row {what}?'
        if money and "currency" not in fields:
            yield '# currency = "EUR"   # no column tells the currency of the amounts: say it'
    for one in found:
        if one.field == "kind":
            yield ""
            yield "[kinds]"
            yield from _kinds(columns[one.column], known)


def _fields(columns: dict[str, Any]) -> Iterator[_Found]:
    bare = {name: _name_of(name) for name in columns}
    taken: set[str] = set()
    has_sku = any(_bare(name) in bare.values() for name in NAMES["sku"].split())
    for field in NAMES:
        if field in LINE and not has_sku:
            continue
        free = {name: text for name, text in bare.items() if name not in taken and _may_be(field, columns[name])}
        found = _named(field, free) or _like(field, free, columns)
        if found is not None and field == "amount":
            found = _of_one(found, free, has_sku=has_sku)
        if found is not None:
            taken.update(found.read)
            yield (
                found
                if found.of
                else replace(found, doubt=found.doubt or _doubt(field, found.column, columns[found.column]))
            )


def _of_one(found: _Found, free: dict[str, str], *, has_sku: bool) -> _Found | None:
    """An amount that is the price of one piece, where rows have quantities; None: it is that of a line."""
    if free[found.column] not in map(_bare, UNIT_PRICES):
        return found
    quantity = _named("quantity", free)
    if quantity is None or has_sku:
        return found if quantity is None else None
    text = f"=`{quantity.column}` * `{found.column}`"
    return _Found("amount", text, "a quantity and a price: is it the price of one?", (quantity.column, found.column))


def _named(field: str, free: dict[str, str]) -> _Found | None:
    """The column that has one of the field's names, the first of them that there is."""
    for name in NAMES[field].split():
        for column, text in free.items():
            if text == _bare(name):
                return _Found(field, column)
    return None


def _like(field: str, free: dict[str, str], columns: dict[str, Any]) -> _Found | None:
    """The first column whose name looks like one of the field's."""
    for pattern in LIKE.get(field, ()):
        for column, text in free.items():
            some = columns[column].drop_null()
            if re.search(pattern, text) and (field != "occurred_at" or _share_of_times(some) > 0):
                return _Found(field, column, f"by its name and such as {some[0].as_py()!r}: is it?")
    return None


def _name_of(column: str) -> str:
    """What a column is called, ``bare``: of a path its last part, where all of it is no name of a field."""
    return _bare(column) if _bare(column) in _known() else _bare(column.rpartition(".")[2])


@cache
def _known() -> frozenset[str]:
    return frozenset(map(_bare, " ".join(NAMES.values()).split()))


def _bare(name: str) -> str:
    """A column's name without what people write it with: ``Customer ID`` and ``customer_id`` are ``customerid``."""
    return re.sub(r"[^a-z0-9]+", "", name.lower().replace("ä", "ae").replace("ö", "oe").replace("ü", "ue"))


def _may_be(field: str, values: Any) -> bool:
    some = values.drop_null()
    if len(some) == 0:
        return False
    if field == "occurred_at":
        return _share_of_times(some) > 0 or bool(pc.any(pc.match_substring_regex(some, r"\d")).as_py())
    if field in ("amount", "price", "quantity", "satisfaction"):
        return bool(pc.any(pc.match_substring_regex(some, r"\d")).as_py()) or field == "satisfaction"
    if field == "event_id":
        return len(some.unique()) == len(values)
    if field == "kind":
        return len(some.unique()) <= _KINDS
    return True


def _doubt(field: str, column: str, values: Any) -> str:
    some, name = values.drop_null(), _name_of(column)
    example = some[0].as_py()
    if field == "customer_id" and name in ("id", "name", "account"):
        return f"such as {example!r}: is this the customer?"
    if field == "amount" and name in ("price", "value", "subtotal"):
        return f"such as {example!r}: is this the amount of the whole row?"
    if _bare(column) not in _known():
        return f"by the last part of its path, such as {example!r}: is it?"
    if len(some) < len(values) * _UNCLEAR:
        return f"empty in {len(values) - len(some):,} of the first {len(values):,} rows"
    return ""


def _share_of_times(some: Any) -> float:
    found = instants(some, None, "UTC", FIRST)
    return 1.0 - float((found.bad | found.unclear | found.lost).mean())


def _time(values: Any) -> Iterator[str]:
    some = values.drop_null()
    found = instants(some, None, "UTC", FIRST)
    example = some[0].as_py()
    ways = set(found.ways.tolist())
    if (found.bad | found.unclear).any():
        yield f'# time_format = "%Y-%m-%d"   # {example!r} may mean several things: say how it is written'
    elif EITHER in ways and not ways & {FIRST, SECOND}:
        yield f'# time_format = "%d/%m/%Y"   # {example!r} may begin with the day or with the month'
    if not pc.any(pc.match_substring_regex(some, r"(Z|UTC|[+-]\d\d:?\d\d|^\d{9,}(\.0+)?)$")).as_py():
        yield '# timezone = "Europe/Berlin"   # times name no zone: without this they are UTC'


def _kinds(values: Any, known: frozenset[str]) -> Iterator[str]:
    counts = Counter(values.drop_null().to_pylist())
    for word, count in counts.most_common(_KINDS):
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
