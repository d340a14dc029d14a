"""Columns that say what became of a row, beside a mapping by which every row is an order."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from streams.imports.columns import text_of
from streams.imports.likeness import bare
from streams.imports.mapping import Mapping
from streams.imports.orders import COMPLETING

_OF_A_ROW: Final = re.compile(r"(status|state|statut|estado|stato|zustand|situacao|situação|stan)$")
_NO_PURCHASE: Final = re.compile(
    r"cancel|cancl|void|declin|refus|reject|refund|charge ?back|returned|fail|expired|abandon|unpaid|not paid"
    r"|stornier|storno|abgebrochen|abgelehnt|fehlgeschlagen|erstattet|zurückge|retourn"
    r"|annul|échou|rembours|geannuleerd|mislukt|terugbetaald|geretourneerd"
    r"|anulad|fallid|reembols|rechaza|devuel|devolv|fallit|rimbors|rifiutat|anulowan|zwróc|nieudan"
    r"|batal|gagal|dikembalikan|ditolak"
    r"|pending|awaiting|on.hold|draft|ausstehend|wartend|en attente|pendiente|in sospeso|in attesa|oczekuj|menunggu",
    re.IGNORECASE,
)
_SHOP: Final = re.compile(
    r"shipped|delivered|complete|processing|paid|fulfilled|versendet|versandt|geliefert|bezahlt|abgeschlossen|livr|expédi"
    r"|payée|enviad|entregad|pagad|spedit|consegnat|pagat|verzonden|betaald|wysłan|opłacon|zrealizowan|selesai|dikirim",
    re.IGNORECASE,
)
_MOST_WORDS: Final = 50
"""A column with more different values says something else."""
NAMES: Final = ("status", "order_status", "payment_status", "financial_status", "state", "order_state")
"""Those that are looked for where a file's columns are not known before its rows are."""


def says_status(column: str) -> bool:
    """Whether a column, by its name, says what became of each row."""
    return _OF_A_ROW.search(bare(column)) is not None


def no_purchases(values: Iterable[str]) -> list[str]:
    """Of the values of such a column those that say that nothing was bought, or that it was taken back."""
    return [value for value in values if _NO_PURCHASE.search(value)]


def is_of_orders(values: Iterable[str]) -> bool:
    """Whether these are what shops say of the orders that rows are, and not what happened."""
    return any(_SHOP.search(value) for value in values)


class Statuses:
    """Counts rows that a column says were cancelled, though the mapping makes an order of every row."""

    def __init__(self, mapping: Mapping, read: Iterable[str]) -> None:
        """``read``: the columns that the mapping reads; one that reads a status knows what it does."""
        every = mapping.constants.get("kind") in COMPLETING and not mapping.touchpoints
        self._watches: Final = every and not any(map(says_status, read))
        self._counts: dict[str, Counter[str]] = {}

    def watched(self, columns: Iterable[str] | None) -> list[str]:
        """Those of a file's columns that are to be read for this; None: the columns are not known."""
        if not self._watches:
            return []
        return [*NAMES] if columns is None else [column for column in columns if says_status(column)]

    def see(self, columns: dict[str, Any]) -> None:
        """Take the columns of a block."""
        for name in self.watched(columns):
            counts = self._counts.setdefault(name, Counter())
            if len(counts) > _MOST_WORDS:
                continue
            found = pc.value_counts(text_of(columns[name])[0].drop_null())
            words, times = (pc.struct_field(found, [i]) for i in range(2))
            counts.update(dict(zip(words.cast(pa.string()).to_pylist(), times.to_pylist(), strict=True)))

    def warnings(self) -> Iterator[str]:
        """One of each column that says so of some rows, with the argument that leaves them out."""
        for name, counts in self._counts.items():
            words = no_purchases(counts) if len(counts) <= _MOST_WORDS else []
            if words:
                told = ", ".join(f"{word!r} ({counts[word]:,})" for word in words)
                yield (
                    f"{name}, which nobody asked for, says {told} of rows that come in as {'/'.join(COMPLETING[:1])}: "
                    f"{condition(name, words)} leaves them out"
                )


def condition(name: str, words: Iterable[str]) -> str:
    """The argument that leaves rows out whose column has one of these words."""
    return f"--skip '{expression(name, words)}'"


def expression(name: str, words: Iterable[str]) -> str:
    """The condition of it in a mapping."""
    column = name if name.isidentifier() else f"`{name}`"
    listed = ", ".join('"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in words)
    return f"{column} in [{listed}]"
