"""Rules of a policy over the history that a log holds: what they would have done. Nothing is stored or sent."""

from collections.abc import Callable

import pyarrow as pa

from processors.policy.policy import Policy
from schemas.known import look_up_all
from schemas.registry import Registry
from streams.embedded.log import Log
from streams.engine.trial import Trial
from streams.log.batches import read_batches
from streams.log.messages import TOUCHPOINTS_TOPIC
from streams.outputs.triggers import triggers_table
from streams.reports.tables import TRIGGERS

_PARTITION = 0


def tried(log: Log, registry: Registry, policy: Policy, report: Callable[[str, int, int], None]) -> list[pa.Table]:
    """What rules would have done, as rows of ``triggers_raw``, some at a time; ``report``: of stage, done and total."""
    trial = Trial(policy, look_up_all(registry))
    end, found = log.end_offset(TOUCHPOINTS_TOPIC, _PARTITION), [TRIGGERS.empty_table()]
    while data := log.read(TOUCHPOINTS_TOPIC, _PARTITION, trial.partition.next_offset):
        applied = trial.apply(read_batches(data, trial.partition.next_offset))
        if len(applied.fired):
            found.append(triggers_table([applied], trial.partition))
        report("history", trial.partition.next_offset, end)
    return found
