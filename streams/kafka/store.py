"""The table's store. Its memory is the partitions themselves; the changelog holds their checkpoints.

It never claims to contain what it doesn't: Faust goes on reading a changelog where ``persisted_offset`` says, and
believing in rows that had been dropped lost events (measured). So whatever was not held from one generation of the
group to the very next is dropped, and read again from the beginning.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, cast

import faust
import structlog
from faust.stores.base import Store
from faust.types import TP, EventT
from mode.utils.queues import ThrowableQueue

from streams.kafka.tenure import Tenure

# Not by this module's name: Faust logs the life of its services under that.
log = structlog.get_logger("streams.kafka.assignment")

Begin = Callable[[int, Iterable[tuple[bytes, bytes]], int], Awaitable[Tenure]]
"""Makes a tenure of (partition, checkpoint records, offset in the changelog up to which they were read)."""


class IncompleteRecovery(RuntimeError):
    """Faust declared a recovery complete before the whole changelog was read."""


class CheckpointStore(Store[Any, Any]):
    """Checkpoint records on their way in, and the tenures made of them."""

    def __init__(self, *args: Any, source: str, begin: Begin, fail: Callable[[BaseException], None], **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.tenures: dict[int, Tenure] = {}
        self._source = source
        self._begin = begin
        self._fail = fail
        self._records: dict[int, dict[bytes, bytes]] = {}
        self._read: dict[int, int] = {}
        self._standby: set[int] = set()
        self._generation = 0

    def persisted_offset(self, tp: TP) -> int:
        """The changelog offset that memory contains; -1: nothing."""
        tenure = self.tenures.get(tp.partition)
        return self._read.get(tp.partition, -1) if tenure is None else tenure.held_offset

    def apply_changelog_batch(
        self,
        batch: Iterable[EventT[Any]],
        to_key: Any,  # noqa: ARG002
        to_value: Any,  # noqa: ARG002
    ) -> None:
        """Take records in. Those of a partition that we own are our own, or those of one who has lost it."""
        for event in batch:
            message = event.message
            if message.generation_id != self.app.consumer_generation_id or message.partition in self.tenures:
                continue
            records = self._records.setdefault(message.partition, {})
            key: Any = message.key
            value: Any = message.value
            if value is None:
                records.pop(key, None)
            else:
                records[key] = value
            self._read[message.partition] = message.offset

    async def on_rebalance(
        self,
        assigned: set[TP],
        revoked: set[TP],  # noqa: ARG002
        newly_assigned: set[TP],
        generation_id: int = 0,
    ) -> None:
        """Keep only what was held in the generation before this one."""
        next_in_line = generation_id == self._generation + 1
        self._generation = generation_id
        kept = assigned - newly_assigned if next_in_line else set()
        owned = {tp.partition for tp in kept if tp.topic == self._source}
        for number in self.tenures.keys() - owned:
            self.tenures.pop(number).ended = True
        standby = {tp.partition for tp in kept if tp.topic != self._source} & self._standby
        for number in self._records.keys() - standby:
            self._forget(number)
        log.info("rebalanced", generation=generation_id, kept=sorted(self.tenures), standby=sorted(standby))

    def _forget(self, number: int) -> None:
        self._records.pop(number, None)
        self._read.pop(number, None)

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Begin a tenure of each partition that is newly ours. Faust would swallow what is raised here."""
        self._standby = {tp.partition for tp in standby_tps}
        generation = self._generation
        try:
            if generation == self.app.consumer_generation_id:
                new = [tp for tp in active_tps if tp.partition not in self.tenures]
                await asyncio.gather(*(self._take_over(tp) for tp in new))
        except Exception as error:
            self._fail(error)
            raise

    async def _take_over(self, tp: TP) -> None:
        read = self._read.get(tp.partition, -1)
        tables: Any = self.app.tables
        end = tables.recovery.active_highwaters.get(tp, -1)
        if end is not None and read < end:
            raise IncompleteRecovery(f"partition {tp.partition}: the changelog ends at {end}, read was up to {read}")
        generation = self._generation
        records = self._records.get(tp.partition, {})
        tenure = await self._begin(tp.partition, records.items(), read)
        # A rebalance may have come while the end of the log was asked for.
        if generation == self._generation == self.app.consumer_generation_id:
            self._forget(tp.partition)
            self.tenures[tp.partition] = tenure

    def _unused(self, *_: Any) -> Any:
        raise NotImplementedError("customers are not reached through Faust's table")

    __getitem__ = __setitem__ = __delitem__ = __iter__ = __len__ = clear = _unused
    backup_partition = restore_backup = cast(Any, _unused)

    def __contains__(self, key: object) -> bool:
        return False

    def reset_state(self) -> None:
        """Nothing is on disk."""


class CurrentEvents(ThrowableQueue[Any]):
    """Faust's queue of changelog events, without those of an earlier generation.

    One of them that is delivered after a rebalance would make the recovery pass over all that lies before it.
    """

    def __init__(self, app: faust.App, maxsize: int) -> None:
        super().__init__(maxsize=maxsize, flow_control=app.flow_control, clear_on_resume=True)
        self._app = app

    async def get(self) -> Any:
        """The next event of this generation."""
        while True:
            event = await super().get()
            if event.message.generation_id == self._app.consumer_generation_id:
                return event


class CheckpointTable(faust.Table):  # type: ignore[type-arg]
    """Faust's table over our store."""

    def __init__(self, app: faust.App, *, make_store: Callable[..., CheckpointStore], **kw: Any) -> None:
        super().__init__(app, **kw)
        self._make_store = make_store

    def _new_store(self) -> CheckpointStore:
        return self._make_store("relasi://profiles", self.app, self, table_name=self.name, loop=self.loop)
