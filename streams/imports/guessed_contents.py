"""What the values of a column may be, whatever it is called."""

from typing import Any, Final

import pyarrow.compute as pc

from streams.imports.evidence import FIRST
from streams.imports.guessed_satisfaction import score_of
from streams.imports.instants import instants

UNCLEAR: Final = 0.5
CLEAR: Final = 0.95
"""Shares of values: half of them, and all but a few, such as footers."""
_FEW: Final = 0.2
_ONLY_OF_DAY: Final = r"^\d{1,2}[:h]\d{2}(:\d{2}(\.\d+)?)?\s*([AaPp]\.?\s?[Mm]\.?)?(\s*[A-Za-z]{2,4})?$"
_NUMBER: Final = (
    r"^[^\d\p{L}]*(\p{L}{1,3}\.?\$?)?[^\d\p{L}/]*\d[\d.,'\x{2019}\s\x{a0}\x{202f}]*"
    r"[^\d\p{L}/:]*(\p{L}{1,4}\.?)?[^\d\p{L}]*$"
)
"""A number, with the sign or code of a currency before or behind it."""
_CURRENCY: Final = r"^([A-Za-z]{3}|[^\d\s]{1,3})$"
MOST_KINDS: Final = 20
"""A column with more different values does not say what happened."""


def may_be(field: str, values: Any) -> bool:
    """Whether the values of a text column may be those of a field."""
    some = values.drop_null()
    if len(some) == 0:
        return False
    if field == "occurred_at":
        of_day = share_of(some, _ONLY_OF_DAY) > CLEAR
        return not of_day and (share_of_times(some) > 0 or share_of(some, r"\d") > 0)
    if field in ("amount", "price", "quantity"):
        return share_of(some, _NUMBER) >= UNCLEAR
    if field == "satisfaction":
        return share_of(some, _NUMBER) >= UNCLEAR or any(score_of(word) for word in some.unique().to_pylist())
    if field == "currency":
        return share_of(some, _CURRENCY) >= UNCLEAR
    if field == "order_id":
        return share_of(some, r"\d") >= UNCLEAR
    if field == "event_id":
        return len(some.unique()) == len(values)
    if field == "kind":
        return len(some.unique()) <= MOST_KINDS
    if field == "channel":  # else these are ids, or pages
        return len(some.unique()) <= max(MOST_KINDS // 2, _FEW * len(some))
    return True


def share_of(some: Any, pattern: str) -> float:
    """Of the values of a text column without nulls, the share of those that a pattern is found in."""
    return float(pc.sum(pc.match_substring_regex(some, pattern)).as_py()) / len(some)


def are_days_of_a_sheet(some: Any) -> bool:
    """Whether texts without nulls are days as spreadsheets count them (45293), from 1982 to 2064."""
    return len(some) > 0 and share_of(some, r"^[3-5]\d{4}(\.\d+)?$") >= UNCLEAR


def share_of_times(some: Any) -> float:
    """Of the values of a text column without nulls, the share of those that are read as times."""
    if len(some) == 0:
        return 0.0
    found = instants(some, None, "UTC", FIRST)
    return 1.0 - float((found.bad | found.unclear | found.lost).mean())


def number_of(text: str | None) -> float | None:
    """An amount as far as a guess needs to know it: the last sign of two is the decimal one."""
    digits = "".join(sign for sign in text or "" if sign.isdigit() or sign in ",.-")
    whole, decimals = digits, ""
    for sign in ",.":
        head, found, tail = digits.rpartition(sign)
        if found and len(tail) != 3 and len(tail) >= len(decimals) and tail.isdigit():
            whole, decimals = head, tail
    try:
        return float(f"{whole.replace(',', '').replace('.', '')}.{decimals or '0'}")
    except ValueError:
        return None
