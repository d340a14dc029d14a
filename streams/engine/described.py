"""How rows are laid out, as a record that goes with them: a later version reads what it would lay out otherwise."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from processors.row.blank import clear_memory, clear_profile
from processors.row.layout import ROW

WORD: Final = 8

# How a word is written where it differs from an empty row's.
KIND_PLAIN: Final = 0  # by what differs
KIND_INSTANT: Final = 1  # by its distance from the row's last touchpoint
KIND_LINK: Final = 2  # by what differs from the id of the last fact
KIND_OUTSIDE: Final = 3  # not among the words: what the head, or the customer's id, says

_OUTSIDE: Final = ("hash", "entry_at", "offset")
_LINKS: Final = ("entered_id", "before_entered_id")
ANCHOR: Final = "last_at"
LINKED: Final = "last_id"

Words = npt.NDArray[np.uint64]


def empty_rows(count: int) -> Any:
    """Rows of customers of whom nothing is known."""
    one = np.zeros(1, ROW).view(np.recarray)
    clear_profile(one[0])
    clear_memory(one[0])
    return np.repeat(one, count).view(np.recarray)


@dataclass(frozen=True)
class Layout:
    """A layout of rows: the type of a row, an empty one as words, and how each word is written."""

    row: np.dtype[Any]
    empty: Words  # shape (words of a row,)
    kinds: npt.NDArray[np.uint8]  # shape (words of a row,)

    @property
    def anchor(self) -> int:
        """The word of the instant that others are written by."""
        return place_of(self.row, ANCHOR)

    @property
    def linked(self) -> int:
        """The word of the id that others are written by. It comes before those."""
        return place_of(self.row, LINKED)

    def text(self) -> bytes:
        """The layout in JSON."""
        told = {"fields": describe(self.row), "empty": self.empty.tobytes().hex(), "kinds": self.kinds.tobytes().hex()}
        return json.dumps(told).encode()


def read_layout(text: bytes) -> Layout:
    """The opposite of ``Layout.text``. Raises ValueError, KeyError, TypeError or IndexError where it is none."""
    told = json.loads(text)
    row = dtype_of(told["fields"])
    empty = np.frombuffer(bytes.fromhex(told["empty"]), np.uint64).copy()
    kinds = np.frombuffer(bytes.fromhex(told["kinds"]), np.uint8).copy()
    layout = Layout(row, empty, kinds)
    width = row.itemsize // WORD
    if len(empty) != width or len(kinds) != width or row.itemsize % WORD or not 0 <= layout.anchor < width:
        raise ValueError("a layout of rows contradicts itself")
    if not all(layout.linked < i for i in np.flatnonzero(kinds == KIND_LINK)):
        raise ValueError("a layout of rows names a link before what it links to")
    return layout


@cache
def our_layout() -> Layout:
    """The layout of this version."""
    empty = np.ascontiguousarray(empty_rows(1)).view(np.uint64).reshape(-1)
    kinds = np.zeros(len(empty), np.uint8)
    for name, kind, first, last in _placed(ROW):
        if name in _OUTSIDE:
            kinds[first:last] = KIND_OUTSIDE
        elif name in _LINKS:
            kinds[first:last] = KIND_LINK
        elif name.endswith("_at") and kind == np.int64:
            kinds[first:last] = KIND_INSTANT
    return Layout(ROW, empty, kinds)


def _placed(row: np.dtype[Any]) -> list[tuple[str, Any, int, int]]:
    """(name, type, first word, the word after the last) of each field."""
    placed = []
    for name in row.names or ():
        field, at = row.fields[name][:2] if row.fields else (row, 0)
        base, _ = field.subdtype or (field, ())
        placed.append((name, base, at // WORD, -(-(at + field.itemsize) // WORD)))
    return placed


def place_of(row: np.dtype[Any], name: str) -> int:
    """The word in which a field begins."""
    return next(first for field, _, first, _ in _placed(row) if field == name)


def describe(row: np.dtype[Any]) -> list[list[Any]]:
    """Name, type, shape and place of each field, and of the whole row the bytes."""
    fields: list[list[Any]] = []
    for name in row.names or ():
        field, place = row.fields[name][:2] if row.fields else (row, 0)
        base, shape = field.subdtype or (field, ())
        fields.append([name, base.str, list(shape), place])
    return [*fields, ["", "", [row.itemsize], 0]]


def dtype_of(fields: list[list[Any]]) -> np.dtype[Any]:
    """The opposite of ``describe``."""
    named = fields[:-1]
    return np.dtype(
        {
            "names": [field[0] for field in named],
            "formats": [(field[1], tuple(field[2])) for field in named],
            "offsets": [field[3] for field in named],
            "itemsize": fields[-1][2][0],
        }
    )
