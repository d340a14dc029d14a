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

from streams.engine.checkpoint import Stored
from streams.kafka.fences import Fence, Fences
from streams.kafka.fetch import Fetched
from streams.kafka.held import Held
from streams.kafka.tenure import Tenure

# Not by this module's name: Faust logs the life of its services under that.
log = structlog.get_logger("streams.kafka.assignment")

Begin = Callable[[int, Iterable[Stored], int, Fence], Awaitable[Tenure]]
"""Makes a tenure of (partition, what is stored of it, offset in the changelog up to which that was read, its fence)."""


class IncompleteRecovery(RuntimeError):
    """Faust declared a recovery complete before the whole changelog was read."""


class CheckpointStore(Store[Any, Any]):
    """What was read of changelogs, and the tenures made of it."""

    def __init__(
        self,
        *args: Any,
        source: str,
        fences: Fences,
        begin: Begin,
        fail: Callable[[BaseException], None],
        **kw: Any,
    ) -> None:
        super().__init__(*args, **kw)
        self.tenures: dict[int, Tenure] = {}
        self.generation = 0
        self._source = source
        self._fences = fences
        self._begin = begin
        self._fail = fail
        self._held: dict[int, Held] = {}
        self._standby: set[int] = set()
        self._kept: set[int] = set()
        self._rebuilding = 0

    def persisted_offset(self, tp: TP) -> int:
        """The changelog offset that memory contains; -1: nothing."""
        tenure = self.tenures.get(tp.partition)
        return self._held_of(tp.partition).read if tenure is None else tenure.held_offset

    def _held_of(self, number: int) -> Held:
        return self._held.get(number) or Held()

    def apply_changelog_batch(
        self,
        batch: Iterable[EventT[Any]],
        to_key: Any,  # noqa: ARG002
        to_value: Any,  # noqa: ARG002
    ) -> None:
        """Take fetches in. Those of a partition that we own hold our own checkpoints."""
        for event in batch:
            message = event.message
            if message.generation_id != self.app.consumer_generation_id or message.partition in self.tenures:
                continue
            try:
                self._held.setdefault(message.partition, Held()).take(cast(Fetched, event.value))
            except Exception as error:
                # Faust would go on with a line in the log.
                self._fail(error)
                raise

    async def on_rebalance(
        self,
        assigned: set[TP],
        revoked: set[TP],  # noqa: ARG002
        newly_assigned: set[TP],
        generation_id: int = 0,
    ) -> None:
        """Keep only what was held in the generation before this one; begin to take over what else is ours."""
        next_in_line = generation_id == self.generation + 1
        self.generation = generation_id
        kept = assigned - newly_assigned if next_in_line else set()
        held = {tp.partition for tp in kept if tp.topic == self._source}
        for number in self.tenures.keys() - held:
            self.drop(number)
        standby = {tp.partition for tp in kept if tp.topic != self._source} & self._standby
        for number in self._held.keys() - standby:
            del self._held[number]
        # By the changelogs, as Faust recovers: it does so even where the topic of touchpoints is gone.
        actives: set[TP] = self.app.assignor.assigned_actives()
        self._fences.renew({tp.partition for tp in actives}, self.tenures)
        self._kept = set(self.tenures)
        log.info("rebalanced", generation=generation_id, kept=sorted(self.tenures), standby=sorted(standby))

    def drop(self, number: int) -> None:
        """End a tenure: its rows are not ours any more."""
        self.tenures.pop(number).ended = True

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Begin a tenure of each partition that is newly ours. Faust would swallow what is raised here."""
        self._standby = {tp.partition for tp in standby_tps}
        try:
            if self._is_of_this_generation():
                # A tenure that was kept and has ended since was fenced: its changelog was not read, and it is regained.
                new = [tp for tp in active_tps if tp.partition not in self._kept | self.tenures.keys()]
                await asyncio.gather(*(self._take_over(tp) for tp in new))
        except Exception as error:
            self._fail(error)
            raise

    def _is_of_this_generation(self) -> bool:
        # Faust tells a rebalance to its tables first and to its recovery some turns of the loop later. One that ends in
        # between is the former generation's: what it has read is dropped already.
        tables: Any = self.app.tables
        recovery = tables.recovery
        if recovery.signal_recovery_start.is_set():
            return False
        return bool(self.generation == self.app.consumer_generation_id == recovery._generation_id)

    @property
    def progress(self) -> tuple[int, ...] | None:
        """What changes while a recovery gets on; None while a partition is rebuilt, which takes as long as it takes."""
        read = sum(held.read for held in self._held.values())
        return None if self._rebuilding else (self.generation, len(self.tenures), len(self._held), read)

    async def _take_over(self, tp: TP) -> None:
        self._rebuilding += 1
        try:
            await self._rebuild(tp)
        finally:
            self._rebuilding -= 1

    async def _rebuild(self, tp: TP) -> None:
        # Whoever comes back to it reads from the beginning: what is taken out of it is gone.
        held = self._held.pop(tp.partition, None) or Held()
        tables: Any = self.app.tables
        end = tables.recovery.active_highwaters.get(tp)
        if end is None or held.read < end:
            raise IncompleteRecovery(
                f"partition {tp.partition}: the changelog ends at {end}, read was up to {held.read}"
            )
        await self.begin(tp.partition, held)

    async def begin(self, number: int, held: Held) -> Tenure | None:
        """Begin a tenure of what was read of a changelog; none, if a rebalance comes meanwhile."""
        generation = self.generation
        tenure = await self._begin(number, held.stored(), held.read, self._fences.of(number))
        # A rebalance may have come while the end of the log was asked for.
        if not generation == self.generation == self.app.consumer_generation_id:
            return None
        self.tenures[number] = tenure
        return tenure

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
        super().__init__(maxsize=maxsize, flow_control=app.flow_control)
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
