"""A log read as if it had been lived through under a policy: every record as if it had come when it happened."""

from collections.abc import Iterable

from processors.policy.policy import Policy
from schemas.known import Known
from streams.engine.edition import Edition
from streams.engine.partition import Partition
from streams.engine.results import Applied, Refused
from streams.log.batches import SPAN_BASE_TIME, SPAN_FIXED_TIME, Fetch

_ALWAYS = 1 << 62


class Trial:
    """A partition of its own that reads a log from the beginning, under one policy from first to last.

    Nothing counts as stale but what a correction makes true: append times are taken away. Nothing is stored.
    """

    def __init__(self, policy: Policy, schemas: Iterable[Known]) -> None:
        edition = Edition(policy=policy.text, since=_ALWAYS)
        self.partition = Partition(0, policy, schemas, accept_rejects=True, edition=edition)

    def apply(self, fetch: Fetch) -> Applied:
        """What comes of the next fetch of the log; read on from ``partition.next_offset``."""
        fetch.spans[:, SPAN_BASE_TIME] = 0
        fetch.spans[:, SPAN_FIXED_TIME] = 1
        applied = self.partition.apply(fetch)
        if isinstance(applied, Refused):
            raise RuntimeError(f"the trial refuses the log's offset {applied.expected}")
        return applied
