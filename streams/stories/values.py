"""Values of a story's TOML, checked one by one: each as what it stands for, or a problem."""

import math
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from processors.policy.policy import exponent
from streams.engine.reading import LATEST
from streams.imports.kinds import kind_of
from streams.stories.story import Within

LONGEST_ID: Final = 255
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST: Final = 10**15
_HALF_A_HUNDREDTH: Final = 0.005
_LARGEST_COUNT: Final = 2**31 - 1


class Unfit(ValueError):
    """A value that a key can't hold; the message goes on where the key ends."""


class Written(Decimal):
    """A number with a decimal point or an exponent, exact, and as it is written in the file."""

    text: str

    def __new__(cls, text: str) -> "Written":
        number = super().__new__(cls, text)
        number.text = text
        return number


def shown(value: Any) -> str:
    """A value of TOML about as it stands in the file."""
    if isinstance(value, Written):
        return value.text
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, dict):
        return "a table"
    return "a list" if isinstance(value, list) else str(value)


def text(value: Any) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise Unfit(f'= {shown(value)}: expected a text, such as "spring sale"')
    return value


def identifier(value: Any) -> str:
    """An id: a text, or a whole number as a text; up to 255 bytes of UTF-8."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if len(text(value).encode()) > LONGEST_ID:
        raise Unfit(f"is longer than {LONGEST_ID} bytes of UTF-8")
    return str(value)


def kind(value: Any) -> str:
    """A kind in snake_case, whatever way it is written."""
    if not isinstance(value, str) or not kind_of(value):
        raise Unfit(f"= {shown(value)}: expected a kind of touchpoint, such as order_completed")
    return kind_of(value)


def instant(value: Any) -> int:
    """Milliseconds since 1970 of a date or a date and time, UTC where no offset is given; finer digits are cut off."""
    if not isinstance(value, date):
        raise Unfit(f"= {shown(value)}: expected an instant without quotes, such as 2025-01-06T09:00:00Z or 2025-01-06")
    at = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day, tzinfo=UTC)
    since = at.replace(tzinfo=at.tzinfo or UTC) - _EPOCH
    ms = (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
    if not 0 <= ms <= LATEST:
        raise Unfit(f"= {shown(value)}: expected an instant from 1970 to 2299")
    return ms


def number(value: Any) -> float:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Unfit(f"= {shown(value)}: expected a number")
    if not math.isfinite(found := float(Decimal(value))):
        raise Unfit(f"= {shown(value)}: expected a finite number")
    return found


def count(value: Any) -> int:
    """A whole number of 32 bits."""
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _LARGEST_COUNT:
        raise Unfit(f"= {shown(value)}: expected a whole number up to {_LARGEST_COUNT:,}")
    return value


def minor(value: Any, currency: str) -> int:
    """Money in major units as minor units of its currency (ISO 4217), rounded half to even, as in imports."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Unfit(f"= {shown(value)}: expected an amount in major units of {currency}, such as 250.00")
    amount = Decimal(value)
    if not amount.is_finite() or abs(amount) > _LARGEST:
        raise Unfit(f"= {shown(value)}: expected an amount of at most 10^15")
    return int(amount.scaleb(exponent(currency)).to_integral_value(ROUND_HALF_EVEN))


def currency(value: Any) -> str:
    """A code of ISO 4217."""
    if not isinstance(value, str) or not re.fullmatch("[A-Z]{3}", value):
        raise Unfit(f"= {shown(value)}: expected an ISO 4217 code of three capital letters")
    return value


def property_text(value: Any) -> str:
    """A property's value as the text that a website would send: true, 17, 0.10, 2025-01-06."""
    if isinstance(value, list | dict):
        raise Unfit(f"= {shown(value)}: expected a text, a number, true or false, or an instant")
    return value if isinstance(value, str) else shown(value)


def word(value: Any, allowed: Iterable[str]) -> str:
    """One of the allowed words."""
    if not isinstance(value, str) or value not in allowed:
        raise Unfit(f"= {shown(value)} is not known; allowed: {', '.join(allowed)}")
    return value


def within(value: Any) -> Within:
    """A number, which an answer must be within half a hundredth of, or a list of the least and the greatest."""
    if isinstance(value, list):
        if len(value) != 2 or number(value[0]) > number(value[1]):
            raise Unfit("must be a number, or a list of the least and the greatest, such as [0.2, 0.4]")
        return Within(number(value[0]), number(value[1]))
    found = number(value)
    return Within(found - _HALF_A_HUNDREDTH, found + _HALF_A_HUNDREDTH)
