"""CDNOW's purchase days as arrays, read without any code of the project."""

import gzip
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from streams.fitting.histories import Histories

FOLDER = Path(__file__).parent.parent / "data" / "cdnow"
CALIBRATION_END = date(1997, 9, 30)
LOG_END = date(1998, 6, 30)
EPOCH = date(1970, 1, 1).toordinal()

Integers = npt.NDArray[np.int64]


def day_number(day: date) -> int:
    """Days since 1970."""
    return day.toordinal() - EPOCH


def _days(dates: Integers) -> Integers:
    distinct, where = np.unique(dates, return_inverse=True)
    days = [day_number(date(v // 10000, v // 100 % 100, v % 100)) for v in distinct.tolist()]
    return np.array(days, dtype=np.int64)[where]


@cache
def purchases(name: str) -> Integers:
    """Distinct (customer, day) pairs of "master" or "sample", sorted, shape (n, 2)."""
    if name == "master":
        with gzip.open(FOLDER / "CDNOW_master.txt.gz", "rt") as file:
            raw = np.loadtxt(file, usecols=(0, 1), skiprows=1, dtype=np.int64)
    else:
        raw = np.loadtxt(FOLDER / "CDNOW_sample.txt", usecols=(1, 2), dtype=np.int64)
    return np.unique(np.column_stack([raw[:, 0], _days(raw[:, 1])]), axis=0)


def calibration(name: str) -> Histories:
    """x, t_x and T in weeks at the end of the first 39 weeks."""
    end = day_number(CALIBRATION_END)
    pairs = purchases(name)
    pairs = pairs[pairs[:, 1] <= end]
    _, start, count = np.unique(pairs[:, 0], return_index=True, return_counts=True)
    first, last = pairs[start, 1], pairs[start + count - 1, 1]
    return Histories(count.astype(np.int64) - 1, (last - first) / 7, (end - first) / 7, end, end)
