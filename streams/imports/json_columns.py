"""Columns of lines of JSON, where most of the lines are flat objects of few names."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streams.imports.files import LONGEST_ROW
from streams.imports.json_scan import VALUE_ABSENT, VALUE_NULL, VALUE_NUMBER, gather_values, scan

_MOST_LINES: Final = 65_536
_MOST_NAMES: Final = 256

Read = Callable[[bytes], dict[str, Any] | str]


class FlatLines:
    """Some lines of a text, split as far as they are flat.

    ``other``: the numbers of lines that are not. ``names``: of the values of the others, in order of first appearance.
    """

    def __init__(self, text: bytes, lines: npt.NDArray[np.int32], names: list[str]) -> None:
        """``lines``: where each begins, and one behind the end of the last. ``names``: those of lines before."""
        self._data = np.frombuffer(text, np.uint8)
        self._text = text
        self._lines = lines
        self.names = names
        n = len(lines) - 1
        self._other = np.zeros(n, np.bool_)
        shape = (max(len(names), 1), n)
        self._starts, self._stops = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
        self._kinds = np.zeros(shape, np.int8)

    def split(self, read: Read) -> bool:
        """Split them; False: they have too many names. ``read`` gives the object in a line, or why it is none."""
        at, n = 0, len(self._lines) - 1
        while True:
            encoded = [name.encode() for name in self.names]
            bounds = np.cumsum([0, *map(len, encoded)]).astype(np.int32)
            names = np.frombuffer(b"".join(encoded) or b"\0", np.uint8)
            at = scan(self._data, self._lines, at, names, bounds, LONGEST_ROW, self._starts, self._stops, self._kinds,
                      self._other)  # fmt: skip
            if at == n:
                return True
            record = read(self.line(at))
            new = [name for name in record if name not in self.names] if isinstance(record, dict) else []
            if not new:
                self._other[at] = True
                at += 1
            if len(self.names) + len(new) > _MOST_NAMES:
                return False
            self._widen(new)

    def _widen(self, new: list[str]) -> None:
        n = len(self._lines) - 1
        self.names = [*self.names, *new]
        if len(self.names) > len(self._kinds):
            more = len(self.names) - len(self._kinds)
            self._starts, self._stops, self._kinds = (
                np.concatenate([array, np.zeros((more, n), array.dtype)])
                for array in (self._starts, self._stops, self._kinds)
            )

    def line(self, i: int) -> bytes:
        return self._text[self._lines[i] : self._lines[i + 1] - 1]

    @property
    def other(self) -> list[int]:
        return np.flatnonzero(self._other).tolist()

    @property
    def flat(self) -> npt.NDArray[np.int64]:
        """The numbers of those that are flat."""
        return np.flatnonzero(~self._other)

    def column(self, name: str) -> tuple[Any, bool]:
        """(text column of the flat lines, whether every value is a number or null)."""
        which, flat = self.names.index(name), ~self._other
        starts, stops, kinds = (array[which][flat] for array in (self._starts, self._stops, self._kinds))
        out = np.empty(int(np.sum(stops - starts, dtype=np.int64)), np.uint8)
        offsets = np.empty(len(starts) + 1, np.int32)
        size = gather_values(self._data, starts, stops, kinds, out, offsets)
        given = kinds > VALUE_NULL
        valid = None if given.all() else pa.array(given).buffers()[1]
        column = pa.Array.from_buffers(
            pa.string(), len(starts), [valid, pa.py_buffer(offsets), pa.py_buffer(out[:size])]
        )
        return column, bool(np.all((kinds <= VALUE_NULL) | (kinds == VALUE_NUMBER)))

    def appears(self, name: str) -> bool:
        """Whether some flat line has the name."""
        return bool(np.any(self._kinds[self.names.index(name)] != VALUE_ABSENT))


def lines_of(text: bytes) -> list[npt.NDArray[np.int32]]:
    """Where the lines of a text begin, and one behind the end of the last, some thousand lines at a time."""
    ends = np.flatnonzero(np.frombuffer(text, np.uint8) == 10)
    starts = np.concatenate([[0], ends + 1, [len(text) + 1]]).astype(np.int32)
    return [starts[i : i + _MOST_LINES + 1] for i in range(0, len(starts) - 1, _MOST_LINES)]
