"""Amounts with more decimals than their currency has: what rounding would take from them, or add to them, is counted.

Invoices with prices to a tenth of a cent lose nothing that anybody would miss; prices that were scaled (0.0508 for
50.80) or are in a currency of another kind lose a considerable share, and are asked about.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

FINER: Final = 4
_SCALE: Final = 10**FINER
_CONSIDERABLE: Final = 0.02


@dataclass
class Rounded:
    """Of one column, in minor units: the money of all its rows, how much of it rounding moves, how many rows are
    rounded, and (line, text) of the first."""

    money: float = 0.0
    moved: float = 0.0
    rows: int = 0
    example: tuple[int, str] = (0, "")

    @property
    def share(self) -> float:
        """What rounding moves, as a part of the money."""
        return self.moved / self.money if self.money else 1.0


@dataclass
class Roundings:
    """What rounding does to the columns of a file, by field."""

    fields: dict[str, Rounded] = field(default_factory=dict)

    def take(self, name: str, values: Any, fine: Any, rows: npt.NDArray[np.int64], texts: Any) -> None:
        """Take a column of minor units, and the same ``FINER`` decimals finer, or None where none has more decimals;
        ``rows`` int64[n] are their lines."""
        found = self.fields.setdefault(name, Rounded())
        if fine is None:
            found.money += float(np.abs(_floats(values)).sum())
            return
        exact = _floats(fine) / _SCALE
        moved = np.where(_valid(values) & _valid(fine), np.abs(exact - _floats(values)), 0.0)
        found.money += float(np.where(_valid(fine), np.abs(exact), np.abs(_floats(values))).sum())
        found.moved += float(moved.sum())
        some = moved > 0
        if some.any() and not found.rows:
            first = int(np.argmax(some))
            found.example = int(rows[first]), str(texts[first])
        found.rows += int(np.count_nonzero(some))

    def doubts(self) -> list[str]:
        """A text for each column of whose money a considerable share would be moved."""
        return [
            _doubt(name, found) for name, found in self.fields.items() if found.rows and found.share > _CONSIDERABLE
        ]


def times(prices: Any, fine: Any, quantities: Any) -> Any:
    """Amounts of lines (int64 minor units) by price and quantity, rounded half to even; null where there is no price.

    ``fine``: the prices ``FINER`` decimals finer, or None where none has more decimals than its currency.
    """
    count = quantities.fill_null(1)
    if fine is None:
        return pc.multiply(prices, count)
    # Where a price is too large for further decimals, it is taken as it is.
    exact = pc.coalesce(fine, pc.multiply(prices, _SCALE)).fill_null(0).to_numpy(zero_copy_only=False)
    number = count.to_numpy(zero_copy_only=False)
    whole, rest = np.divmod(exact, _SCALE)
    more, left = np.divmod(rest * number, _SCALE)
    product = whole * number + more
    product += (2 * left > _SCALE) | ((2 * left == _SCALE) & (product % 2 == 1))
    return pa.array(product, mask=~_valid(prices))


def _doubt(name: str, found: Rounded) -> str:
    line, text = found.example
    return (
        f"{name} {text!r} in line {line} has more decimals than its currency, and rounding them changes "
        f"{found.share:.0%} of the column's money ({found.rows:,} rows): if the amounts are scaled, say so as in --map "
        f"'{name}==COLUMN * 1000'; --set currency=CODE if they are in another currency; --set rounding=accept if they "
        "are to be rounded"
    )


def _floats(column: Any) -> npt.NDArray[np.float64]:
    values: npt.NDArray[np.float64] = column.fill_null(0).to_numpy(zero_copy_only=False).astype(np.float64)
    return values


def _valid(column: Any) -> npt.NDArray[np.bool_]:
    valid: npt.NDArray[np.bool_] = column.is_valid().to_numpy(zero_copy_only=False)
    return valid
