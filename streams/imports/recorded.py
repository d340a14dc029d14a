"""What the reports keep of an import, and whether the same file was imported before in another way."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from streams.imports.problems import NothingUsable
from streams.imports.survey import Survey
from streams.reports.sink import Sink
from streams.reports.tables import IMPORTS

if TYPE_CHECKING:
    from streams.imports.prepare import Prepared

TABLE: Final = "imports_raw"
# An import of which nothing came in, whose times nobody understood, stands in nobody's way.
_OTHER: Final = (
    "SELECT id, file, mapping, at FROM imports_raw FINAL WHERE sha256 = {sha256:String} "
    "AND mapping_digest != {digest:String} AND customers > 0 "
    "AND id NOT IN (SELECT arrayJoin(left_out) FROM editions_raw) ORDER BY at DESC LIMIT 1"
)


@dataclass(frozen=True)
class Counted:
    """What became of the rows: how many were known, and rejected."""

    known: int
    rejects: int


def import_row(import_id: str, prepared: "Prepared", survey: Survey, counted: Counted, at: int) -> pa.Table:
    """The row (``IMPORTS``) of an import that ended at ``at`` (ms)."""
    money = sorted(survey.money.items())
    row = {
        "id": import_id,
        "file": prepared.name,
        "sha256": prepared.sha256,
        "mapping": prepared.mapping.shown(),
        "mapping_digest": prepared.mapping.digest(),
        "rows": prepared.rows,
        "known": counted.known,
        "rejects": counted.rejects,
        "customers": survey.customers,
        "purchases": survey.purchases,
        "currencies": [code for code, _ in money],
        "money_in_minor": [total.brought for _, total in money],
        "money_back_minor": [total.back for _, total in money],
        "first_at": survey.first_at,
        "last_at": survey.last_at,
        "at": at,
    }
    return pa.Table.from_pylist([row], IMPORTS)


def refuse_other_mapping(sink: Sink, prepared: "Prepared") -> None:
    """Raise ``NothingUsable`` where the same content was imported under another mapping; both are shown."""
    parameters = {"sha256": prepared.sha256, "digest": prepared.mapping.digest()}
    found = sink.query(_OTHER, parameters).to_pylist()
    if found:
        before = found[0]
        raise NothingUsable(
            f"{prepared.name}: the same content was imported before, read in another way; nothing was imported\n"
            f"  import {before['id']} of {before['at']:%Y-%m-%d %H:%M} ({before['file']}): {before['mapping']}\n"
            f"  now: {prepared.mapping.shown()}\n"
            f"  its touchpoints would count twice. --replace {before['id']} imports it in the place of that one, --again "
            "imports it all the same"
        )
