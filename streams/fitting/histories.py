"""Purchase days, summarised to what the models need of each customer: x, t_x and T, and the mean spend.

The convention is that of the published fits on CDNOW: purchases of one customer on one day (UTC) are one purchase, and
time is counted in whole days from the first purchase day to the end day, then divided by the unit. The mean spend is
that of the repeat purchase days with an amount above zero: the first purchase is left out.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from processors.policy.policy import MS_PER_UNIT
from streams.fitting.purchases import DAY_MS, NoPurchasesError, PurchaseDays


@dataclass(frozen=True)
class Histories:
    """An entry per customer, by their numbers; times in units, ``end`` and ``log_end`` in days since 1970."""

    x: npt.NDArray[np.int64]
    t_x: npt.NDArray[np.float64]
    age: npt.NDArray[np.float64]
    end: int
    log_end: int

    @property
    def customers(self) -> int:
        """How many customers have bought by the end."""
        return len(self.x)

    def only(self, mask: npt.NDArray[np.bool_]) -> "Histories":
        """The customers where ``mask`` is true."""
        return Histories(self.x[mask], self.t_x[mask], self.age[mask], self.end, self.log_end)


@dataclass(frozen=True)
class Spending:
    """Customers with spend on repeat days: on how many, and the mean of them. ``silent``: how many have none there.

    ``customer``: their numbers among all who have bought.
    """

    x: npt.NDArray[np.float64]
    mean: npt.NDArray[np.float64]
    silent: int
    end: int
    customer: npt.NDArray[np.int64] | None = None

    def only(self, mask: npt.NDArray[np.bool_]) -> "Spending":
        """The customers whose entry in ``mask`` (one for each who has bought) is true."""
        if self.customer is None:
            raise ValueError("whose spend it is was not kept")
        kept = mask[self.customer]
        return Spending(self.x[kept], self.mean[kept], 0, self.end, self.customer[kept])


def until_day(days: PurchaseDays, until: int | None) -> PurchaseDays:
    """The days up to and with ``until``. Raises ``NoPurchasesError`` when there is none."""
    if until is None:
        return days
    counted = days.only(days.day <= until)
    if not counted.customers:
        first = np.datetime64(int(days.day.min()), "D")
        raise NoPurchasesError(f"no purchase on or before {np.datetime64(until, 'D')}; the first one is on {first}")
    return counted


def histories_of(days: PurchaseDays, unit: str, until: int | None = None) -> Histories:
    """x, t_x and T of each customer; ``until`` is the last day counted (days since 1970), by default the log's."""
    counted = until_day(days, until)
    _, first, count = np.unique(counted.customer, return_index=True, return_counts=True)
    begun, last = counted.day[first], counted.day[first + count - 1]
    end = counted.log_end if until is None else until
    length = MS_PER_UNIT[unit] // DAY_MS
    return Histories(count.astype(np.int64) - 1, (last - begun) / length, (end - begun) / length, end, days.log_end)


def spending_of(days: PurchaseDays, until: int | None = None) -> Spending:
    """The spend of repeat buyers. What a customer returned on another day than that of a purchase is not looked at."""
    counted = until_day(days, until)
    first = np.unique(counted.customer, return_index=True)[1]
    repeat = np.ones(len(counted.day), np.bool_)
    repeat[first] = False
    paid = repeat & (counted.spent > 0.0)
    x = np.bincount(counted.customer[paid], minlength=counted.customers)
    totals = np.bincount(counted.customer[paid], weights=counted.spent[paid], minlength=counted.customers)
    again = np.bincount(counted.customer[repeat], minlength=counted.customers) > 0
    some = x > 0
    means: npt.NDArray[np.float64] = totals[some] / x[some]
    end = counted.log_end if until is None else until
    return Spending(x[some].astype(np.float64), means, int(np.sum(again & ~some)), end, np.flatnonzero(some))
