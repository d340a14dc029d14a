"""Which column of a file is which field, as far as names and values tell; with what is doubtful about it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

import pyarrow.compute as pc

from streams.imports.evidence import FIRST
from streams.imports.field_names import ADDRESSES, LIKE, NAMES, TIMES_OF_DAY, UNIT_PRICES, ZONES
from streams.imports.instants import instants
from streams.imports.joined import SIGN, column_of
from streams.imports.kinds import kind_of
from streams.imports.mapping import LINE
from streams.imports.statuses import is_of_orders, says_status

_UNCLEAR: Final = 0.5
_CLEAR: Final = 0.95
_FEW: Final = 0.2
_TIME_OF_DAY: Final = r"^\d{1,2}[:.h]\d{2}(\D.*)?$"
_IN_BRACKETS: Final = re.compile(r"\s*[(\[][A-Za-z]{2,5}[)\]]\s*$")
MOST_KINDS: Final = 20
"""A column with more different values does not say what happened."""


@dataclass(frozen=True)
class Found:
    """A column, or an expression over some, that may be a field; ``doubt``: a comment for who checks it."""

    field: str
    column: str
    doubt: str = ""
    of: tuple[str, ...] = ()
    """The columns of an expression."""

    @property
    def read(self) -> tuple[str, ...]:
        """The columns that it takes."""
        return self.of or (self.column,)


def columns_found(columns: dict[str, Any], known: frozenset[str]) -> Iterator[Found]:
    """What is found in columns of texts, by their names; ``known``: the kinds that the policy names."""
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
        if found is not None and field == "customer_id":
            found = _address(found, free, columns)
        if found is not None and field == "occurred_at":
            found = _with_the_time_of_day(
                found, {name: text for name, text in bare.items() if name not in taken}, columns
            )
        if found is not None and field == "kind" and _is_status(found.column, columns, known):
            continue
        if found is not None:
            taken.update(found.read)
            yield found if found.doubt else replace(found, doubt=_doubt(field, found.column, columns[found.column]))


def _with_the_time_of_day(found: Found, free: dict[str, str], columns: dict[str, Any]) -> Found:
    """A date joined with the time of day, and its zone where that can be read, which stand in columns beside it."""
    for names, pattern in ((TIMES_OF_DAY, _TIME_OF_DAY), (ZONES, r".")):
        # A zone without a time of day says nothing.
        if names is ZONES and not found.of:
            break
        for name in (column for name in names for column, text in free.items() if text == _bare(name)):
            some = columns[name].drop_null()
            told = Found("occurred_at", f"{found.column}{SIGN}{name}", "", (*found.read, name))
            fits = len(some) > 0 and pc.all(pc.match_substring_regex(some, pattern)).as_py()
            if fits and SIGN not in name and _share_of_times(column_of(columns, told.column).drop_null()) > _CLEAR:
                found = replace(told, doubt="a date and its time")
                break
    return found


def _address(found: Found, free: dict[str, str], columns: dict[str, Any]) -> Found:
    """The address of who is called by name."""
    some = columns[found.column].drop_null()
    named = not pc.any(pc.match_substring_regex(some, r"\d")).as_py() and pc.any(pc.match_substring(some, " ")).as_py()
    others = [column for column, text in free.items() if text in map(_bare, ADDRESSES)]
    return Found("customer_id", others[0]) if named and others else found


def _is_status(column: str, columns: dict[str, Any], known: frozenset[str]) -> bool:
    """Whether a column says what became of the orders that rows are: then every row is one."""
    words = columns[column].drop_null().unique().to_pylist()
    return says_status(column) and is_of_orders(words) and known.isdisjoint(map(kind_of, words))


def _of_one(found: Found, free: dict[str, str], *, has_sku: bool) -> Found | None:
    """An amount that is the price of one piece, where rows have quantities; None: it is that of a line."""
    if free[found.column] not in map(_bare, UNIT_PRICES):
        return found
    quantity = _named("quantity", free)
    if quantity is None or has_sku:
        return found if quantity is None else None
    text = f"=`{quantity.column}` * `{found.column}`"
    return Found("amount", text, "a quantity and a price: is it the price of one?", (quantity.column, found.column))


def _named(field: str, free: dict[str, str]) -> Found | None:
    """The column that has one of the field's names, the first of them that there is."""
    for name in NAMES[field].split():
        for column, text in free.items():
            if text == _bare(name):
                return Found(field, column)
    return None


def _like(field: str, free: dict[str, str], columns: dict[str, Any]) -> Found | None:
    """The first column whose name looks like one of the field's."""
    for pattern in LIKE.get(field, ()):
        for column, text in free.items():
            some = columns[column].drop_null()
            if re.search(pattern, text) and (field != "occurred_at" or _share_of_times(some) > 0):
                return Found(field, column, f"by its name and such as {some[0].as_py()!r}: is it?")
    return None


def _name_of(column: str) -> str:
    """What a column is called, ``bare``: of a path its last part, where all of it is no name of a field."""
    named = _IN_BRACKETS.sub("", column)  # Created (UTC), Total (EUR)
    whole = _bare(named) in known_columns() or " " in named
    return _bare(named if whole else named.rpartition(".")[2])


@cache
def known_columns() -> frozenset[str]:
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
        return len(some.unique()) <= MOST_KINDS
    if field == "channel":  # else these are ids, or pages
        return len(some.unique()) <= max(MOST_KINDS // 2, _FEW * len(some))
    return True


def _doubt(field: str, column: str, values: Any) -> str:
    some, name = values.drop_null(), _name_of(column)
    example = some[0].as_py()
    if field == "customer_id" and name in ("id", "name", "account"):
        return f"such as {example!r}: is this the customer?"
    if field == "amount" and name in ("price", "value", "subtotal"):
        return f"such as {example!r}: is this the amount of the whole row?"
    if name not in known_columns() or (_bare(column) not in known_columns() and "." in column):
        return f"by the last part of its path, such as {example!r}: is it?"
    if len(some) < len(values) * _UNCLEAR:
        return f"empty in {len(values) - len(some):,} of the first {len(values):,} rows"
    return ""


def _share_of_times(some: Any) -> float:
    found = instants(some, None, "UTC", FIRST)
    return 1.0 - float((found.bad | found.unclear | found.lost).mean())
