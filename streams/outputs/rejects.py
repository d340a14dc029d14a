"""Records of the log that could not be used, with their bytes and why."""

from collections.abc import Iterable
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streams.engine.outcomes import REJECT_DETAILS, REJECT_NAMES
from streams.engine.results import Applied
from streams.log.messages import reject_messages
from streams.outputs.columns import instants, names, slices
from streams.outputs.output import Messages, Output, Results, Rows, Topic
from streams.payloads import MOST_PAYLOAD, digests_of
from streams.reports.tables import REJECTS as COLUMNS

TABLE: Final = "rejects_raw"
TOPIC: Final = Topic("rejects.v1", "Reject", kept=True)

# By code; there is none for some numbers.
_REASONS, _DETAILS = (
    tuple(words.get(code, "") for code in range(max(words) + 1)) for words in (REJECT_NAMES, REJECT_DETAILS)
)


def rejects_table(applied: Applied, source: str) -> pa.Table:
    """The rejects of a fetch; ``source`` names the topic. Columns ``reports.tables.REJECTS``."""
    rejects = applied.rejects
    return pa.table(
        {
            "reason": names(rejects["reason"], _REASONS),
            "detail": _reject_details(applied),
            "source": pa.repeat(source, len(rejects)),
            "position": rejects["offset"],
            "partition": np.full(len(rejects), applied.partition, np.int32),
            "at": instants(np.maximum(rejects["time"], 0)),
            "payload": slices(
                applied.buffer, rejects["start"], np.minimum(rejects["length"], MOST_PAYLOAD), pa.binary()
            ),
            "records": rejects["records"].astype(np.int64),
            "payload_bytes": rejects["length"],
            "payload_sha256": digests_of(applied.buffer, rejects["start"], rejects["length"]),
        },
        schema=COLUMNS,
    )


def _reject_details(applied: Applied) -> pa.Array:
    """The text that a reject names by number, else that of its reason."""
    told, which = names(applied.rejects["reason"], _DETAILS), applied.rejects["detail"]
    if not which.any():
        return told
    more = pa.array(applied.details, pa.string()).take(pa.array(which - 1, mask=which == 0))
    return pc.coalesce(more, told)


def _table(results: Results) -> pa.Table | None:
    tables = [rejects_table(each, results.source) for each in results.applied if len(each.rejects)]
    return pa.concat_tables(tables) if tables else None


def _rows(results: Results) -> Iterable[Rows]:
    table = _table(results)
    return [] if table is None else [Rows(TABLE, table)]


def _messages(results: Results) -> Messages | None:
    table = _table(results)
    return None if table is None else Messages(None, reject_messages(table, results.registry))


REJECTS: Final = Output("rejects", TOPIC, rows=_rows, messages=_messages)
