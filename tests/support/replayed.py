"""What a partition says of a log that was recorded: transitions, judgements and numbers, as plain values."""

from typing import Any, Final

import pyarrow as pa

from processors.policy.policy import Policy
from schemas.known import look_up_all
from schemas.registry import FileRegistry
from streams.engine.partition import Partition
from streams.engine.results import Refused
from streams.log.batches import read_batches
from streams.outputs.judgements import judgements_table
from streams.outputs.profiles import profiles_table
from streams.outputs.transitions import transitions_table

_NUMBERS: Final = (
    *("customer_id", "stage", "episode", "p_alive", "churn_risk", "clv_minor", "purchases", "purchase_days"),
    *("spend_minor", "margin_minor", "cost_minor", "refunded_minor", "returned_orders", "let_go", "value_tier"),
    *("end_reason", "ended_by", "next_step", "need", "recommended_category", "observed_category", "trust_signs"),
)
_OF_STAGES: Final = [
    *("id", "customer_id", "at", "from_stage", "to_stage", "cause", "episode", "win_back", "supersedes"),
    *("evidence_event_id", "evidence_purchases", "evidence_weeks", "evidence_first_purchase_at"),
    *("evidence_last_purchase_at", "evidence_last_sign_at"),
]
_OF_JUDGEMENTS: Final = [
    *("id", "customer_id", "judgement", "before", "after", "at"),
    *("evidence_event", "evidence_at", "evidence_count", "evidence_value"),
]


def told_by(policy: Policy, data: bytes, at: int) -> dict[str, Any]:
    """What a partition with this policy says of the record batches ``data``, and of its customers at ``at`` (ms)."""
    partition = Partition(0, policy, look_up_all(FileRegistry()), accept_rejects=True)
    applied = partition.apply(read_batches(data, 0))
    assert not isinstance(applied, Refused)
    moved = transitions_table([applied], partition)
    judged = judgements_table([applied], partition)
    profiles = profiles_table(partition, partition.numbers(), at).select(list(_NUMBERS))
    return {
        "transitions": _lines(moved.select(_OF_STAGES)),
        "judgements": _lines(judged.select(_OF_JUDGEMENTS)),
        "profiles": _lines(profiles),
    }


def _lines(table: pa.Table) -> list[list[Any]]:
    """Rows of a table as values of JSON; instants as ms, numbers to ten significant digits."""
    columns = [
        column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column for column in table.itercolumns()
    ]
    plain = pa.table(columns, names=table.column_names)
    return [[_plain(value) for value in row.values()] for row in plain.to_pylist()]


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.10g}")
    return [_plain(each) for each in value] if isinstance(value, list) else value
