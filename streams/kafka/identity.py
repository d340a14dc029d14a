"""Which log the topic of touchpoints is: whether it is still the one that the worker began with.

A broker that was wiped, or a topic that was deleted and created anew, answers as before, under the same names. What a
worker remembers of the old log must not get into the changelog of the new one: it would refuse every later start.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from streams.clock import Clock
from streams.engine.results import ForeignLog
from streams.kafka.topics import topic_id_of, topics_of
from streams.settings import Settings

GONE_SECONDS: Final = 10.0
"""For so long the topic may be missing before the worker ends: a broker that starts may not know it at once."""
_AGAIN_SECONDS: Final = 0.5
_ANSWER_MS: Final = 3000
_STALE_SECONDS: Final = 5.0

Ask = Callable[[], Awaitable[str | None]]
"""The id of the topic now, None where there is no such topic. Raises KafkaError where nobody answers."""


class Asking:
    """Asks the broker, over one connection. Closed with the process."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._answered_at = float("-inf")
        self._topic = topics_of(settings).touchpoints
        self._admin: Any = None

    async def ask(self) -> str | None:
        """See Ask."""
        return await asyncio.to_thread(self._ask)

    def _ask(self) -> str | None:
        if self._clock.monotonic() - self._answered_at > _STALE_SECONDS:
            # Nobody was asked while no broker answered, and the connection may be that to one that is no more.
            self._close()
        try:
            if self._admin is None:
                self._admin = KafkaAdminClient(
                    bootstrap_servers=self._settings.servers,
                    client_id="relasi-identity",
                    bootstrap_timeout_ms=_ANSWER_MS,
                    request_timeout_ms=_ANSWER_MS,
                )
            found = topic_id_of(self._admin, self._topic)
        except BaseException:
            self._close()
            raise
        self._answered_at = self._clock.monotonic()
        return found

    def _close(self) -> None:
        admin, self._admin = self._admin, None
        if admin is not None:
            admin.close()


class Identity:
    """``topic_id``: the one that the worker began with; empty where the broker gives none."""

    def __init__(self, topic: str, topic_id: str, ask: Ask, clock: Clock) -> None:
        self._topic = topic
        self._topic_id = topic_id
        self._ask = ask
        self._clock = clock
        self._missing_since: float | None = None
        self._asking: asyncio.Future[str | None] | None = None

    @property
    def reason(self) -> str:
        """Why no work can be done; empty when it can."""
        return "" if self._missing_since is None else f"{self._topic} is missing"

    async def look(self) -> None:
        """Ask once. Raises ForeignLog, where the topic is missing not before some seconds have passed."""
        with suppress(KafkaError):
            self._check(await self._asked())

    async def _asked(self) -> str | None:
        """All partitions that are taken over at the same time ask with one question."""
        if self._asking is None:
            self._asking = asyncio.ensure_future(self._ask())
            self._asking.add_done_callback(self._answered)
        return await asyncio.shield(self._asking)

    def _answered(self, _: "asyncio.Future[str | None]") -> None:
        self._asking = None

    async def verify(self) -> None:
        """Ask until it is sure that it is the same log. Raises ForeignLog."""
        while True:
            with suppress(KafkaError):
                self._check(await self._asked())
                if self._missing_since is None:
                    return
            await self._clock.sleep(_AGAIN_SECONDS)

    async def explain(self, error: Exception) -> Exception:
        """What is behind a failure: that of the log, where it is another one or gone."""
        try:
            await self.look()
        except ForeignLog as foreign:
            return foreign
        return error if self._missing_since is None else self._gone()

    def _gone(self) -> ForeignLog:
        return ForeignLog(f"{self._topic} is gone from the broker: {_REMEDY}")

    def _check(self, found: str | None) -> None:
        now = self._clock.monotonic()
        if found is None:
            self._missing_since = now if self._missing_since is None else self._missing_since
            if now - self._missing_since >= GONE_SECONDS:
                raise self._gone()
            return
        self._missing_since = None
        if self._topic_id and found and found != self._topic_id:
            raise ForeignLog(
                f"{self._topic} is {found} now, and was {self._topic_id}: it is another log than the one that was "
                f"read: {_REMEDY}"
            )


_REMEDY: Final = (
    "the topic was deleted or the broker wiped while the worker ran; bring the old log back, or begin with another "
    "RELASI_GROUP, which makes every customer anew from what the topic holds"
)
