"""What became of links of two ids: which one goes on, and which links were refused or ignored."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from processors.row.namespaces import NAMESPACES
from streams.engine.links import BYS, FACTS, WHYS
from streams.engine.naming import Naming
from streams.engine.results import Applied
from streams.outputs.columns import hashes, instants, names, slices
from streams.outputs.output import Output, Results, Rows
from streams.reports.tables import IDENTITIES as COLUMNS


def identities_table(applied: Sequence[Applied], partition: Naming) -> pa.Table:
    """What became of the links of fetches of a partition; columns ``reports.tables.IDENTITIES``."""
    links = np.concatenate([np.asarray(each.links) for each in applied])
    return pa.table(
        {
            "id": hashes(links["id"]),
            "fact": names(links["what"], FACTS),
            **_named("customer_id", "namespace", partition, links["left"]),
            **_named("into_id", "into_namespace", partition, links["into"]),
            **_named("holder_id", "holder_namespace", partition, links["holder"]),
            "why": names(links["why"], WHYS),
            "made_by": names(links["by"], BYS),
            "at": instants(links["at"]),
            "known_at": instants(links["known_at"]),
            "epoch": np.full(len(links), partition.epoch, np.int64),
            "partition": np.full(len(links), partition.number, np.int32),
            "offset": links["offset"],
        },
        schema=COLUMNS,
    )


def _named(name: str, namespace: str, partition: Naming, numbers: Any) -> dict[str, pa.Array]:
    """The columns of ids that have these numbers."""
    return {
        name: slices(partition.table.ids, *partition.ids(numbers)),
        namespace: names(partition.namespaces(numbers), NAMESPACES),
    }


def _rows(results: Results) -> Iterable[Rows]:
    linked = [each for each in results.applied if len(each.links)]
    if linked:
        yield Rows("identities_raw", identities_table(linked, results.partition))


IDENTITIES: Final = Output("identities", rows=_rows)
