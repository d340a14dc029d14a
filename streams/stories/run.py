"""A story lived through by a partition in memory: record batches in, a profile and its transitions out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from processors.policy.policy import hash_of
from processors.policy.rules import find_kind
from processors.row.layout import NONE
from schemas.bodies import Bodies, bodies_of
from schemas.fields import FIELDS
from schemas.known import Known, look_up_all
from schemas.registry import FileRegistry, Registry
from streams.engine.outcomes import REJECT_DETAILS
from streams.engine.partition import Partition
from streams.engine.results import Applied, Refused
from streams.imports.canonical import arrow_field
from streams.imports.nested import map_bytes
from streams.log.batches import Fetch, read_batches, write_batch
from streams.log.messages import encoded, message, text_bodies
from streams.log.ticks import TICK_GRID_MS, grid_ticks, with_ticks
from streams.outputs.profiles import profiles_table
from streams.outputs.transitions import transitions_table
from streams.outputs.triggers import triggers_table
from streams.stories.story import Story, Told, Touchpoint

_COLUMNS: Final = pa.schema(
    [arrow_field(field) for field in FIELDS if field.story is not None or field.name == "received_at"]
)


@dataclass(frozen=True)
class Outcome:
    """How a story ended.

    ``profile``: the customer's row of ``profiles`` at the instant of judgement, without the instants in it; None where
    every touchpoint of it was rejected. ``transitions``: the customer's, in the order of publication. ``rejected``:
    (number of the touchpoint from 1, why). ``unmapped``: kinds that the policy does not name.
    """

    profile: Mapping[str, Any] | None
    transitions: Sequence[Mapping[str, Any]]
    rejected: Sequence[tuple[int, str]]
    unmapped: Sequence[str]
    triggers: Sequence[Mapping[str, Any]] = ()
    """The customer's, in the order of publication. Who is held back for control is chance: here they count as sent."""


@lru_cache(maxsize=1)
def _schemas() -> tuple[Registry, list[Known]]:
    registry = FileRegistry()
    return registry, look_up_all(registry)


def run(story: Story) -> Outcome:
    """Feed a story to a partition of its own, a tick at each midnight between, and one at the instant of judgement."""
    partition = Partition(0, story.policy, _schemas()[1], accept_rejects=True)
    fetch, places = fetch_of(story)
    applied = partition.apply(fetch)
    assert not isinstance(applied, Refused)
    moved = transitions_table([applied], partition).to_pylist()
    return Outcome(
        profile=_profile(partition, story),
        transitions=[fact for fact in moved if fact["customer_id"] == story.customer],
        rejected=_rejected(applied, places),
        unmapped=_unmapped(story),
        triggers=_triggers(applied, partition, story.customer),
    )


def _triggers(applied: Applied, partition: Partition, customer: str) -> list[Mapping[str, Any]]:
    fired = triggers_table([applied], partition).select(["customer_id", "rule", "at", "outcome"]).to_pylist()
    return [
        {**fact, "outcome": "sent" if fact["outcome"] == "held" else fact["outcome"]}
        for fact in fired
        if fact["customer_id"] == customer
    ]


def fetch_of(story: Story) -> tuple[Fetch, npt.NDArray[np.int64]]:
    """(the story as record batches, the offset of each touchpoint)."""
    columns = _batch(story.touchpoints)
    ticks, before = _ticks(columns.column("occurred_at").to_numpy(), story.at)
    registry = _schemas()[0]
    named = text_bodies(pc.coalesce(columns.column("customer_id"), columns.column("anonymous_id")))
    keys, bodies = with_ticks(named, _bodies(story, columns, registry), ticks, before, registry)
    # Each record was appended when it could have been: history that lives through a story is no import.
    told_at = np.maximum.accumulate(columns.column("occurred_at").to_numpy())
    appended = np.insert(told_at, before, ticks)
    data = write_batch(keys, bodies, appended, 0, np.diff(keys.offsets) == 0)
    numbers = np.arange(len(story.touchpoints))
    return read_batches(data, 0), numbers + np.searchsorted(before, numbers, "right")


def _bodies(story: Story, columns: pa.RecordBatch, registry: Registry) -> Bodies:
    """Touchpoints as messages, and the explicit links among them."""
    bodies = encoded(registry, "Touchpoint", columns)
    if not any(touchpoint.alias for touchpoint in story.touchpoints):
        return bodies
    return bodies_of(
        [
            message(
                registry,
                "Link",
                {"from": each.alias, "into": each.customer, "at": each.at, "from_anonymous": False},
            )
            if each.alias
            else bodies.message(i)
            for i, each in enumerate(story.touchpoints)
        ]
    )


def _ticks(occurred_at: npt.NDArray[np.int64], until: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(instants at which time passes, the touchpoint that each precedes): every midnight of UTC, and ``until``."""
    ticks, before = grid_ticks(occurred_at, NONE)
    closing = np.arange(ticks[-1] + TICK_GRID_MS, until, TICK_GRID_MS, dtype=np.int64)
    closing = np.append(closing, until) if until > ticks[-1] else closing
    return np.append(ticks, closing), np.append(before, np.full(len(closing), len(occurred_at)))


def _batch(touchpoints: Sequence[Touchpoint]) -> pa.RecordBatch:
    """Touchpoints as columns; what is late was received when time stood at the newest before it."""
    newest = np.maximum.accumulate([touchpoint.at for touchpoint in touchpoints])
    rows = [
        {**touchpoint.told, "received_at": int(now)} | _encoded_properties(touchpoint.told)
        for touchpoint, now in zip(touchpoints, newest, strict=True)
    ]
    return pa.RecordBatch.from_pylist(rows, _COLUMNS)


def _encoded_properties(told: Mapping[str, Told]) -> dict[str, bytes]:
    return {name: map_bytes(value) for name, value in told.items() if isinstance(value, Mapping)}


def _profile(partition: Partition, story: Story) -> Mapping[str, Any] | None:
    profiles = profiles_table(partition, partition.numbers(), story.at)
    # What is due may lie beyond the year 9999, where Python has no instants.
    plain = [field.name for field in profiles.schema if not pa.types.is_timestamp(field.type)]
    rows = profiles.select(plain).to_pylist()
    return next((profile for profile in rows if profile["customer_id"] == story.customer), None)


def _rejected(applied: Applied, places: npt.NDArray[np.int64]) -> list[tuple[int, str]]:
    numbers = np.searchsorted(places, applied.rejects["offset"]) + 1
    return list(
        zip(numbers.tolist(), (REJECT_DETAILS[reason] for reason in applied.rejects["reason"].tolist()), strict=True)
    )


def _unmapped(story: Story) -> list[str]:
    kinds = dict.fromkeys(touchpoint.kind for touchpoint in story.touchpoints if not touchpoint.alias)
    return [kind for kind in kinds if find_kind(story.policy.vocabulary, hash_of(kind)) < 0]
