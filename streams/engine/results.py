"""What a partition answers: values, and the two reasons to stop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from processors.policy.policy import Policy
from schemas.known import Known


class PoisonedLog(RuntimeError):
    """So many consecutive records were rejected that the log is probably not ours to read."""


class ForeignLog(RuntimeError):
    """Rows were made from another log than the one that is there: it has another identity, or ends before them."""


class OtherVersion(RuntimeError):
    """The owner of another partition runs another version, whose rows can't be read here."""


@dataclass(frozen=True)
class Sent:
    """What goes to the owner of ``partition``: a record Forward, and of a touchpoint whether ``framed``.

    Where it is not, its body is one in our own schema, without its id.
    """

    partition: int
    record: Mapping[str, Any]
    framed: bool


@dataclass(frozen=True)
class Refused:
    """A fetch that begins beyond what this partition has seen; ``expected`` is the offset to seek to."""

    expected: int


@dataclass(frozen=True)
class PolicyChange:
    """A policy that came into force at a log offset."""

    offset: int
    known_at: int
    policy: Policy


@dataclass(frozen=True)
class Applied:
    """What came of a fetch. Slices (``event_start``, ``start``) point into ``buffer``, row numbers into the table."""

    partition: int
    buffer: npt.NDArray[np.uint8]
    facts: Any  # array of FACT
    judged: Any  # array of JUDGED
    fired: Any  # array of FIRED
    taken: npt.NDArray[np.int64]  # shape (n, TAKEN_CELLS), see ``cursor``
    rejects: Any  # array of REJECT
    links: Any  # array of LINK
    sends: Sequence[Sent]  # in the order of the log
    policy: Policy  # in force where the fetch began
    policies: list[PolicyChange]
    counts: dict[str, int]
    next_offset: int
    wanted: int | None = None  # a schema id without which it can't go on: ``Partition.learn`` it, and apply again
    details: Sequence[str] = ()  # texts of rejects, by their number less one
    schemas: Mapping[int, Known] = field(default_factory=dict)  # by the ids that the accepted were written with
