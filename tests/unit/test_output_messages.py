"""Facts as messages: byte for byte what the encoder of batches makes of the columns of the reports."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sampled import examples
from support.shell import new_partition

from processors.judgements.catalogue import JUDGEMENT_NAMES, JUDGEMENT_WORDS
from processors.lifecycle.facts import CAUSES, FACT, JUDGED, SUPERSEDED
from processors.lifecycle.stages import STAGES
from processors.row.layout import NEVER, NONE
from processors.row.namespaces import NAMESPACES
from processors.triggers.room import FIRED
from schemas.encode import encode_bodies
from schemas.registry import FileRegistry
from streams.engine.hot import add
from streams.engine.links import LINK
from streams.engine.outcomes import OUTCOMES
from streams.engine.partition import Partition
from streams.engine.results import Applied, PolicyChange
from streams.outputs.catalogue import OUTPUTS
from streams.outputs.judgements import JUDGEMENTS
from streams.outputs.output import Output, Results, Rows
from streams.outputs.transitions import TRANSITIONS
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


@st.composite
def judgements(draw: st.DrawFn) -> dict[str, Any]:
    which = draw(st.integers(0, len(JUDGEMENT_NAMES) - 1))
    value = st.integers(0, len(JUDGEMENT_WORDS[which]) - 1)
    return {
        "row": draw(st.integers(0, len(IDS) - 1)),
        "customer": draw(WORD),
        "id": draw(WORD),
        "at": draw(LONG),
        "known_at": draw(LONG),
        "offset": draw(st.integers(0, 100)),
        "evidence_event": draw(st.one_of(st.just(0), WORD)),
        "evidence_at": draw(INSTANT),
        "evidence_count": draw(LONG),
        "evidence_value": draw(st.floats()),
        "judgement": which,
        "before": draw(value),
        "after": draw(value),
    }


@pytest.fixture(scope="module")
def partition() -> Partition:
    made = new_partition()
    for number, text in enumerate(IDS):
        name = np.frombuffer(text.encode()[:255], np.uint8)
        add(made.table, name, 0, len(name), np.uint64(number), number % len(NAMESPACES))
    return made


def array_of(kind: np.dtype[Any], given_facts: list[dict[str, Any]]) -> Any:
    rows = np.zeros(len(given_facts), kind)
    for row, values in zip(rows, given_facts, strict=True):
        for name, value in values.items():
            row[name] = value
    return rows


def applied(partition: Partition, changes: list[int], **facts: Any) -> Applied:
    """A fetch of which these facts came, with changes of policy at these offsets."""
    nothing = {"facts": np.zeros(0, FACT), "judged": np.zeros(0, JUDGED), "fired": np.zeros(0, FIRED)}
    return Applied(
        **{
            "partition": partition.number,
            "buffer": BUFFER,
            "taken": np.zeros((0, 4), np.int64),
            "rejects": np.zeros(0),
            "links": np.zeros(0, LINK),
            "sends": (),
            "policy": preset(),
            "policies": [PolicyChange(offset, 0, preset("b2b")) for offset in sorted(changes)],
            "counts": dict.fromkeys(OUTCOMES, 0),
            "next_offset": 101,
            **nothing,
            **facts,
        }
    )


def compare(output: Output, results: Results) -> None:
    """Assert that the messages say what the rows say, as the encoder of batches would write it."""
    found, rows = output.messages(results), list(output.rows(results))
    assert output.topic is not None
    if not rows:
        assert found is None
        return
    assert found is not None
    assert found.keys is not None
    (only,) = rows
    assert isinstance(only, Rows)
    table = only.content
    (batch,) = table.combine_chunks().to_batches()
    schema_id = REGISTRY.id_of(output.topic.record)
    wanted = encode_bodies(batch, REGISTRY.schema(schema_id), schema_id)
    numbers = range(table.num_rows)
    assert [found.bodies.message(i) for i in numbers] == [wanted.message(i) for i in numbers]
    assert [found.keys.message(i) for i in numbers] == table.column("customer_id").cast(pa.binary()).to_pylist()
    assert len(found.bodies.offsets) == len(found.keys.offsets) == table.num_rows + 1


CHANGES = st.lists(st.integers(0, 100), max_size=3)


@settings(max_examples=examples(60), deadline=None)
@given(drawn=st.lists(st.tuples(st.lists(facts, max_size=5), CHANGES), max_size=4))
def test_every_transition_says_what_the_columns_say(
    partition: Partition, drawn: list[tuple[list[dict[str, Any]], list[int]]]
) -> None:
    fetches = [applied(partition, changes, facts=array_of(FACT, some)) for some, changes in drawn]
    compare(TRANSITIONS, Results(fetches, partition, REGISTRY, ""))


@settings(max_examples=examples(60), deadline=None)
@given(drawn=st.lists(st.tuples(st.lists(judgements(), max_size=5), CHANGES), max_size=4))
def test_every_judgement_says_what_the_columns_say(
    partition: Partition, drawn: list[tuple[list[dict[str, Any]], list[int]]]
) -> None:
    fetches = [applied(partition, changes, judged=array_of(JUDGED, some)) for some, changes in drawn]
    compare(JUDGEMENTS, Results(fetches, partition, REGISTRY, ""))


def test_every_word_of_every_judgement_is_written(partition: Partition) -> None:
    told = [
        {"judgement": which, "before": value, "after": len(words) - 1 - value, "id": 1, "evidence_at": NONE}
        for which, words in enumerate(JUDGEMENT_WORDS)
        for value in range(len(words))
    ]
    compare(JUDGEMENTS, Results([applied(partition, [], judged=array_of(JUDGED, told))], partition, REGISTRY, ""))


def test_the_longest_messages_have_room(partition: Partition) -> None:
    least = -(2**63) + 1
    longest = [max(range(len(words)), key=lambda value: len(words[value])) for words in JUDGEMENT_WORDS]
    which = max(range(len(longest)), key=lambda which: len(JUDGEMENT_WORDS[which][longest[which]]))
    judged = {
        **dict.fromkeys(("at", "known_at", "evidence_at", "evidence_count"), least),
        "row": 3,
        "judgement": which,
        "before": longest[which],
        "after": longest[which],
        "evidence_event": 1,
    }
    moved = {
        **dict.fromkeys(("at", "known_at", "first_purchase_at", "last_purchase_at", "last_sign_at"), least),
        "row": 3,
        "superseded": SUPERSEDED,
        "supersedes": [1] * SUPERSEDED,
        "event_length": len(BUFFER),
        **dict.fromkeys(("episode", "purchases", "weeks"), -(2**31)),
        "from_stage": max(range(len(STAGES)), key=lambda stage: len(STAGES[stage])),
        "to_stage": max(range(len(STAGES)), key=lambda stage: len(STAGES[stage])),
        "cause": max(range(len(CAUSES)), key=lambda cause: len(CAUSES[cause])),
    }
    fetch = applied(partition, [], facts=array_of(FACT, [moved] * 50), judged=array_of(JUDGED, [judged] * 50))
    for output in (TRANSITIONS, JUDGEMENTS):
        compare(output, Results([fetch], partition, REGISTRY, ""))


def test_each_output_has_a_name_and_a_topic_of_its_own() -> None:
    assert len({output.name for output in OUTPUTS}) == len(OUTPUTS)
    topics = [output.topic for output in OUTPUTS if output.topic]
    assert len({topic.suffix for topic in topics}) == len(topics)
    for topic in topics:
        assert REGISTRY.schema(REGISTRY.id_of(topic.record))["name"] == topic.record
