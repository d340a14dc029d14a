"""Discounts in files: money, or a share of the price; which it is, a whole column says, or it is asked.

The engine reads ``properties.discount`` as money in major units. A share is turned into that here, as the engine turns
``20%`` into money: the amount is what was paid, the price less the share.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streams.imports.amounts import Amounts

DISCOUNT: Final = "discount"
_DECIMALS: Final = 6
_LARGEST_SHARE: Final = 0.99


@dataclass
class Discounts:
    """What the discounts of a file look like: how many are a part of one, how many more than one; the first part."""

    parts: int = 0
    larger: int = 0
    example: tuple[int, str] = (0, "")

    @property
    def doubtful(self) -> bool:
        """Whether all of them could be shares."""
        return self.parts > 0 and self.larger == 0


def discounts_of(
    text: Any,
    amounts: Any,
    decimals: npt.NDArray[np.int8],
    rows: npt.NDArray[np.int64],
    how: tuple[str | None, str | None, int],
    found: Discounts,
) -> Any:
    """A text column of discounts as the engine reads them; what they look like goes to ``found``.

    ``amounts``: int64 minor units by ``decimals`` int8[n]. ``how``: what was said of them (``money``, ``rate`` or
    ``percent``), the decimal sign, and the way in which amounts are written where nobody said one.
    """
    told, sign, way = how
    numbers = _numbers(text, sign, way)
    values = numbers.to_numpy(zero_copy_only=False)
    some = ~np.isnan(values) & (values != 0)
    size = np.abs(np.where(some, values, 0.0))
    parts = some & (size < 1)
    if parts.any() and not found.parts:
        first = int(np.argmax(parts))
        found.example = int(rows[first]), str(text[first])
    found.parts += int(np.count_nonzero(parts))
    found.larger += int(np.count_nonzero(size > 1))
    if told in ("rate", "percent"):
        return _in_money(text, size if told == "rate" else size / 100, some, amounts, decimals)
    if numbers.null_count == text.null_count and not (values[some] < 0).any() and _is_plain(text):
        return text
    plain = pc.if_else(pc.is_valid(numbers), _texts(size), text)
    return pc.if_else(pc.is_valid(text), plain, None)


def _is_plain(text: Any) -> bool:
    try:
        text.cast(pa.float64())
    except pa.ArrowInvalid:
        return False
    return not pc.any(pc.match_substring(text, "E")).as_py()


def _numbers(text: Any, sign: str | None, way: int) -> Any:
    """Doubles; null where a text is none, as per cent are."""
    try:
        return text.cast(pa.float64())
    except pa.ArrowInvalid:
        scale = np.full(len(text), _DECIMALS, np.int8)
        scale.flags.writeable = False
        values, bad, _ = Amounts(text, sure=False).read(scale, sign, way)
        found = values.cast(pa.float64())
        return pc.if_else(pa.array(bad), None, pc.divide(found, 10.0**_DECIMALS))


def _in_money(text: Any, share: npt.NDArray[np.float64], some: Any, amounts: Any, decimals: Any) -> Any:
    share = np.minimum(share, _LARGEST_SHARE)
    minor = amounts.fill_null(0).to_numpy(zero_copy_only=False)
    places = decimals.astype(np.int64)
    money = np.abs(np.rint(minor * share / (1 - share))) / 10.0**places
    known = some & _mask(pc.is_valid(amounts)) & (minor != 0)
    per_cent = pc.binary_join_element_wise(_texts(share * 100), pa.scalar("%"), "")
    return pc.if_else(pa.array(known), _texts(money), pc.if_else(pa.array(some), per_cent, text))


def _texts(values: npt.NDArray[np.float64]) -> Any:
    return pa.array(np.round(values, _DECIMALS)).cast(pa.string())


def _mask(array: Any) -> npt.NDArray[np.bool_]:
    mask: npt.NDArray[np.bool_] = array.to_numpy(zero_copy_only=False)
    return mask
