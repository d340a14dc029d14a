"""What the readers of all formats have in common."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from streams.imports.problems import ImportReject


@dataclass(frozen=True)
class Block:
    """Some rows of a file, as raw Arrow columns by their names in the file.

    ``rows`` int64[n] numbers them as ``ImportReject.row`` does, ``original(i)`` gives the bytes of the i-th,
    ``rejects`` are rows that were not even readable as such, ``done`` of ``total`` says how far the file is read.
    ``numbers`` names columns of text whose values all were numbers in the file (JSON's), so with a decimal point.
    ``nested``: of columns into which paths lead, the values of JSON themselves; such a column is empty.
    """

    columns: dict[str, Any]
    rows: npt.NDArray[np.int64]
    original: Callable[[int], bytes]
    done: int
    total: int
    rejects: list[ImportReject] = field(default_factory=list)
    numbers: frozenset[str] = frozenset()
    nested: Mapping[str, list[Any]] = field(default_factory=dict)


class Source(Protocol):
    """A file being read. ``columns`` are its names in order; None while only reading on can tell (JSON lines)."""

    columns: tuple[str, ...] | None

    def blocks(self, needed: Sequence[str] | None) -> Iterator[Block]:
        """The file's rows, with these columns at least (None: with all)."""
        ...

    def close(self) -> None: ...
