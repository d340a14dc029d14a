"""What came of a partition and has not gone out yet: what both shells do after applying a fetch."""

import sys
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from typing import Final

import pyarrow as pa

from schemas.bodies import Bodies, bodies_of
from schemas.registry import Registry
from schemas.wire import frame
from streams.engine.naming import Named, Naming
from streams.engine.partition import Partition
from streams.engine.results import Applied, Sent
from streams.log.messages import message, reject_messages
from streams.outputs.catalogue import OUTPUTS, SPOKEN
from streams.outputs.output import Batch, Messages, Output, Results, Rows, Topic, joined
from streams.outputs.rejects import REJECTS
from streams.outputs.storing import Origin


class Handed:
    """What came of fetches until a moment: another thread makes messages and rows of it, and the partition goes on.

    Nothing in it changes, so what is asked for twice is the same twice.
    """

    def __init__(self, told: Sequence[tuple[Topic, Messages]], fresh: Results, unreported: Results) -> None:
        self._told = told
        self._fresh = fresh
        self._unreported = unreported

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self._told or self._fresh.applied or self._unreported.applied)

    def messages(self) -> Iterator[tuple[Topic, Messages]]:
        """What has to be said, by topic, in parts: each fetch by itself, since messages take more room than facts."""
        yield from self._told
        for each in self._fresh.applied:
            results = replace(self._fresh, applied=[each])
            for output in SPOKEN:
                if output.topic is not None and (messages := output.messages(results)) is not None:
                    yield output.topic, messages

    def rows(self) -> Iterator[Batch]:
        """What the reports must hold, in the order in which to store it; each is made when it is asked for."""
        if self._unreported.applied:
            yield from (rows for output in OUTPUTS for rows in output.rows(self._unreported))


class Outgoing:
    """Results of fetches, until they are messages and rows, and those until they are taken out.

    ``source``: the topic that the fetches were read from. ``reports``: whether rows are wanted.

    Not thread-safe, but for this: while one thread has the partition's rows, and does with them what it says below,
    another may ask what waits, and take the messages of an output that nobody else is taking.
    """

    def __init__(self, partition: Partition, registry: Registry, source: str, *, reports: bool = True) -> None:
        self._partition = partition
        self._registry = registry
        self._source = source
        self._reports = reports
        if reports:
            partition.expect_reports()
        self._fresh: list[Applied] = []
        self._unreported: list[Applied] = []
        self._messages: Final[dict[str, deque[Messages]]] = {output.name: deque() for output in SPOKEN}
        self._sends: Final[deque[tuple[int, bytes]]] = deque()
        self._everywhere: Final[dict[str, deque[Messages]]] = {output.name: deque() for output in SPOKEN}

    def add(self, applied: Applied) -> None:
        """What came of the next fetch. Only with the partition's rows."""
        self._fresh.append(applied)

    @property
    def undigested(self) -> bool:
        """Whether messages may come of fetches that were not looked at yet."""
        return bool(self._fresh)

    @property
    def silent(self) -> bool:
        """Whether nothing has to be said. What is in work at this moment may change that."""
        return not self._fresh and not self._sends and not any(self._messages.values())

    def speaks(self, output: Output) -> bool:
        """Whether messages of an output wait."""
        return bool(self._messages[output.name])

    @property
    def message_bytes(self) -> int:
        """Bytes of the messages that wait."""
        queues = (*self._messages.values(), *self._everywhere.values())
        told = sum(each.nbytes for waiting in queues for each in waiting.copy())
        return told + sum(len(told) for _, told in self._sends.copy())

    @property
    def waiting(self) -> int:
        """Bytes that are held for what has to go out still."""
        return sum(map(_bytes, [*self._fresh, *self._unreported])) + self.message_bytes

    def digest(self) -> None:
        """Keep of what was applied only what has to go out. Only with the partition's rows."""
        fresh, self._fresh = self._fresh, []
        if not fresh:
            return
        results = self._results(fresh)
        for output in SPOKEN:
            if self._partition.partitions > 1 and (messages := output.everywhere(results)) is not None:
                self._everywhere[output.name].append(messages)
            if (messages := output.messages(results)) is not None:
                self._messages[output.name].append(messages)
        # Last: who gets a row may answer what was said of it before.
        for each in fresh:
            self._sends.extend((sent.partition, forward_message(sent, self._registry)) for sent in each.sends)
        if self._reports:
            self._unreported += fresh

    def rows(self) -> list[Batch]:
        """What the reports must hold, in the order in which to store it. Only with the partition's rows."""
        self.digest()
        results = self._results(self._unreported)
        return [rows for output in OUTPUTS for rows in output.rows(results)] if self._unreported else []

    def forget_rows(self) -> None:
        """What ``rows`` gave last is stored, or will be. Only with the partition's rows."""
        self._unreported = []

    def hand_over(self) -> Handed:
        """All that waits; it counts as said, and as reported. Of a partition that is alone, with its rows."""
        named = Named(self._partition.number, self._partition.epoch, self._partition.table)
        told = [
            (output.topic, part)
            for output in SPOKEN
            if output.topic is not None
            for part in self._messages[output.name]
        ]
        fresh, self._fresh = self._fresh, []
        unreported, self._unreported = [*self._unreported, *fresh], []
        self.forget_messages()
        return Handed(told, self._results(fresh, named), self._results(unreported, named))

    def standing(self, most: int = sys.maxsize) -> Generator[Rows, None, None]:
        """How customers stand, as far as that was not reported, so many at most. Only with the partition's rows.

        Close it where something of it could not be stored: then that is given again.
        """
        if self._reports:
            for output in OUTPUTS:
                yield from output.standing(self._partition, most)

    def messages(self) -> Iterator[tuple[Topic, Messages]]:
        """What has to be said, by topic, in parts. Only with the partition's rows."""
        self.digest()
        for output in SPOKEN:
            if output.topic is not None:
                yield from ((output.topic, part) for part in self._messages[output.name])

    def forget_messages(self) -> None:
        """What ``messages`` gave last is said."""
        for waiting in self._messages.values():
            waiting.clear()

    def take_messages(self, output: Output) -> Messages | None:
        """What an output has to say; it counts as said. None: nothing."""
        # Taken one by one: whoever digests meanwhile adds to the same queue.
        waiting = self._messages[output.name]
        parts = [waiting.popleft() for _ in range(len(waiting))]
        return joined(parts) if parts else None

    def take_everywhere(self, output: Output) -> Messages | None:
        """What of it every other partition of its topic needs; it counts as said. None: nothing."""
        waiting = self._everywhere[output.name]
        parts = [waiting.popleft() for _ in range(len(waiting))]
        return joined(parts) if parts else None

    @property
    def forwards(self) -> bool:
        """Whether something waits for the owners of other partitions."""
        return bool(self._sends)

    def take_sends(self) -> dict[int, Bodies]:
        """What is for the owners of other partitions, by partition and in order; it counts as sent."""
        found: dict[int, list[bytes]] = {}
        for _ in range(len(self._sends)):
            partition, told = self._sends.popleft()
            found.setdefault(partition, []).append(told)
        return {partition: bodies_of(some) for partition, some in found.items()}

    @property
    def origin(self) -> Origin:
        """Where its rows come from."""
        return Origin(self._source, self._partition.number, self._partition.time)

    def add_rejects(self, tables: Sequence[pa.Table]) -> None:
        """Rejects that rows became which the reports never take: they are to be said. Whoever stores may call it."""
        for table in tables:
            self._messages[REJECTS.name].append(Messages(None, reject_messages(table, self._registry)))

    def _results(self, applied: list[Applied], named: Naming | None = None) -> Results:
        return Results(applied, named or self._partition, self._registry, self._source)


def forward_message(sent: Sent, registry: Registry) -> bytes:
    """The message by which the owner of another partition gets something."""
    body = sent.record["body"] if sent.framed else frame(registry.id_of("Touchpoint"), sent.record["body"])
    return message(registry, "Forward", {**sent.record, "body": body})


def _bytes(applied: Applied) -> int:
    return int(
        applied.buffer.nbytes
        + applied.taken.nbytes
        + applied.facts.nbytes
        + applied.judged.nbytes
        + applied.fired.nbytes
    )
