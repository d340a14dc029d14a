"""What rows say of how long something binds, where nobody can read it: the engine takes the policy's own time then."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled
from schemas.maps import find_texts
from schemas.periods import ENDS_AT_NAME, PERIOD_NAME, end_of_period, read_instant, read_period
from streams.imports.columns import Parts, parts_of

_NAMES: Final = ("ends_at", "period")


def unread_terms(batch: Any) -> Iterator[tuple[str, str]]:
    """(property, its text) of the rows of a batch (``CANONICAL``) of kinds that bind, which say it in vain.

    As the engine reads it: ``ends_at`` where that is an instant after the row's own, else ``period``.
    """
    properties = parts_of(batch.column("properties"))
    found = np.zeros((batch.num_rows, 3), np.int64)
    _find_unread(properties, batch.column("occurred_at").to_numpy(), found)
    for which, start, length in found[found[:, 2] > 0].tolist():
        yield _NAMES[which], properties.data[start : start + length].tobytes().decode()


@compiled
def _find_unread(properties: Parts, times: npt.NDArray[np.int64], found: npt.NDArray[np.int64]) -> None:
    """Fill ``found`` int64[n, 3] with which of the names, where its text starts, and its length; 0: all is well."""
    data = properties.data
    for i in range(len(found)):
        start, stop = int(properties.offsets[i]), int(properties.offsets[i + 1])
        end, end_size, period, period_size = find_texts(data, start, stop - start, ENDS_AT_NAME, PERIOD_NAME)
        if end_size > 0 and read_instant(data, end, end_size) > times[i]:
            continue
        if period_size > 0:
            months, days = read_period(data, period, period_size)
            if end_of_period(months, days, times[i]) > times[i]:
                continue
            found[i, 0], found[i, 1], found[i, 2] = 1, period, period_size
        elif end_size > 0:
            found[i, 1], found[i, 2] = end, end_size
