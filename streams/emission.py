"""What came of several fetches, in the forms in which it goes into the reports."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.registry import Registry
from streams.engine.partition import Partition
from streams.engine.results import Applied
from streams.facts import judgements_table, meanings_table, policies_table, rejects_table, transitions_table
from streams.reports.container import Places, container


@dataclass(frozen=True)
class Emission:
    """Tables of the reports (None: no rows), and the accepted touchpoints as Avro object containers."""

    policies: pa.Table | None
    meanings: pa.Table | None
    containers: list[bytes]
    transitions: pa.Table | None
    judgements: pa.Table | None
    rejects: pa.Table | None

    def facts(self) -> list[tuple[str, pa.Table]]:
        """(table, rows) of all that is reported, touchpoints and rejects aside, in the order in which to store it."""
        named = {
            "policies_raw": self.policies,
            "meanings_raw": self.meanings,
            "transitions_raw": self.transitions,
            "judgements_raw": self.judgements,
        }
        return [(name, rows) for name, rows in named.items() if rows is not None]


def emission(applied: Sequence[Applied], partition: Partition, registry: Registry, source: str) -> Emission:
    """Everything that came of these fetches of one partition; ``source``: the topic that they were read from."""
    changes = [change for each in applied for change in each.policies]
    moved = [each for each in applied if len(each.facts)]
    judged = [each for each in applied if len(each.judged)]
    return Emission(
        policies=policies_table(changes) if changes else None,
        meanings=meanings_table(changes) if changes else None,
        containers=touchpoint_containers(applied, registry),
        transitions=transitions_table(moved, partition) if moved else None,
        judgements=judgements_table(judged, partition) if judged else None,
        rejects=rejects_of(applied, source),
    )


def rejects_of(applied: Sequence[Applied], source: str) -> pa.Table | None:
    """The rejects of these fetches; None: there are none."""
    return joined([rejects_table(each, source) for each in applied if len(each.rejects)])


def joined(tables: Sequence[pa.Table]) -> pa.Table | None:
    """The rows of all of them; None: no rows."""
    return pa.concat_tables(tables) if tables else None


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
