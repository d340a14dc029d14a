"""The raw history: the bodies of accepted touchpoints, byte for byte, as Avro object containers."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np

from schemas.registry import Registry
from streams.engine.results import Applied
from streams.outputs.output import Output, Results, Rows
from streams.reports.container import Places, container

TABLE: Final = "touchpoints_raw"


def touchpoint_containers(applied: Sequence[Applied], registry: Registry) -> list[bytes]:
    """One container for each schema in which accepted touchpoints were written."""
    bodies: dict[int, list[tuple[Any, Any]]] = {}
    for each in applied:
        for schema_id in np.unique(each.taken[:, 2]):
            taken = each.taken[each.taken[:, 2] == schema_id]
            bodies.setdefault(int(schema_id), []).append((each.buffer, taken))
    partition = applied[0].partition if applied else 0
    return [_joined(registry.schema(schema_id), parts, partition) for schema_id, parts in bodies.items()]


def _joined(schema: dict[str, Any], parts: list[tuple[Any, Any]], partition: int) -> bytes:
    base = np.cumsum([0, *(len(buffer) for buffer, _ in parts)])
    starts = np.concatenate([taken[:, 0] + base[i] for i, (_, taken) in enumerate(parts)])
    return container(
        schema,
        np.concatenate([buffer for buffer, _ in parts]),
        starts,
        starts + np.concatenate([taken[:, 1] for _, taken in parts]),
        Places(partition, np.concatenate([taken[:, 3] for _, taken in parts])),
    )


def _rows(results: Results) -> Iterable[Rows]:
    return (Rows(TABLE, each) for each in touchpoint_containers(results.applied, results.registry))


# They came out of a topic; there is none for them to go to.
TOUCHPOINTS: Final = Output("touchpoints", rows=_rows)
