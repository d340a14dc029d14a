"""What is wrong with the rows of one block: the first fault of each row, and the rejects that they make."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from streams.imports.blocks import Block
from streams.imports.columns import plain
from streams.imports.problems import ImportReject

Mask = npt.NDArray[np.bool_]
_LONGEST_SHOWN = 80


class Faults:
    """Collects masks of bad rows; a row keeps the fault that it was given first."""

    def __init__(self, rows: int) -> None:
        self._first = np.zeros(rows, np.int32)
        self._kinds: list[tuple[str, Callable[[int], str]]] = []

    def add(self, bad: Mask | None, reason: str, detail: str, values: Any = None) -> None:
        """Mark rows. In ``detail``, "{}" stands for the row's value in ``values``, any Arrow column."""
        if bad is None or not bad.any():
            return
        self._kinds.append((reason, lambda i: detail if values is None else detail.replace("{}", _shown(values[i]))))
        self._first[(self._first == 0) & bad] = len(self._kinds)

    def add_row(self, row: int, reason: str, detail: str) -> None:
        """Mark one row."""
        if self._first[row] == 0:
            self._kinds.append((reason, lambda _: detail))
            self._first[row] = len(self._kinds)

    def good(self) -> Mask | None:
        """Rows without a fault, or None when that is all of them."""
        return self._first == 0 if self._kinds else None

    def good_but(self, reason: str) -> Mask:
        """Rows without a fault, or with one of this reason."""
        kinds = np.array([True] + [kind == reason for kind, _ in self._kinds], np.bool_)
        return kinds[self._first]

    def rejects(self, block: Block) -> list[ImportReject]:
        """One reject per bad row, in order."""
        found = []
        for i in np.flatnonzero(self._first):
            reason, detail = self._kinds[self._first[i] - 1]
            found.append(ImportReject(int(block.rows[i]), reason, detail(int(i)), block.original(int(i))))
        return found


def _shown(value: Any) -> str:
    try:
        text = plain(value.as_py())
    except ValueError:
        return "bytes that are not UTF-8"
    shown = "nothing" if text is None else repr(text)
    return shown if len(shown) <= _LONGEST_SHOWN else shown[:_LONGEST_SHOWN] + "…"
