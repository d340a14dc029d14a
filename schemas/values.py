"""Decoded values of many records or items, and what is wrong with each: the ground that a translation works on."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.columns import COLUMN_TEXT, Column, bytes_column
from schemas.decode import ABSENT
from schemas.landing import Alternative
from schemas.reasons import BAD_UTF8, OK
from schemas.unfolding import are_texts, gather

Numbers: TypeAlias = npt.NDArray[np.int64]
Truths: TypeAlias = npt.NDArray[np.bool_]


class Values:
    """``cells`` (n, slots, 2) as of ``decode``. Texts are slices of one growing buffer, which begins with the records'.

    ``reasons``: OK, or the first thing that is wrong with each; ``fields``: the number of the field that it is about.
    """

    def __init__(self, buffer: npt.NDArray[np.uint8], cells: Numbers) -> None:
        self.parts = [buffer]
        self.size = len(buffer)
        self.cells = cells
        self.reasons = np.zeros(len(cells), np.int32)
        self.fields = np.full(len(cells), -1, np.int32)

    def add(self, data: npt.NDArray[np.uint8]) -> int:
        """Append bytes; where they begin."""
        self.parts.append(data)
        self.size += len(data)
        return self.size - len(data)

    def refuse(self, wrong: Truths, reason: int, field: int) -> None:
        """Note what is wrong with some, unless something was already."""
        first = wrong & (self.reasons == OK)
        self.reasons[first] = reason
        self.fields[first] = field

    @property
    def buffer(self) -> npt.NDArray[np.uint8]:
        """The records' own."""
        return self.parts[0]

    def has(self, each: Alternative) -> Truths:
        """Which of them are of this type."""
        return np.asarray(self.cells[:, each.slot, 1] != ABSENT)

    def text_of(self, each: Alternative, field: int) -> Numbers:
        """(n, 2): start and length of the text of each value, -1 where it has none."""
        found = self.cells[:, each.slot].copy()
        has = self.has(each)
        if each.kind == "bytes":
            valid = np.ones(len(found), np.bool_)
            are_texts(self.buffer, found, valid)
            self.refuse(has & ~valid, BAD_UTF8, field)
        elif each.kind == "enum":
            found = self._told(pa.array(each.schema["symbols"], pa.string()), np.where(has, found[:, 0], 0), has)
        elif each.kind in ("int", "long"):
            found = self._formatted(pa.array(found[has, 0]), has)
        elif each.kind in ("double", "float"):
            numbers = pa.array(found[has, 0].view(np.float64))
            found = self._formatted(numbers.cast(pa.float32(), safe=False) if each.kind == "float" else numbers, has)
        elif each.kind == "boolean":
            found = self._told(pa.array(["false", "true"]), np.where(has, found[:, 0], 0), has)
        elif each.kind != "string":
            found[:, 1] = ABSENT
        found[~has, 1] = ABSENT
        return found

    def _told(self, words: Any, which: Numbers, has: Truths) -> Numbers:
        starts, lengths = self._slices(words)
        return np.stack([starts[which], np.where(has, lengths[which], ABSENT)], axis=1)

    def _formatted(self, numbers: Any, has: Truths) -> Numbers:
        found = np.full((len(has), 2), ABSENT, np.int64)
        found[has, 0], found[has, 1] = self._slices(numbers.cast(pa.string()))
        return found

    def _slices(self, texts: Any) -> tuple[Numbers, Numbers]:
        _, offsets, data = texts.buffers()
        places = np.frombuffer(offsets, np.int32, len(texts) + 1).astype(np.int64) if len(texts) else np.zeros(1, int)
        base = self.add(np.frombuffer(data, np.uint8)) if data is not None and data.size else 0
        return base + places[:-1], np.diff(places)

    def text_column(self, slices: Numbers, null: int) -> Column:
        """The column of texts; what has none is null."""
        sizes = np.maximum(slices[:, 1], 0)
        offsets = np.zeros(len(slices) + 1, np.int64)
        np.cumsum(sizes, out=offsets[1:])
        out = np.empty(int(offsets[-1]), np.uint8)
        gather(self.buffer if len(self.parts) == 1 else np.concatenate(self.parts), slices, offsets, out)
        return bytes_column(COLUMN_TEXT, null, slices[:, 1] != ABSENT, offsets, out)
