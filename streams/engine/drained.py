"""Facts are taken out of the room that compiled code writes into, so that it can write more."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.lifecycle.facts import OUT_JUDGED_WRITTEN, OUT_WRITTEN, Out


class Drained(NamedTuple):
    """Facts that were taken out of the room that compiled code writes into."""

    transitions: list[npt.NDArray[np.uint8]]  # bytes of FACT
    judged: list[npt.NDArray[np.uint8]]  # of JUDGED
    fired: list[npt.NDArray[np.uint8]]  # of FIRED

    @property
    def nbytes(self) -> int:
        """Bytes that they take."""
        return sum(part.nbytes for parts in self for part in parts)


def drain(out: Out, facts: Drained) -> None:
    """Add what was written to what was taken before; the room is empty then."""
    counts = out.counts
    if counts[OUT_WRITTEN] > 0:
        facts.transitions.append(_copied(out.facts, counts[OUT_WRITTEN]))
        counts[OUT_WRITTEN] = 0
    if counts[OUT_JUDGED_WRITTEN] > 0:
        facts.judged.append(_copied(out.judged, counts[OUT_JUDGED_WRITTEN]))
        counts[OUT_JUDGED_WRITTEN] = 0
    if out.room.written > 0:
        facts.fired.append(_copied(out.room.fired, int(out.room.written)))
        out.room.written = 0


def cut(array: Any, count: int) -> Any:
    """The first so many entries, without the room that most fetches leave empty: what is said of a fetch waits."""
    return array[:count] if 2 * count > len(array) else array[:count].copy()


def in_one(parts: list[npt.NDArray[np.uint8]], kind: np.dtype[Any]) -> Any:
    """Bytes of records as one array of them."""
    return (parts[0] if len(parts) == 1 else np.concatenate([np.zeros(0, np.uint8), *parts])).view(kind)


def _copied(records: Any, count: int) -> Any:
    """The first records of an array, as bytes: as records they are copied one by one, which takes five times as long.

    Of a plain array: every slice of a recarray costs ten microseconds, and most fetches are small.
    """
    return np.asarray(records)[:count].view(np.uint8).copy()
