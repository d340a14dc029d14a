"""Files into Kafka: canonical touchpoints with ticks as their time passes, by the way that everything takes.

Every partition gets every tick, at the place that it has in the file's order; so each customer sees the same sequence
as in a log that has one partition only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from processors.policy.policy import Policy, read_policy
from processors.row.layout import NONE
from schemas.bodies import bodies_of
from schemas.registry import Registry
from streams.clock import now_ms
from streams.imports.prepare import Prepared
from streams.imports.problems import NothingUsable
from streams.imports.recorded import TABLE, Counted, import_row, refuse_other_mapping
from streams.imports.refused import reject_tables
from streams.imports.survey import Survey
from streams.kafka.producer import Producer
from streams.kafka.reporting import Reporting
from streams.kafka.topics import Topics
from streams.kafka.writer import TopicWriter
from streams.known import KnownEvents, import_id_of, marked, noticed
from streams.log.messages import message, reject_messages
from streams.log.touchpoints import touchpoints_with_ticks
from streams.reports.sink import Sink

_IN_FORCE: Final = "SELECT text FROM policies ORDER BY known_at DESC, `offset` DESC LIMIT 1"

Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Produced:
    """How much was sent. Of the ``touchpoints``, ``known`` were stored before, or stood in the file already."""

    touchpoints: int
    known: int
    rejects: int


class Producing:
    """Sends to the topics of one installation; ``topic_id``: of that of touchpoints.

    ``stored``: the reports that hold what counts in the edition in force, where these are others than ``reporting``.
    """

    def __init__(
        self,
        producer: Producer,
        topics: Topics,
        registry: Registry,
        partitions: int,
        reporting: Reporting | None = None,
        topic_id: str = "",
        stored: Reporting | None = None,
    ) -> None:
        self._stored = stored or reporting
        self._writer = TopicWriter(producer, topics.touchpoints, partitions)
        self._producer = producer
        self._reporting = reporting
        self._topics = topics
        self._topic_id = topic_id
        self._registry = registry

    async def everywhere(self, name: str, value: dict[str, Any]) -> None:
        """Send one message, such as a Tick or a Policy, to every partition."""
        await self._writer.append(None, bodies_of([message(self._registry, name, value)]))

    async def policy(self, policy: Policy) -> None:
        """Put a policy in force for all that is sent from here on."""
        await self.everywhere("Policy", {"text": policy.text, "hash": policy.hash})

    async def policy_in_force(self) -> Policy | None:
        """The policy that the reports saw come into force last; None where there are none, or they hold none."""
        if self._reporting is None:
            return None
        await self._reporting.create()
        found: list[str] = []
        await self._reporting.ask(lambda sink: found.extend(sink.query(_IN_FORCE).column("text").to_pylist()))
        return read_policy(found[0]) if found else None

    async def file(
        self, prepared: Prepared, progress: Report, survey: Survey | None = None, *, again: bool = False
    ) -> Produced:
        """Send a prepared file: its touchpoints with ticks between them, a last tick, and its bad rows as rejects.

        ``survey`` takes in every row that is sent; with it the reports remember the import, where there are any.
        ``again``: also where the same content was sent under another mapping, for which this raises NothingUsable.

        The rejects also go to the reports, where there are any: no worker ever sees them. Raises NotWritten.
        """
        time, done, repeated = NONE, 0, 0
        known = await self._known(prepared)
        if self._reporting is not None and not again:
            await self._refuse_other_mapping(prepared)
        import_id = import_id_of(prepared.content_key, now_ms())
        for batch in prepared.batches():
            if batch.num_rows:
                seen = noticed(known, batch, survey)
                repeated += int(np.count_nonzero(seen))
                keys, bodies, time = touchpoints_with_ticks(marked(batch, seen, import_id), self._registry, time)
                # Each fits into a message: what is longer than the limits of the fields became a reject.
                await self._writer.append(keys, bodies)
            done += batch.num_rows
            progress("sending", done, prepared.rows)
        if prepared.rows and prepared.last_at > time:
            await self.everywhere("Tick", {"at": prepared.last_at})
        rejects = await self._rejects(prepared)
        if survey is not None and self._reporting is not None:
            row = import_row(import_id, prepared, survey, Counted(repeated, rejects), now_ms())
            await self._reporting.insert(TABLE, row)
        return Produced(done, repeated, rejects)

    async def _refuse_other_mapping(self, prepared: Prepared) -> None:
        problems: list[NothingUsable] = []

        def ask(sink: Sink) -> None:
            try:
                refuse_other_mapping(sink, prepared)
            except NothingUsable as problem:
                problems.append(problem)

        if self._reporting is not None:
            await self._reporting.ask(ask)
        if problems:
            raise problems[0]

    async def _known(self, prepared: Prepared) -> KnownEvents:
        """Which events of the file the reports hold, where there are any; what no worker has stored yet isn't there."""
        known = KnownEvents()
        for batch in prepared.batches():
            known.expect(batch)
        if self._stored is not None:
            await self._stored.create()
            await self._stored.ask(lambda sink: known.load(sink, self._topic_id))
        return known

    async def _rejects(self, prepared: Prepared) -> int:
        count = 0
        for table in reject_tables(prepared.rejects, prepared.name, now_ms()):
            await self._producer.send(self._topics.rejects, 0, None, reject_messages(table, self._registry))
            if self._reporting is not None:
                await self._reporting.insert("rejects_raw", table)
            count += table.num_rows
        return count
