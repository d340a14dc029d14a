"""Files into Kafka: canonical touchpoints, keyed and partitioned as any client would, with ticks as their time passes.

Every partition gets every tick, at the place that it has in the file's order; so each customer sees the same sequence
as in a log that has one partition only.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from processors.policy.policy import Policy
from processors.row.layout import NONE
from schemas.bodies import Bodies, bodies_of
from schemas.encode import encode_bodies
from schemas.registry import Registry
from streams.clock import now_ms
from streams.imports.prepare import Prepared
from streams.kafka.outbox import Outbox
from streams.kafka.partitioning import only, partitions_of
from streams.kafka.reporting import Reporting
from streams.kafka.topics import Topics
from streams.messages import grid_ticks, interleave, message, reject_messages, text_bodies
from streams.payloads import brief, kept
from streams.reports.tables import REJECTS

FROM_A_FILE: Final = -1
_REJECTS_AT_ONCE: Final = 10_000

Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Produced:
    """How much was sent."""

    touchpoints: int
    rejects: int


class Producing:
    """Sends to the topics of one installation."""

    def __init__(
        self, outbox: Outbox, topics: Topics, registry: Registry, partitions: int, reporting: Reporting | None = None
    ) -> None:
        self._outbox = outbox
        self._reporting = reporting
        self._topics = topics
        self._registry = registry
        self._partitions = partitions

    async def everywhere(self, name: str, value: dict[str, Any]) -> None:
        """Send one message, such as a Tick or a Policy, to every partition."""
        bodies = bodies_of([message(self._registry, name, value)])
        sending = (self._outbox.send(self._topics.touchpoints, n, None, bodies) for n in range(self._partitions))
        await asyncio.gather(*sending)

    async def policy(self, policy: Policy) -> None:
        """Put a policy in force for all that is sent from here on."""
        await self.everywhere("Policy", {"text": policy.text, "hash": policy.hash})

    async def file(self, prepared: Prepared, progress: Report) -> Produced:
        """Send a prepared file: its touchpoints with ticks between them, a last tick, and its bad rows as rejects.

        The rejects also go to the reports, where there are any: no worker ever sees them.
        """
        time, done = NONE, 0
        for batch in prepared.batches():
            time = await self._batch(batch, time)
            done += batch.num_rows
            progress("sending", done, prepared.rows)
        if prepared.rows and prepared.last_at > time:
            await self.everywhere("Tick", {"at": prepared.last_at})
        return Produced(done, await self._rejects(prepared))

    async def _batch(self, batch: pa.RecordBatch, time: int) -> int:
        if batch.num_rows == 0:
            return time
        schema_id = self._registry.id_of("Touchpoint")
        bodies = encode_bodies(batch, self._registry.schema(schema_id), schema_id)
        keys = text_bodies(pc.coalesce(batch.column("customer_id"), batch.column("anonymous_id")))
        ticks, before = grid_ticks(batch.column("occurred_at").to_numpy(), time)
        messages = bodies_of([message(self._registry, "Tick", {"at": int(at)}) for at in ticks])
        partitions = partitions_of(keys, self._partitions)
        await asyncio.gather(
            *(
                self._share(number, np.flatnonzero(partitions == number), keys, bodies, messages, before)
                for number in range(self._partitions)
            )
        )
        return int(ticks[-1]) if len(ticks) else time

    async def _share(
        self,
        number: int,
        rows: npt.NDArray[np.int64],
        keys: Bodies,
        bodies: Bodies,
        ticks: Bodies,
        before: npt.NDArray[np.int64],
    ) -> None:
        own_keys, own = only(keys, rows), only(bodies, rows)
        places = np.searchsorted(rows, before)
        if len(places):
            own_keys = interleave(own_keys, bodies_of([b""] * len(places)), places)
            own = interleave(own, ticks, places)
        if len(own.offsets) > 1:
            await self._outbox.send(self._topics.touchpoints, number, own_keys, own)

    async def _rejects(self, prepared: Prepared) -> int:
        now = now_ms()
        rows = [
            {
                "reason": reject.reason,
                "detail": brief(reject.detail),
                "source": prepared.name,
                "position": reject.row,
                "partition": FROM_A_FILE,
                "at": now,
                "records": 1,
                **kept(reject.payload),
            }
            for reject in prepared.rejects
        ]
        if rows and self._reporting is not None:
            await self._reporting.create()
        for first in range(0, len(rows), _REJECTS_AT_ONCE):
            table = pa.Table.from_pylist(rows[first : first + _REJECTS_AT_ONCE], REJECTS)
            await self._outbox.send(self._topics.rejects, 0, None, reject_messages(table, self._registry))
            if self._reporting is not None:
                await self._reporting.insert("rejects_raw", table)
        return len(rows)
