"""The raw history: the bodies of accepted touchpoints as Avro object containers, and each one's message as it came."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt

from streams.engine.cursor import (
    TAKEN_LENGTH,
    TAKEN_MESSAGE,
    TAKEN_MESSAGE_LENGTH,
    TAKEN_OFFSET,
    TAKEN_SCHEMA,
    TAKEN_START,
)
from streams.engine.results import Applied
from streams.outputs.output import Output, Results
from streams.payloads import kept
from streams.reports.container import Places, container
from streams.reports.sink import Sink

TABLE: Final = "touchpoints_raw"


@dataclass(frozen=True)
class History:
    """Touchpoints of a partition whose bodies, in ``buffer``, are of one schema. ``taken`` as of ``cursor``.

    ``epoch``: of the log that they stand in.
    """

    table: ClassVar[str] = TABLE
    partition: int
    epoch: int
    schema: Mapping[str, Any]
    buffer: npt.NDArray[np.uint8]
    taken: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.taken)

    def part(self, first: int, last: int) -> Self:
        """Those from ``first`` to before ``last``."""
        return replace(self, taken=self.taken[first:last])

    def store(self, sink: Sink) -> None:
        """Store them. Raises ReportsError."""
        starts, places = self.taken[:, TAKEN_START], Places(self.partition, self.taken[:, TAKEN_OFFSET], self.epoch)
        stops = starts + self.taken[:, TAKEN_LENGTH]
        sink.insert_touchpoints(container(self.schema, self.buffer, starts, stops, places))

    def refused(self) -> list[dict[str, Any]]:
        """What tells of each in a reject: its place, and its message as it came."""
        cells = self.taken[:, [TAKEN_OFFSET, TAKEN_MESSAGE, TAKEN_MESSAGE_LENGTH]].tolist()
        return [
            {"position": offset, **kept(self.buffer[start : start + length].tobytes())}
            for offset, start, length in cells
        ]


def history_of(applied: Sequence[Applied], epoch: int = 0) -> list[History]:
    """The accepted touchpoints of fetches of a partition, by the schema of their bodies."""
    found: dict[int, tuple[Mapping[str, Any], list[tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]]]] = {}
    for each in applied:
        for schema_id in np.unique(each.taken[:, TAKEN_SCHEMA]):
            known = each.schemas[int(schema_id)]
            assert known.stored is not None
            # All that were written anew are of one schema, ours.
            key = int(schema_id) if known.translation is None else -1
            taken = each.taken[each.taken[:, TAKEN_SCHEMA] == schema_id]
            found.setdefault(key, (known.stored, []))[1].append((each.buffer, taken))
    return [_joined((applied[0].partition, epoch), schema, parts) for schema, parts in found.values()]


def _joined(
    where: tuple[int, int], schema: Mapping[str, Any], parts: list[tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]]
) -> History:
    base = np.cumsum([0, *(len(buffer) for buffer, _ in parts)])
    moved = []
    for i, (_, taken) in enumerate(parts):
        there = taken.copy()
        there[:, [TAKEN_START, TAKEN_MESSAGE]] += base[i]
        moved.append(there)
    if len(parts) == 1:
        return History(*where, schema, parts[0][0], moved[0])
    return History(*where, schema, np.concatenate([buffer for buffer, _ in parts]), np.concatenate(moved))


def _rows(results: Results) -> Iterable[History]:
    return history_of(results.applied, results.partition.epoch)


# They came out of a topic; there is none for them to go to.
TOUCHPOINTS: Final = Output("touchpoints", rows=_rows)
