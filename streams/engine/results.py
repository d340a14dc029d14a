"""What a partition answers: values, and the two reasons to stop."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from processors.policy.policy import Policy


class PoisonedLog(RuntimeError):
    """So many consecutive records were rejected that the log is probably not ours to read."""


class ForeignLog(RuntimeError):
    """Rows were made from another log than the one that is there: it has another identity, or ends before them."""


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
    taken: npt.NDArray[np.int64]  # shape (n, 3): start, length of an accepted Avro body; its wire schema id
    rejects: Any  # array of REJECT
    policy: Policy  # in force where the fetch began
    policies: list[PolicyChange]
    counts: dict[str, int]
    next_offset: int
