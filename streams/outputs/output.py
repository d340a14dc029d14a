"""What an output is: the rows that it gives the reports, and the messages that it gives a topic."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol, Self

import pyarrow as pa

from schemas.bodies import Bodies, one_after_another
from schemas.registry import Registry
from streams.engine.naming import Naming
from streams.engine.partition import Partition
from streams.engine.results import Applied
from streams.payloads import kept
from streams.reports.format import objects
from streams.reports.sink import Sink


@dataclass(frozen=True)
class Topic:
    """Where messages of an output go, their order within a partition kept.

    ``suffix``: the name of the topic without the prefix of the installation. ``record``: of the schema, as the registry
    names it. ``kept``: for ever; otherwise what is older than a week may go.
    """

    suffix: str
    record: str
    kept: bool = False

    def named(self, prefix: str = "relasi") -> str:
        """The whole name. The embedded log has one installation, and the prefix is as it stands here."""
        return f"{prefix}.{self.suffix}"


class Batch(Protocol):
    """Rows of one raw table of the reports."""

    @property
    def table(self) -> str:
        """Its name."""

    def __len__(self) -> int: ...

    def part(self, first: int, last: int) -> Self:
        """The rows from ``first`` to before ``last``."""

    def store(self, sink: Sink) -> None:
        """When it returns, they are on disk. Raises ReportsError, and UnfitRows where they can't be stored."""

    def refused(self) -> list[dict[str, Any]]:
        """What tells of each row in a reject, beside why: its bytes, and its place where it has one."""


@dataclass(frozen=True)
class Rows:
    """Rows of any raw table but that of the touchpoints."""

    table: str
    content: pa.Table

    def __len__(self) -> int:
        return int(self.content.num_rows)

    def part(self, first: int, last: int) -> Self:
        """The rows from ``first`` to before ``last``."""
        return replace(self, content=self.content.slice(first, last - first))

    def store(self, sink: Sink) -> None:
        """When it returns, they are on disk. Raises ReportsError, and UnfitRows where they can't be stored."""
        sink.insert(self.table, self.content)

    def refused(self) -> list[dict[str, Any]]:
        """Each row as JSON; a reject is told again, without its bytes."""
        if self.table == "rejects_raw":
            return [{**row, "payload": b""} for row in self.content.to_pylist()]
        return [
            {
                "position": row.get("offset", 0),
                **({"partition": row["partition"]} if "partition" in row else {}),
                **kept(json.dumps(row, ensure_ascii=False, default=str).encode()),
            }
            for row in objects(self.content)
        ]


class Messages(NamedTuple):
    """Messages in the wire format, and their keys (None: they have none)."""

    keys: Bodies | None
    bodies: Bodies

    @property
    def nbytes(self) -> int:
        """In which they are held."""
        return int(self.bodies.buffer.nbytes) + (0 if self.keys is None else int(self.keys.buffer.nbytes))


def joined(parts: Sequence[Messages]) -> Messages:
    """All of them, in their order: one at least, either all with keys or none."""
    keys = [part.keys for part in parts if part.keys is not None]
    return Messages(one_after_another(keys) if keys else None, one_after_another([part.bodies for part in parts]))


@dataclass(frozen=True)
class Results:
    """What came of fetches of a partition; ``source``: the topic that they were read from."""

    applied: Sequence[Applied]
    partition: Naming
    registry: Registry
    source: str


def _no_rows(_: Results) -> Iterable[Batch]:
    return ()


def _nothing_standing(_: Partition, __: int) -> Iterator[Rows]:
    return iter(())


def _no_messages(_: Results) -> Messages | None:
    return None


@dataclass(frozen=True)
class Output:
    """One kind of what comes out of a partition. All functions are pure but for what ``standing`` takes.

    ``rows``: what it gives the reports of results. ``standing``: what it gives them of how customers stand now, so many
    of them at most; what it gave last counts as reported once it is asked for more, and does not where it is closed
    before.
    ``messages``: what it gives its ``topic`` of results, in the order of publication; None: nothing. ``everywhere``:
    those of them that concern what another partition may have said: they go into every other partition of the topic,
    too.
    """

    name: str
    topic: Topic | None = None
    rows: Callable[[Results], Iterable[Batch]] = _no_rows
    standing: Callable[[Partition, int], Iterator[Rows]] = _nothing_standing
    messages: Callable[[Results], Messages | None] = _no_messages
    everywhere: Callable[[Results], Messages | None] = _no_messages
