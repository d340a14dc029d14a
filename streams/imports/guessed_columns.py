"""Which column of a file is which field, as far as names and values tell; with what is doubtful about it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import pyarrow.compute as pc

from streams.imports.field_names import ADDRESSES, LAST, NAMES, TIMES_OF_DAY, UNIT_PRICES, ZONES
from streams.imports.guessed_contents import (
    CLEAR,
    UNCLEAR,
    are_days_of_a_sheet,
    may_be,
    number_of,
    share_of,
    share_of_times,
)
from streams.imports.guessed_names import known_columns, likeness_of, name_of, prefix_of, squeezed
from streams.imports.joined import SIGN, column_of
from streams.imports.kinds import kind_of
from streams.imports.mapping import LINE
from streams.imports.name_patterns import MAIL, MINOR, NO_DATE, THOUSANDS, plain, rank_of
from streams.imports.nearest import STATES, meant_kind
from streams.imports.statuses import is_of_orders, no_purchases, says_sign, says_status

_UNIT: Final = re.compile(r"(?:[(\[]|\bin\s+)(?:in\s+)?([A-Za-z€]+)[)\]]?\s*$")
_DATE: Final = r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}"
_TIME_OF_DAY: Final = r"^\d{1,2}[:.h]\d{2}(\D.*)?$"


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


_WON: Final = frozenset(("won", "closed_won", "deal_won", "gewonnen"))
_STAFF: Final = ("user", "uid", "useremail")
_CUSTOMERS: Final = re.compile(r"^(?:customer|client|buyer|guest|shopper|member|patient|kunde)")
_TAX: Final = re.compile(r"(?:tax|vat|mwst|ust|tva|iva|btw|moms|gst)(?:amount|es|total|betrag)?$")
_CENT: Final = 0.005
_FIVE: Final = 5
_TEN: Final = 10
_WEAK: Final = ("type", "status", "stage", "state")
"""Names that may say of anything what it is."""


def columns_found(columns: dict[str, Any], known: frozenset[str]) -> Iterator[Found]:
    """What is found in columns of texts, by their names; ``known``: the kinds that the policy names."""
    prefix = prefix_of(tuple(columns))
    bare = {name: name_of(name.removeprefix(prefix)) for name in columns}
    taken: set[str] = set()
    has_sku = any(squeezed(name) in bare.values() for name in NAMES["sku"].split())
    for field in NAMES:
        if field in LINE and not has_sku:
            continue
        free = {name: text for name, text in bare.items() if name not in taken and may_be(field, columns[name])}
        found = _named(field, free) or _like(field, free, columns) or _named(field, free, LAST)
        if found is not None and field == "customer_id" and _numbers_rows(found, columns):
            continue
        if found is not None and field == "amount":
            found = _counted(_of_one(_with_the_tax(found, free, columns), free, has_sku=has_sku))
        if found is not None and field == "satisfaction":
            found = _rescaled(found, columns[found.column])
        if found is not None and field == "customer_id":
            found = _address(_no_staff(found, free), free, columns)
        if found is None and field == "occurred_at":
            found = _only_times(free, columns)
        if found is not None and field == "occurred_at":
            found = _with_the_time_of_day(
                found, {name: text for name, text in bare.items() if name not in taken}, columns
            )
        if field == "kind":
            found = _kind(found, free, columns, known)
        if found is not None:
            taken.update(found.read)
            yield found if found.doubt else replace(found, doubt=_doubt(field, found.column, columns[found.column]))


def _only_times(free: dict[str, str], columns: dict[str, Any]) -> Found | None:
    """The column of dates, whatever it is called, where the file has no other."""
    told = [
        name
        for name in free
        if share_of(some := columns[name].drop_null(), _DATE) > CLEAR and share_of_times(some) > CLEAR
    ]
    if len(told) != 1 or NO_DATE.search(plain(told[0])):
        return None
    return Found("occurred_at", told[0], "the only column of dates: is it when it happened?")


def _with_the_time_of_day(found: Found, free: dict[str, str], columns: dict[str, Any]) -> Found:
    """A date joined with the time of day, and its zone where that can be read, which stand in columns beside it."""
    for names, pattern in ((TIMES_OF_DAY, _TIME_OF_DAY), (ZONES, r".")):
        # A zone without a time of day says nothing.
        if names is ZONES and not found.of:
            break
        for name in (column for name in names for column, text in free.items() if text == squeezed(name)):
            some = columns[name].drop_null()
            told = Found("occurred_at", f"{found.column}{SIGN}{name}", "", (*found.read, name))
            fits = len(some) > 0 and pc.all(pc.match_substring_regex(some, pattern)).as_py()
            if fits and SIGN not in name and _joined_well(columns, told.column, name):
                found = replace(told, doubt="a date and its time")
                break
    return found


def _numbers_rows(found: Found, columns: dict[str, Any]) -> bool:
    """Whether a column called ``id`` has another value in every row, beside amounts: it is that of the row then."""
    some = columns[found.column].drop_null()
    money = any(rank_of("amount", plain(column)) is not None for column in columns)
    return money and name_of(found.column) == "id" and len(some) > 1 and len(some.unique()) == len(some)


def _address(found: Found, free: dict[str, str], columns: dict[str, Any]) -> Found:
    """The address of who is called by name."""
    some = columns[found.column].drop_null()
    named = not pc.any(pc.match_substring_regex(some, r"\d")).as_py() and pc.any(pc.match_substring(some, " ")).as_py()
    others = [
        column
        for column, text in free.items()
        if text in map(squeezed, ADDRESSES) or (MAIL.search(plain(column)) and _is_address(columns[column]))
    ]
    return Found("customer_id", others[0]) if named and others else found


def _joined_well(columns: dict[str, Any], joined: str, name: str) -> bool:
    """Whether columns that are joined are times, where the last of them says something."""
    return share_of_times(column_of(columns, joined).filter(columns[name].is_valid()).drop_null()) > CLEAR


def _kind(found: Found | None, free: dict[str, str], columns: dict[str, Any], known: frozenset[str]) -> Found | None:
    """The column that says what happened: the named one, or another that looks like it, where its words mean it."""
    money = any(rank_of("amount", plain(column)) is not None for column in columns)
    if money and (sign := _of_signs(free, columns)) is not None:
        return sign
    others = {column: text for column, text in free.items() if found is None or column != found.column}
    for each in (found, _like("kind", others, columns), _of_deals(free, columns)):
        if each is not None and not _says_no_kind(each, columns, known, money=money):
            return each
    return None


def _of_signs(free: dict[str, str], columns: dict[str, Any]) -> Found | None:
    """The column that says which amounts went the other way, where none of them has a sign itself."""
    column = next((name for name in free if says_sign(name) and len(columns[name].drop_null().unique()) > 1), None)
    sums = [columns[name] for name in columns if column and rank_of("amount", plain(name)) is not None]
    if column is None or any(number is not None and number < 0 for values in sums for number in _numbers(values)):
        return None
    return Found("kind", column, "which of the two is money in?")


def _of_deals(free: dict[str, str], columns: dict[str, Any]) -> Found | None:
    """The column that says which deals were won: the rows of all others were none."""
    for column in free:
        named = squeezed(column).endswith(("stage", "phase", "status", "statuslabel", "statustype", "outcome"))
        if named and any(kind_of(word) in _WON for word in columns[column].drop_null().unique().to_pylist()):
            return Found("kind", column, "by words such as won: is it?")
    return None


def _is_address(values: Any) -> bool:
    some = values.drop_null()
    return len(some) > 0 and share_of(some, "@") >= UNCLEAR


def _says_no_kind(found: Found, columns: dict[str, Any], known: frozenset[str], *, money: bool) -> bool:
    """Whether a column that is called like a kind says what became of the orders that rows are, so that every row is
    one; or something that nobody knows, where a column of amounts or a weaker name make that the likelier."""
    words = columns[found.column].drop_null().unique().to_pylist()
    if not known.isdisjoint(map(kind_of, words)):
        return False
    if says_status(found.column) and (is_of_orders(words) or (money and len(no_purchases(words)) == len(words))):
        return True
    weak = money or says_status(found.column) or squeezed(found.column) in _WEAK or bool(found.doubt)
    states = STATES if says_status(found.column) else frozenset[str]()
    return weak and not any(meant_kind(kind_of(word)) for word in words if kind_of(word) not in states)


def _of_one(found: Found, free: dict[str, str], *, has_sku: bool) -> Found | None:
    """An amount that is the price of one piece, where rows have quantities; None: it is that of a line."""
    if free[found.column] not in map(squeezed, UNIT_PRICES):
        return found
    quantity = _named("quantity", free)
    if quantity is None or has_sku:
        return found if quantity is None else None
    text = f"=`{quantity.column}` * `{found.column}`"
    return Found("amount", text, "a quantity and a price: is it the price of one?", (quantity.column, found.column))


def _no_staff(found: Found, free: dict[str, str]) -> Found:
    """The customer of a row whose user is who served."""
    if squeezed(found.column) not in _STAFF:
        return found
    ranks = {column: rank_of("customer_id", plain(column)) for column in free if _CUSTOMERS.match(plain(column))}
    told = {column: rank for column, rank in ranks.items() if rank is not None}
    if not told:
        return found
    best = min(told, key=told.__getitem__)
    return Found("customer_id", best, f"and not {found.column}, who may be of the staff: is it?")


def _with_the_tax(found: Found, free: dict[str, str], columns: dict[str, Any]) -> Found:
    """The amount that holds the tax, where in every row the one that was found and the tax make no more than it."""
    taxes = next((columns[column] for column in columns if _TAX.search(plain(column))), None)
    if taxes is None or found.of:
        return found
    nets, tax = _numbers(columns[found.column]), _numbers(taxes)
    for column in free:
        if column == found.column or rank_of("amount", plain(column)) is None:
            continue
        rows = [
            (net, by, gross)
            for net, by, gross in zip(nets, tax, _numbers(columns[column]), strict=True)
            if net is not None and by and gross is not None
        ]
        if rows and all(abs(gross) + _CENT >= abs(net + by) > abs(net) for net, by, gross in rows):
            return Found("amount", column, f"it holds the tax, {found.column} does not: is it?")
    return found


def _rescaled(found: Found, values: Any) -> Found:
    """Answers from 0 to 10 (recommendations) or to 100, as 1 to 5: a 6 of ten satisfies nobody."""
    numbers = [number for number in _numbers(values) if number is not None]
    most = max(numbers, default=0.0)
    if most <= _FIVE and "nps" not in plain(found.column):
        return found
    top = _TEN if most <= _TEN else 100
    text = f"=1 + number(`{found.column}`) * {4 / top}"
    return Found("satisfaction", text, f"a guess: 0 to {top}, as 1 to 5", (found.column,))


def _numbers(values: Any) -> list[float | None]:
    return [number_of(text) for text in values.to_pylist()]


def _counted(found: Found | None) -> Found | None:
    """An amount that its name says to be in cents, or in thousands."""
    name = plain(found.column) if found is not None and not found.of else ""
    if found is not None and MINOR.search(name):
        return replace(found, field="amount_minor", doubt="its name says that it counts cents: does it?")
    unit = _UNIT.search(found.column) if found is not None and name else None
    if found is not None and unit is not None and THOUSANDS.search(plain(unit[1].replace("€", "eur"))):
        text = f"=`{found.column}` * 1000"
        return Found("amount", text, "its name says that it counts thousands: does it?", (found.column,))
    return found


def _named(field: str, free: dict[str, str], names: dict[str, str] = NAMES) -> Found | None:
    """The column that has one of the field's names, the first of them that there is."""
    for name in names.get(field, "").split():
        for column, text in free.items():
            if text == squeezed(name):
                return Found(field, column)
    return None


def _like(field: str, free: dict[str, str], columns: dict[str, Any]) -> Found | None:
    """The column whose name looks most like one of the field's."""
    best: tuple[int, str] | None = None
    for column in free:
        rank = likeness_of(field, column, columns)
        if rank is None or (best is not None and rank >= best[0]):
            continue
        some = columns[column].drop_null()
        if field != "occurred_at" or share_of_times(some) > 0 or are_days_of_a_sheet(some):
            best = rank, column
    if best is None:
        return None
    return Found(field, best[1], f"by its name and such as {columns[best[1]].drop_null()[0].as_py()!r}: is it?")


def _doubt(field: str, column: str, values: Any) -> str:
    some, name = values.drop_null(), name_of(column)
    example = some[0].as_py()
    if field == "customer_id" and name in ("id", "name", "account"):
        return f"such as {example!r}: is this the customer?"
    if field == "amount" and name in ("price", "value", "subtotal"):
        return f"such as {example!r}: is this the amount of the whole row?"
    if name not in known_columns() or (squeezed(column) not in known_columns() and "." in column):
        return f"by the last part of its path, such as {example!r}: is it?"
    if len(some) < len(values) * UNCLEAR:
        return f"empty in {len(values) - len(some):,} of the first {len(values):,} rows"
    return ""


def column_like(field: str, columns: dict[str, Any]) -> str | None:
    """The column that is called like a field, whatever else it may be."""
    prefix = prefix_of(tuple(columns))
    free = {name: name_of(name.removeprefix(prefix)) for name in columns if may_be(field, columns[name])}
    found = _named(field, free) or _like(field, free, columns)
    return found.column if found is not None else None
