"""CDNOW's spend per purchase day as arrays, read without any code of the project."""

from functools import cache

import numpy as np
import numpy.typing as npt
from cdnow_purchases import CALIBRATION_END, FOLDER, _days, day_number

Floats = npt.NDArray[np.float64]


@cache
def repeat_spend() -> tuple[Floats, Floats]:
    """(x, mean dollars) of each customer of the sample in its order, over the repeat days of the first 39 weeks."""
    raw = np.loadtxt(FOLDER / "CDNOW_sample.txt", usecols=(1, 2, 4))
    days = _days(raw[:, 1].astype(np.int64))
    pairs, where = np.unique(np.column_stack([raw[:, 0].astype(np.int64), days]), axis=0, return_inverse=True)
    spent = np.bincount(where, weights=raw[:, 2])
    early = pairs[:, 1] <= day_number(CALIBRATION_END)
    pairs, spent = pairs[early], spent[early]
    _, start, count = np.unique(pairs[:, 0], return_index=True, return_counts=True)
    totals: Floats = np.add.reduceat(spent, start) - spent[start]
    x = count.astype(np.float64) - 1.0
    means: Floats = totals / np.maximum(x, 1.0)
    return x, means
