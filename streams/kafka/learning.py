"""Schema ids that partitions want to know, asked for until the registry answers.

A partition that waits is not read on, so an outage of the registry costs no record and no memory.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog

from schemas.answers import UNKNOWN_MS, Answers
from schemas.known import Known
from schemas.registry import Registry, RegistryError, SchemaRegistry, establish
from streams.clock import Clock
from streams.kafka.retry import Backoff
from streams.kafka.tenure import Tenure

T = TypeVar("T")

log = structlog.get_logger()


class Learning:
    """One for all partitions of a worker."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._clock = clock
        self._registry = registry
        self._answers = Answers(registry)
        self._failing: set[str] = set()

    @property
    def failing(self) -> bool:
        """Whether the registry has to be asked again."""
        return bool(self._failing)

    def known(self) -> Sequence[Known]:
        """What a new partition begins with."""
        return self._answers.known()

    def forgotten_before(self) -> int:
        """The instant before which it counts no more that the registry did not have an id."""
        return self._clock.now_ms() - UNKNOWN_MS

    async def establish(self) -> None:
        """Have the ids of what we write ourselves, so that nothing but records of others has to wait later on."""
        registry = self._registry
        if isinstance(registry, SchemaRegistry):
            await self._try("our own", lambda: establish(registry), lambda: False)

    async def learn(self, tenure: Tenure, schema_id: int) -> None:
        """Ask for an id, and tell the partition; gives up where it is no longer ours."""
        known = await self._try(str(schema_id), lambda: self._answers.ask(schema_id), lambda: tenure.ended)
        if known is not None:
            async with tenure.rows:
                tenure.partition.learn(known, self._clock.now_ms())

    async def _try(self, what: str, call: Callable[[], T], given_up: Callable[[], bool]) -> T | None:
        backoff = Backoff(self._clock)
        try:
            while not given_up():
                try:
                    return await asyncio.to_thread(call)
                except RegistryError as error:
                    self._failing.add(what)
                    log.warning("schema registry unreachable", setting="RELASI_REGISTRY", schema=what, why=str(error))
                    await backoff.wait()
            return None
        finally:
            self._failing.discard(what)
