"""A partition whose tenure was ended by another's fence, and that is ours all the same: it is taken over again.

A worker that was slow in an older generation may initialise the producer of a partition late, when the group has long
given the partition to another. Nothing is lost by it, as the late one is never to write; the right owner begins anew.
"""

from typing import Final

import faust

from streams.clock import Clock
from streams.kafka.fences import Fences
from streams.kafka.store import CheckpointStore
from streams.kafka.tenure import Tenure
from streams.settings import Settings

_AGAIN_SECONDS: Final = 0.5


class Regaining:
    """Takes partitions over again, without troubling the group."""

    def __init__(self, app: faust.App, settings: Settings, fences: Fences, clock: Clock) -> None:
        self._app = app
        self._settings = settings
        self._fences = fences
        self._clock = clock

    async def regain(self, number: int, store: CheckpointStore) -> Tenure | None:
        """Another tenure of the partition; None where the group has given it away."""
        generation = store.generation
        # Whoever was paused for so long that the group went on without it hears so with its next heartbeat. Until then
        # it takes itself for the owner, and would fence the right one.
        await self._clock.sleep(self._settings.session_seconds / 2)
        while self._is_ours(store, generation) and self._app.rebalancing:
            # A recovery of this generation may be what goes on, and that does not take over what was kept before it.
            await self._clock.sleep(_AGAIN_SECONDS)
        if not self._is_ours(store, generation):
            return None
        await self._fences.again(number).initialised()
        held = await self._fences.committed(number)
        return await store.begin(number, held) if self._is_ours(store, generation) else None

    def _is_ours(self, store: CheckpointStore, generation: int) -> bool:
        return generation == store.generation == self._app.consumer_generation_id
