"""The raw history: the bodies of accepted touchpoints, byte for byte, as Avro object containers."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np

from schemas.registry import Registry
from streams.engine.results import Applied
from streams.outputs.output import Output, Results, Rows
from streams.reports.container import container

TABLE: Final = "touchpoints_raw"


def touchpoint_containers(applied: Sequence[Applied], registry: Registry) -> list[bytes]:
    """One container for each schema in which accepted touchpoints were written."""
    bodies: dict[int, list[tuple[Any, Any, Any]]] = {}
    for each in applied:
        for schema_id in np.unique(each.taken[:, 2]):
            taken = each.taken[each.taken[:, 2] == schema_id]
            bodies.setdefault(int(schema_id), []).append((each.buffer, taken[:, 0], taken[:, 0] + taken[:, 1]))
    return [_joined(registry.schema(schema_id), parts) for schema_id, parts in bodies.items()]


def _joined(schema: dict[str, Any], parts: list[tuple[Any, Any, Any]]) -> bytes:
    base = np.cumsum([0, *(len(buffer) for buffer, _, _ in parts)])
    return container(
        schema,
        np.concatenate([buffer for buffer, _, _ in parts]),
        np.concatenate([starts + base[i] for i, (_, starts, _) in enumerate(parts)]),
        np.concatenate([stops + base[i] for i, (_, _, stops) in enumerate(parts)]),
    )


def _rows(results: Results) -> Iterable[Rows]:
    return (Rows(TABLE, each) for each in touchpoint_containers(results.applied, results.registry))


# They came out of a topic; there is none for them to go to.
TOUCHPOINTS: Final = Output("touchpoints", rows=_rows)
