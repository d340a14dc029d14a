"""Amounts and currencies of an event, as imports read them of one row."""

from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

from processors.policy.policy import exponent
from streams.collector.problems import EventRefused
from streams.imports.amounts import Amounts
from streams.imports.columns import plain
from streams.imports.evidence import EITHER, FIRST
from streams.imports.pricing import LARGEST, UNKNOWN_DECIMALS, code_of

AMOUNTS: Final = ("revenue", "total", "value")
"""Properties that hold what a customer spent, the first of them first."""
_MONEY_KINDS: Final = ("order_", "subscription_", "donation_", "gift_")
FINE: Final = 6
"""Decimals of a price."""


class Read(NamedTuple):
    """An amount in minor units, and the currency that stands beside it in its text."""

    minor: int
    currency: str | None


def currency_in(value: object) -> str | None:
    """A code of three letters of what an event calls its currency; None where it says nothing. Raises EventRefused."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    code = code_of(value.strip()) if isinstance(value, str) else None
    if code is None:
        raise EventRefused("bad_currency", f"currency {shown(value)} is no code of three letters, such as EUR")
    return code


def decimals_of(currency: str | None) -> int:
    """Decimals of a currency's minor unit; 2 where none is said."""
    return UNKNOWN_DECIMALS if currency is None else exponent(currency)


def amount_in(value: object, name: str, currency: str | None, *, sure: bool = False) -> Read:
    """An amount in major units, a number or a text; ``sure``: one with a decimal point. Raises EventRefused."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise EventRefused("bad_number", f"{name} {shown(value)} is no amount")
    amounts = Amounts(pa.array([(plain(value) or "").strip()], pa.string()), sure=sure or not isinstance(value, str))
    beside = _beside(amounts, name, currency)
    minor = _number(amounts, value, name, decimals_of(currency or beside))
    if abs(minor) > LARGEST:
        raise EventRefused("bad_number", f"{name} {shown(value)} is no amount")
    return Read(minor, beside)


def price_in(value: str, name: str, currency: str | None) -> int:
    """A price that is a text, with ``FINE`` decimals. Raises EventRefused."""
    amounts = Amounts(pa.array([value.strip()], pa.string()), sure=False)
    _beside(amounts, name, currency)
    # A price of one piece may well have three decimals.
    return _number(amounts, value, name, FINE, three=True)


def _number(amounts: Amounts, value: object, name: str, decimals: int, *, three: bool = False) -> int:
    places = np.array([decimals], np.int8)
    places.flags.writeable = False
    column, bad, ways = amounts.read(places, None, FIRST)
    number = column[0].as_py()
    if bad[0] or number is None:
        raise EventRefused("bad_number", f"{name} {shown(value)} is no amount")
    if ways[0] == EITHER and not (three and "," not in str(value)):
        # One event has no column that could say which sign is the decimal one.
        raise EventRefused("bad_number", f"{name} {shown(value)} may be read in two ways; send a number")
    return int(number)


def _beside(amounts: Amounts, name: str, currency: str | None) -> str | None:
    found = amounts.dressings[0].currencies if amounts.dressings and amounts.dressings[0] is not None else frozenset()
    if currency is not None:
        if found and currency not in found:
            raise EventRefused("currency_differs", f"{name} is in another currency than the event ({currency})")
        return None
    if len(found) > 1:
        raise EventRefused("no_currency", f"{name} has the sign of several currencies; say which in currency")
    return next(iter(found), None)


def is_money(kind: str) -> bool:
    """Whether an amount of an event of this kind has to be one: what is no number is a mistake there."""
    return kind.startswith(_MONEY_KINDS)


def shown(value: object) -> str:
    """A value in a message."""
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"


def discount_in(value: Any) -> Any:
    """A discount that is a text with a decimal comma or the sign of a currency, as the number that it is.

    Anything else, shares in per cent among it, stays as it is.
    """
    if not isinstance(value, str):
        return value
    try:
        number = price_in(value, "discount", None)
    except EventRefused:
        return value
    whole, rest = divmod(abs(number), 10**FINE)
    text = f"{whole}.{rest:0{FINE}d}".rstrip("0").rstrip(".")
    return f"-{text}" if number < 0 else text
