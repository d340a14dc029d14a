"""Transitions as messages: byte for byte what the encoder of batches makes of the columns of the reports."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.shell import new_partition

from processors.lifecycle.facts import CAUSES, FACT, SUPERSEDED
from processors.lifecycle.stages import STAGES
from processors.row.layout import NEVER, NONE
from processors.row.namespaces import NAMESPACE_KNOWN
from schemas.encode import encode_bodies
from schemas.registry import FileRegistry
from streams.announcing import transition_messages
from streams.engine.hot import add
from streams.engine.outcomes import OUTCOMES
from streams.engine.partition import Partition
from streams.engine.results import Applied, PolicyChange
from streams.facts import transitions_table
from streams.policies import preset

REGISTRY = FileRegistry()
LONG = st.integers(-(2**62), 2**62)
WORD = st.integers(0, 2**64 - 1)
INT = st.integers(-(2**31), 2**31 - 1)
INSTANT = st.one_of(st.just(NONE), st.just(NEVER), LONG)
IDS = ["a", "ü" * 60, "i" * 16, "x" * 255]
BUFFER = np.frombuffer(b"event-of-some-length" * 20, np.uint8)

facts = st.fixed_dictionaries(
    {
        "row": st.integers(0, len(IDS) - 1),
        "customer": WORD,
        "id": WORD,
        "at": LONG,
        "known_at": LONG,
        "offset": st.integers(0, 100),
        "event_start": st.integers(0, 100),
        "event_length": st.integers(-1, 300),
        "episode": st.integers(0, 2**31 - 1),
        "from_stage": st.integers(0, len(STAGES) - 1),
        "to_stage": st.integers(0, len(STAGES) - 1),
        "cause": st.integers(0, len(CAUSES) - 1),
        "superseded": st.integers(0, SUPERSEDED),
        "supersedes": st.lists(WORD, min_size=SUPERSEDED, max_size=SUPERSEDED),
        "purchases": INT,
        "weeks": INT,
        "first_purchase_at": INSTANT,
        "last_purchase_at": INSTANT,
        "last_sign_at": INSTANT,
    }
)


@pytest.fixture(scope="module")
def partition() -> Partition:
    made = new_partition()
    for number, text in enumerate(IDS):
        name = np.frombuffer(text.encode()[:255], np.uint8)
        add(made.table, name, 0, len(name), np.uint64(number), NAMESPACE_KNOWN)
    return made


def applied(partition: Partition, given_facts: list[dict[str, Any]], changes: list[int]) -> Applied:
    """A fetch of which these facts came, with changes of policy at these offsets."""
    rows = np.zeros(len(given_facts), FACT)
    for row, values in zip(rows, given_facts, strict=True):
        for name, value in values.items():
            row[name] = value
    return Applied(
        partition=partition.number,
        buffer=BUFFER,
        facts=rows,
        judged=np.zeros(0),
        taken=np.zeros((0, 3), np.int64),
        rejects=np.zeros(0),
        policy=preset(),
        policies=[PolicyChange(offset, 0, preset("b2b")) for offset in sorted(changes)],
        counts=dict.fromkeys(OUTCOMES, 0),
        next_offset=101,
    )


@settings(max_examples=60, deadline=None)
@given(drawn=st.lists(st.tuples(st.lists(facts, max_size=5), st.lists(st.integers(0, 100), max_size=3)), max_size=4))
def test_every_message_is_that_of_the_columns(
    partition: Partition, drawn: list[tuple[list[dict[str, Any]], list[int]]]
) -> None:
    fetches = [applied(partition, some, changes) for some, changes in drawn]
    found = transition_messages(fetches, partition, REGISTRY)
    moved = [each for each in fetches if len(each.facts)]
    if not moved:
        assert found is None
        return
    assert found is not None
    keys, bodies = found
    rows = transitions_table(moved, partition)
    (batch,) = rows.combine_chunks().to_batches()
    schema_id = REGISTRY.id_of("Transition")
    wanted = encode_bodies(batch, REGISTRY.schema(schema_id), schema_id)
    assert [bodies.message(i) for i in range(len(rows))] == [wanted.message(i) for i in range(len(rows))]
    customers = rows.column("customer_id").cast(pa.binary()).to_pylist()
    assert [keys.message(i) for i in range(len(rows))] == customers
