"""Ids in a file that name nobody (``NULL``, ``anonymous``, ``0``): who they are is said, or asked where they are many.

One of them as a customer would be everybody who has none: thousands of orders of one giant customer. As the id of an
order or of an event it would make one of many, so there it is none at all.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from processors.compiled import compiled
from schemas.nobody import NOBODY, may_be_nobody
from streams.imports.columns import Parts, parts_of

NOTHING: Final = "nothing"
NAMELESS: Final = NOBODY - {"0", "-1"}
"""Those that are no id of an order or an event either: a number may well be one."""
_SUMS: Final = frozenset((
    "total", "totals", "grand total", "grand totals", "report total", "subtotal", "sub-total", "sub total", "sum",
    "summe", "gesamt", "gesamtsumme", "gesamtergebnis", "zwischensumme", "insgesamt", "endsumme", "totaal", "subtotaal",
    "eindtotaal", "totaux", "total général", "total general", "sous-total", "somme", "totale", "totale generale",
    "suma", "total geral", "razem", "suma końcowa", "celkem", "jumlah", "total keseluruhan", "toplam", "genel toplam",
    "totalt", "yhteensä", "итого", "всего", "合計", "总计", "總計", "小計",
))  # fmt: skip
_MANY: Final = 100
_SHOWN: Final = 3


@dataclass
class Nobodies:
    """How many of ``rows`` rows name a customer whose id is none: ``counts`` by id; ``example``: (line, id) of the
    first."""

    rows: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    example: tuple[int, str] = (0, "")

    @property
    def doubtful(self) -> bool:
        """Whether they are more than half of all rows, or a hundred and a tenth of them."""
        found = self.counts.total()
        return 2 * found > self.rows or (found >= _MANY and 10 * found >= self.rows)

    def take(self, ids: Any, marked: npt.NDArray[np.bool_], rows: npt.NDArray[np.int64]) -> None:
        """Count the rows of a text column that are ``marked`` bool[n]; ``rows`` int64[n] are their lines."""
        if not marked.any():
            return
        if not self.example[0]:
            first = int(np.argmax(marked))
            self.example = int(rows[first]), ids[first].as_py()
        for each in pc.value_counts(ids.filter(pa.array(marked))).to_pylist():
            self.counts[each["values"]] += each["counts"]

    def doubt(self) -> str:
        """What is asked: who these are."""
        line, text = self.example
        found = self.counts.total()
        shown = ", ".join(f"{name!r} ({count:,})" for name, count in self.counts.most_common(_SHOWN))
        return (
            f"customer {text!r} in line {line} looks like no customer, and {found:,} of {self.rows:,} rows are of "
            f"such: {shown}. --set no_id=nothing if it means that nobody is known (rows that name nobody else become "
            "rejects), --set no_id=customer if it is one"
        )


@compiled
def _mark(text: Parts, out: npt.NDArray[np.bool_]) -> None:
    for i in range(len(out)):
        start = np.int64(text.offsets[i])
        out[i] = text.valid[i] and may_be_nobody(text.data, start, np.int64(text.offsets[i + 1]) - start)


def are_nobody(ids: Any, names: frozenset[str] = NOBODY) -> npt.NDArray[np.bool_]:
    """bool[n]: which values of a trimmed text column are ids that name nobody."""
    found = np.zeros(len(ids), np.bool_)
    _mark(parts_of(ids), found)
    if found.any():
        which = np.flatnonzero(found)
        texts = pc.utf8_lower(ids.take(pa.array(which)))
        found[which] = pc.is_in(texts, pa.array(sorted(names))).to_numpy(zero_copy_only=False)
    return found


def are_sums(ids: Any) -> npt.NDArray[np.bool_]:
    """bool[n]: which values of a trimmed text column are words for a sum, as the last row of a report has them."""
    plain = pc.utf8_rtrim(pc.utf8_lower(ids), ": ")
    marked: npt.NDArray[np.bool_] = pc.is_in(plain, pa.array(sorted(_SUMS))).to_numpy(zero_copy_only=False)
    return marked


def without(ids: Any, marked: npt.NDArray[np.bool_]) -> Any:
    """A text column in which the ``marked`` are null."""
    return pc.if_else(pa.array(marked), pa.scalar(None, pa.string()), ids) if marked.any() else ids
