"""A log lived through under rules of a policy: what fires, with the instants at which records were appended."""

from collections.abc import Sequence
from functools import cache
from random import Random
from typing import Any, Final, NamedTuple

from processors.policy.policy import Policy, read_policy
from streams.engine.checkpoint import stored_in_columns
from streams.engine.partition import Partition
from streams.outputs.triggers import triggers_table
from streams.policies import preset
from support.messages import Message, policy, schemas, tick, touchpoint
from support.shell import apply_all

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
START: Final = 1_767_225_600_000  # 2026-01-01
BASE: Final = preset("commerce").text.partition("# Rules:")[0]


class Fired(NamedTuple):
    """What a rule did: hours since START."""

    rule: str
    outcome: str
    at: float
    customer: str = "ann"


@cache
def policy_with(rules: str, pressure: str = "") -> Policy:
    """The shop's policy with these rules, nobody held back unless ``pressure`` says so."""
    return read_policy(text_with(rules, pressure))


def text_with(rules: str, pressure: str = "") -> str:
    """The same as a text."""
    told = pressure if "hold_out" in pressure else f"hold_out = 0.0\n{pressure}"
    return f"{BASE}\n[pressure]\n{told}\n{rules}"


class Life:
    """A log of touchpoints and ticks, each appended when it happened unless another instant is told."""

    def __init__(self) -> None:
        self.log: list[Message] = []

    def tell(
        self, kind: str, hours: float, customer: str = "ann", appended: float | None = None, **fields: Any
    ) -> "Life":
        at = START + round(hours * HOUR)
        written = at if appended is None else START + round(appended * HOUR)
        event = f"e{len(self.log)}"
        if kind == "order_completed":
            fields = {"amount_minor": 5000, "currency": "USD", **fields}
        self.log.append(
            Message(touchpoint(event, customer, at, kind, **{"received_at": max(at, written), **fields}), written)
        )
        return self

    def tick(self, hours: float, appended: float | None = None) -> "Life":
        at = START + round(hours * HOUR)
        self.log.append(Message(tick(at), at if appended is None else START + round(appended * HOUR)))
        return self

    def change(self, text: str, hours: float) -> "Life":
        self.log.append(Message(policy(text), START + round(hours * HOUR)))
        return self


def lived(
    log: Sequence[Message], of: Policy, batches: int = 1, **options: Any
) -> tuple[Partition, list[dict[str, Any]]]:
    """The partition, and the rows of the triggers, of a log that is read in so many fetches."""
    partition = Partition(0, of, schemas(), **options)
    rows: list[dict[str, Any]] = []
    size = max(1, -(-len(log) // batches))
    for first in range(0, len(log), size):
        applied = apply_all(partition, *log[first : first + size])
        rows += triggers_table([applied], partition).to_pylist()
    return partition, rows


def crashed_and_restored(log: Sequence[Message], of: Policy, random: Random) -> list[dict[str, Any]]:
    """The rows of all triggers that were said; the partition dies now and then, and goes on from what it stored."""
    stored: dict[bytes, bytes] = {}
    rows: list[dict[str, Any]] = []
    partition = Partition(0, of, schemas())
    while partition.next_offset < len(log):
        at = partition.next_offset
        applied = apply_all(partition, *log[at : at + random.randint(1, 40)])
        rows += triggers_table([applied], partition).to_pylist()
        if random.random() < 0.4:
            for key, value in partition.checkpoint().all_records():
                stored.pop(key, None) if value is None else stored.__setitem__(key, value)
        if random.random() < 0.3:
            partition = Partition(0, of, schemas())
            partition.restore(stored_in_columns(stored.items()))
    return rows


def fired(log: Life, of: Policy, **options: Any) -> list[Fired]:
    """What rules did."""
    return [
        Fired(row["rule"], row["outcome"], (round(row["at"].timestamp() * 1000) - START) / HOUR, row["customer_id"])
        for row in lived(log.log, of, **options)[1]
    ]
