"""A table of customers without events, as the touchpoints that it implies: what is known of them on one day.

Of each customer: the contract that began (so many ``months`` or ``years`` before, or ``since`` a day), the last payment
of the monthly ``fee``, and that it ended, where the customer ``left``: on the day ``until``, where it is said, else on
that of the snapshot. A day after that of the snapshot ends nothing yet, nor does one before it where the row says that
the customer has not left: a contract that was renewed has had such days. The kinds are those of the policy ``telecom``;
those of contracts also of others.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Table
from datetime import UTC, date, datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streams.imports.expressions import Expression
from streams.imports.faults import Faults
from streams.imports.likeness import bare
from streams.imports.reached import Reached

CONTRACT: Final = "contract_signed"
PAYMENT: Final = "bill_paid"
END: Final = "contract_terminated"
_SINCE: Final = ("months", "years", "since")
_UNCLEAR: Final = "tenure"
LEFT: Final = ("yes", "y", "true", "true.", "t", "1", "churned", "exited", "left", "attrited customer", "attrited",
               "cancelled", "canceled", "terminated", "inactive", "closed", "lost", "ja", "oui")  # fmt: skip
"""What says in a column of its own that a customer left, in small letters."""
_DAY: Final = 86_400_000
_MONTH: Final = 30.4375
"""Days of a month, on average over four years."""

Mask = npt.NDArray[np.bool_]


def day_of(text: str) -> int:
    """The beginning of a day (ms), UTC."""
    return int(datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC).timestamp() * 1000)


def problems_of_snapshot(spec: Table[str, tuple[str, ...]], columns: Sequence[str]) -> Iterator[str]:
    """What is missing in a file with these columns, or may mean two things; a text each."""
    if not spec:
        return
    there = {key: next((name for name in spec.get(key, ()) if name in columns), None) for key in _SINCE}
    if not any(there.values()):
        yield (
            "since when each is a customer is not said: name the column with --map months=COLUMN, years=COLUMN or "
            "since=COLUMN (a date)"
        )
    # A snapshot with a monthly fee counts months; that of a bank, for one, counts years under the same name.
    month = there["months"]
    if month is not None and bare(month) == _UNCLEAR and not any(name in columns for name in spec.get("fee", ())):
        yield f"{month} may be months or years: --map months={month} or --map years={month} says which"


def left_by(column: str) -> str:
    """The condition that a column of yes and no, of 1 and 0 or of words such as Exited says that a customer left."""
    return f"lower(`{column}`) in [{', '.join(map(repr, LEFT))}]"


def implied(
    reached: Reached, spec: Table[str, tuple[str, ...]], now: int
) -> tuple[list[tuple[dict[str, Any], Mask]], Faults]:
    """((columns of a kind of touchpoint, bool[n] of the customers who have one) in order of time, bad rows).

    ``now`` (ms): the snapshot is of the day that it lies in.
    """
    day, faults = now // _DAY * _DAY, Faults(reached.rows)
    began = np.full(reached.rows, np.nan)
    for key, months in (("years", 12.0), ("months", 1.0)):
        told = _number(reached, spec.get(key, ()), faults) * months
        bad = (told < 0) | (day - told * _MONTH * _DAY < 0)
        faults.add(bad, "impossible_time", f"{key} {{}} before the snapshot is no time since 1970", pa.array(told))
        began = np.where(np.isnan(told), began, day - np.rint(told * _MONTH) * _DAY)
    began = _date(reached, spec.get("since", ()), began, faults)
    until = _date(reached, spec.get("until", ()), np.full(reached.rows, np.nan), faults)
    known = ~np.isnan(began)
    faults.add(~known, "no_time", "since when this is a customer is not said")
    left = _left(reached, spec.get("left", ()), ~np.isnan(until))
    # Who has given notice, or whose term ends later, is there as long as that.
    stays = ~left | (until > day)
    left &= ~stays
    since = np.where(known, began, 0).astype(np.int64)
    end = np.maximum(np.where(np.isnan(until) | stays, day, until).astype(np.int64), since)
    fee = pa.array(_number(reached, spec.get("fee", ()), faults), from_pandas=True)
    paid = pc.greater(fee, 0).fill_null(False).to_numpy(zero_copy_only=False) & (end > since)
    everybody = np.ones(reached.rows, np.bool_)
    return [
        (_columns(CONTRACT, since), everybody),
        (_columns(PAYMENT, end) | {"amount": fee.cast(pa.string())}, paid),
        (_columns(END, end), left),
    ], faults


def _left(reached: Reached, conditions: Sequence[str], otherwise: Mask) -> Mask:
    """Who left, by the conditions of which a column says something; else by ``otherwise``."""
    said = left = np.zeros(reached.rows, np.bool_)
    for condition in map(Expression, conditions):
        for name in filter(reached.has, condition.names):
            said = said | pc.is_valid(reached.text(name)).to_numpy(zero_copy_only=False)
        left = left | condition.truth(reached)
    return np.where(said, left, otherwise)


def _columns(kind: str, at: npt.NDArray[np.int64]) -> dict[str, Any]:
    return {"kind": pa.repeat(pa.scalar(kind), len(at)), "occurred_at": pa.array(at).cast(pa.timestamp("ms", "UTC"))}


def _number(reached: Reached, names: tuple[str, ...], faults: Faults) -> npt.NDArray[np.float64]:
    """The first of these columns that is there; what is given there and no number is a fault."""
    for name in names:
        if reached.has(name):
            values, text = reached.number(name), reached.text(name)
            bad = pc.and_(pc.is_valid(text), pc.is_null(values)).to_numpy(zero_copy_only=False)
            faults.add(bad, "bad_number", f"{name} {{}} is not a number", text)
            found: npt.NDArray[np.float64] = values.to_numpy(zero_copy_only=False)
            return found
    return np.full(reached.rows, np.nan)


def _date(
    reached: Reached, names: tuple[str, ...], otherwise: npt.NDArray[np.float64], faults: Faults
) -> npt.NDArray[np.float64]:
    """The instants in the first of these columns that has one; ``otherwise`` where a row has none."""
    told = np.full(reached.rows, np.nan)
    for name in filter(reached.has, names):
        found, text = reached.instants(name), reached.text(name)
        faults.add(found.bad | found.unclear | found.lost, "bad_time",
                   f"{name} {{}} is not understood; say how it is written with --time-format", text)  # fmt: skip
        values = found.values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        told = np.where(np.isnan(told), values, told)
    return np.where(np.isnan(told), otherwise, told)
