"""A table of customers without events, as the touchpoints that it implies: what is known of them on one day.

Of each customer: the contract that began (so many ``months`` before, or ``since`` a day), the last payment of the
monthly ``fee`` (on that day, a month after the contract at the earliest), and that it ended, where the customer
``left``. The kinds are those of the policy ``telecom``.
"""

from collections.abc import Mapping as Table
from datetime import UTC, date, datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streams.imports.evidence import FIRST
from streams.imports.expressions import Expression
from streams.imports.instants import instants
from streams.imports.reached import Reached

CONTRACT: Final = "contract_signed"
PAYMENT: Final = "bill_paid"
END: Final = "contract_terminated"
_DAY: Final = 86_400_000
_MONTH: Final = 30.4375
"""Days of a month, on average over four years."""

Mask = npt.NDArray[np.bool_]


def day_of(text: str) -> int:
    """The beginning of a day (ms), UTC."""
    return int(datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC).timestamp() * 1000)


def implied(reached: Reached, spec: Table[str, tuple[str, ...]], now: int) -> list[tuple[dict[str, Any], Mask]]:
    """(columns of a kind of touchpoint, bool[n] of the customers who have one), in order of time.

    ``now`` (ms): the snapshot is of the day that it lies in.
    """
    day = now // _DAY * _DAY
    months = _first(reached, spec.get("months", ()), "number").to_numpy(zero_copy_only=False)
    began = np.where(np.isnan(months), np.nan, day - np.rint(months * _MONTH) * _DAY)
    if "since" in spec:
        found = instants(_first(reached, spec["since"], "text"), None, "UTC", FIRST)
        given = found.values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        began = np.where(np.isnan(given), began, given)
    since = np.where(np.isnan(began), 0, began).astype(np.int64)
    known = ~np.isnan(began)
    left = np.zeros(reached.rows, np.bool_)
    for text in spec.get("left", ()):
        left |= Expression(text).truth(reached)
    fee = _first(reached, spec.get("fee", ()), "number")
    paid = pc.greater(fee, 0).fill_null(False).to_numpy(zero_copy_only=False) & known & (day > since)
    end = np.full(reached.rows, day, np.int64)
    return [
        (_columns(CONTRACT, since), known),
        (_columns(PAYMENT, end) | {"amount": fee.cast(pa.string())}, paid),
        (_columns(END, end), left),
    ]


def _columns(kind: str, at: npt.NDArray[np.int64]) -> dict[str, Any]:
    return {"kind": pa.repeat(pa.scalar(kind), len(at)), "occurred_at": pa.array(at).cast(pa.timestamp("ms", "UTC"))}


def _first(reached: Reached, names: tuple[str, ...], what: str) -> Any:
    """The first of these columns that is there."""
    for name in names:
        if reached.has(name):
            return reached.number(name) if what == "number" else reached.text(name)
    return pa.nulls(reached.rows, pa.float64() if what == "number" else pa.string())
