"""How a whole column is written, where single values may mean two things: the evidence, and the verdict.

A value that has one reading is read so, and is evidence for its way of writing. A value that has two (``1.000``,
``05/02/2026``) is read as the others of its column are. A column whose values speak for both ways, or that has values
with two readings and none with one, is asked about: nothing is guessed.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

NEUTRAL: Final = 0
FIRST: Final = 1
SECOND: Final = 2
EITHER: Final = 3


@dataclass
class Evidence:
    """Of one column: how many values speak for each way, and the first of each, as (row, text)."""

    counts: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(4, np.int64))
    examples: dict[int, tuple[int, str]] = field(default_factory=dict)

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

    def must_read_again(self, assumed: int) -> bool:
        """Whether values with two readings were read in a way that the column turned out not to be written in."""
        return bool(self.counts[EITHER]) and self.verdict() in (FIRST, SECOND) and self.verdict() != assumed

    def shown(self, way: int) -> str:
        """An example of a way: the text, and the line where it stands."""
        row, text = self.examples[way]
        return f"{text!r} in line {row}"
