"""How a whole column is written, where single values may mean two things: the evidence, and the verdict.

A value that has one reading is read so, and is evidence for its way of writing. A value that has two (``1.000``,
``05/02/2026``) is read as the others of its column are. A column whose values speak for both ways, or that has values
with two readings and none with one, is asked about: nothing is guessed.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

NEUTRAL: Final = 0
FIRST: Final = 1
SECOND: Final = 2
EITHER: Final = 3


@dataclass
class Evidence:
    """Of one column: how many values speak for each way, and the first of each, as (row, text).

    ``dates``: the ways are those of days and months, and not of decimal signs.
    """

    counts: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(4, np.int64))
    examples: dict[int, tuple[int, str]] = field(default_factory=dict)
    dates: bool = False

    def add(self, ways: npt.NDArray[np.int8], rows: npt.NDArray[np.int64], texts: object) -> None:
        """Take the ways int8[n] of some values; ``rows`` are their lines, ``texts`` an Arrow column of them."""
        found = np.bincount(ways, minlength=4)
        self.counts += found
        for way in (FIRST, SECOND, EITHER):
            if found[way] and way not in self.examples:
                i = int(np.argmax(ways == way))
                self.examples[way] = (int(rows[i]), str(texts[i]))  # type: ignore[index]

    @property
    def mixed(self) -> bool:
        """Whether values speak for both ways."""
        return bool(self.counts[FIRST] and self.counts[SECOND])

    def verdict(self) -> int:
        """FIRST or SECOND where all evidence is for it, EITHER where there is none and some is needed, else NEUTRAL."""
        if self.mixed:
            return EITHER
        if self.counts[FIRST] or self.counts[SECOND]:
            return FIRST if self.counts[FIRST] else SECOND
        return EITHER if self.counts[EITHER] else NEUTRAL

    def must_read_again(self, assumed: int, *, whole: bool = True) -> bool:  # noqa: ARG002 (so far is enough)
        """Whether values with two readings were read in a way that the column turned out not to be written in."""
        return bool(self.counts[EITHER]) and self.verdict() in (FIRST, SECOND) and self.verdict() != assumed

    def shown(self, way: int) -> str:
        """An example of a way: the text, and the line where it stands."""
        row, text = self.examples[way]
        return f"{text!r} in line {row}"


YEARS: Final = " (year)"
"""Added to the name of a column of times: where its years of two digits stand."""
_MOST_DAYS: Final = 31
_MOST_MONTHS: Final = 12


@dataclass
class Years:
    """Of a column of dates like 05.01.26: whether the year stands last (FIRST) or first (SECOND).

    A first part of one digit is no year, and a second one above twelve no month behind a year. Else days take more
    values than years do. Where the column has as many different first parts as last ones, points say that the year
    stands last, and what is written otherwise is asked about.
    """

    first: set[int] = field(default_factory=set)
    last: set[int] = field(default_factory=set)
    surely_last: bool = False
    points: bool = True
    example: tuple[int, str] = (0, "")

    def see(self, texts: Any, row: int) -> None:
        """Take an Arrow column of such dates; ``row`` is the line of the first."""
        parts = pc.extract_regex(texts, r"^\D*(?P<a>\d+)(?P<s>\D+)(?P<m>\d+)\D+(?P<b>\d+)")
        first, _, second, last = (pc.unique(pc.struct_field(parts, [i])).drop_null() for i in range(4))
        self.first.update(first.cast("int64").to_pylist())
        self.last.update(last.cast("int64").to_pylist())
        behind = pc.max(second.cast("int64")).as_py() or 0
        self.surely_last |= behind > _MOST_MONTHS or pc.any(pc.equal(pc.utf8_length(first), 1)).as_py() is True
        self.points = self.points and pc.all(pc.equal(pc.struct_field(parts, [1]), ".")).as_py() is not False
        if not self.example[0]:
            self.example = row, str(texts[0])

    def verdict(self) -> int:
        """FIRST where the year stands last, SECOND where it stands first, EITHER where the column does not say."""
        if self.surely_last:
            return FIRST
        no_days = max(self.first) > _MOST_DAYS, max(self.last) > _MOST_DAYS
        if no_days[0] != no_days[1]:
            return SECOND if no_days[0] else FIRST
        if len(self.first) != len(self.last):
            return FIRST if len(self.last) < len(self.first) else SECOND
        return FIRST if self.points else EITHER

    def must_read_again(self, assumed: int, *, whole: bool = True) -> bool:
        """Whether they were read otherwise; only the ``whole`` column tells."""
        return whole and self.verdict() == SECOND != assumed


def note(
    evidence: dict[str, Evidence | Years],
    column: str,
    ways: npt.NDArray[np.int8],
    rows: npt.NDArray[np.int64],
    texts: object,
    *,
    dates: bool = False,
) -> None:
    """Keep what the values of a column say of its way of writing, if they say anything (``Evidence.add``)."""
    if ways.any():
        found = evidence.setdefault(column, Evidence(dates=dates))
        if isinstance(found, Evidence):
            found.add(ways, rows, texts)
