"""Which edition's reports the views of a server show.

Each later edition has tables and views in a database of its own; the views of the first one's database are made anew
over its tables when it is put in force, so that whoever asks need not know. A view's tables are those of the database
in which it is created, whatever database its own name is in.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

import pyarrow as pa

from streams.reports.tables import EDITIONS, TABLES

TABLE: Final = "editions_raw"
FIRST_EDITION: Final = 1
IN_FORCE: Final = f"SELECT max(number) FROM {TABLE}"
"""The edition that the views show; 0: the first."""
# What no partition sees is of no edition: files and requests that were refused, imports, deliveries.
_OF_ALL: Final = frozenset({TABLE, "rejects_raw", "logs_raw", "deliveries_raw", "imports_raw"})
OF_AN_EDITION: Final = ("touchpoints_raw", *sorted(TABLES.keys() - _OF_ALL))
"""Tables that only the workers of an edition fill."""
_COMMON: Final = frozenset({"imports", "deliveries"})
_VIEW: Final = re.compile(r"CREATE OR REPLACE VIEW (\w+)")
_REJECTS: Final = "FROM rejects_raw FINAL"


class Shown(NamedTuple):
    """A statement that makes a view of the database that people ask; ``common``: over tables of that database."""

    text: str
    common: bool


def quoted(name: str) -> str:
    """A name as it stands in SQL."""
    escaped = name.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"


def database_of(base: str, number: int) -> str:
    """The database of an edition's reports."""
    return base if number == FIRST_EDITION else f"{base}_edition_{number}"


def view_of(statement: str) -> str | None:
    """The view that a statement makes; None: it makes none."""
    found = _VIEW.match(statement)
    return None if found is None else found[1]


def shown_from(statement: str, base: str) -> Shown | None:
    """The statement that makes the same view in ``base``, to be run in an edition's database; None: it makes none."""
    name = view_of(statement)
    if name is None or name in _COMMON:
        return None if name is None else Shown(statement, common=True)
    text = _VIEW.sub(lambda _: f"CREATE OR REPLACE VIEW {quoted(base)}.{name}", statement, count=1)
    if name == "rejects":
        both = (
            f"FROM (SELECT * FROM rejects_raw FINAL UNION ALL SELECT * FROM {quoted(base)}.rejects_raw FINAL"
            " WHERE `partition` < 0) AS rejects_raw"
        )
        if _REJECTS not in text:
            raise ValueError(f"the view {name} reads its table in another way than {_REJECTS!r}")
        text = text.replace(_REJECTS, both)
    return Shown(text, common=False)


def edition_row(number: int, left_out: Sequence[str], now: int) -> pa.Table:
    """An edition that is put in force ``now`` (ms), columns ``EDITIONS``."""
    at = datetime.fromtimestamp(now / 1000, UTC)
    return pa.Table.from_pylist([{"number": number, "left_out": list(left_out), "known_at": at}], EDITIONS)
