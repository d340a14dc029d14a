"""The same text in two namespaces is two ids: in rows, facts, checkpoints and profiles; unless a row is from before."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.changelogs import former_chunk, restored
from support.messages import DAY, START, touchpoint
from support.sampled import examples
from support.shell import apply_all, everybody, facts_of, new_partition, records_of, rows_of

from processors.row.namespaces import (
    NAMESPACE_ACCOUNT,
    NAMESPACE_ANONYMOUS,
    NAMESPACE_KNOWN,
    NAMESPACE_UNSTATED,
    salt_of,
)
from streams.commands.customer_document import row_number
from streams.engine.partition import Partition
from streams.outputs.profiles import profiles_table

pytestmark = pytest.mark.usefixtures("hot_rows")


def known(event: str, customer: str, day: float, kind: str = "order_completed", **told: Any) -> bytes:
    return touchpoint(event, customer, START + int(day * DAY), kind, amount_minor=1000, **told)


def anonymous(
    event: str, visitor: str, day: float, kind: str = "order_completed", customer: str | None = None
) -> bytes:
    return touchpoint(event, customer, START + int(day * DAY), kind, amount_minor=1000, anonymous_id=visitor)


def counted(partition: Partition) -> dict[tuple[str, str], tuple[int, int]]:
    """(purchases, spend) by namespace and id, as the reports get them."""
    table = profiles_table(partition, partition.numbers())
    rows = table.select(["namespace", "customer_id", "purchases", "spend_minor"]).to_pylist()
    return {(row["namespace"], row["customer_id"]): (row["purchases"], row["spend_minor"]) for row in rows}


def test_a_visitor_and_a_customer_of_the_same_text_are_two() -> None:
    partition = new_partition()
    outcome = apply_all(partition, known("e1", "x", 0), anonymous("e1", "x", 1), known("e1", "x", 2))
    assert (outcome.counts["accepted"], outcome.counts["duplicate"]) == (2, 1)
    assert counted(partition) == {("known", "x"): (1, 1000), ("anonymous", "x"): (1, 1000)}


def test_an_empty_customer_id_is_none() -> None:
    partition = new_partition()
    apply_all(partition, anonymous("e1", "x", 0), anonymous("e2", "x", 1, customer=""))
    assert counted(partition) == {("anonymous", "x"): (2, 2000)}


def test_ids_of_known_customers_facts_are_what_they_were() -> None:
    partition = new_partition()
    apply_all(partition, known("e1", "x", 0), anonymous("e1", "x", 0))
    plain, salted = (int(row["hash"]) for row in everybody(partition))
    assert plain == 0x5C80C09683041123  # XXH64 of "x"
    assert salted == plain ^ int(salt_of(NAMESPACE_ANONYMOUS))


def test_no_fact_of_one_has_the_id_of_the_others() -> None:
    ids: list[list[int]] = []
    for make in (known, anonymous):
        partition = new_partition()
        outcome = apply_all(partition, *(make(f"e{day}", "x", day) for day in (0, 8, 16)))
        ids.append([fact.id for fact in facts_of(partition, outcome)])
        customers = {int(fact["customer"]) for fact in np.asarray(outcome.facts)}
        assert len(customers) == 1
    assert ids[0]
    assert len(ids[0]) == len(ids[1])
    assert not set(ids[0]) & set(ids[1])


PEOPLE = st.tuples(st.sampled_from(["a", "b", "ü"]), st.booleans(), st.sampled_from(["e1", "e2", "e3", "e4"]))


@settings(max_examples=examples(40), deadline=None)
@given(st.lists(PEOPLE, max_size=40), st.data())
def test_who_counts_what_survives_a_restore_at_any_place(
    people: list[tuple[str, bool, str]], data: st.DataObject
) -> None:
    messages = [
        (anonymous if hidden else known)(event, name, number) for number, (name, hidden, event) in enumerate(people)
    ]
    expected: dict[tuple[str, str], set[str]] = {}
    for name, hidden, event in people:
        expected.setdefault(("anonymous" if hidden else "known", name), set()).add(event)
    whole = {who: (len(events), 1000 * len(events)) for who, events in expected.items()}
    place = data.draw(st.integers(0, len(messages)))
    partition = new_partition()
    for message in messages[:place]:
        apply_all(partition, message)
    heir = restored(dict(records_of(partition.checkpoint())))
    for message in messages[place:]:
        apply_all(heir, message)
    assert counted(heir) == whole


@pytest.fixture
def before() -> Partition:
    """A partition from a checkpoint of the layout before rows said their namespace: x and y, each with one purchase."""
    partition = new_partition()
    apply_all(partition, known("e1", "x", 0), known("e1", "y", 0))
    return restored(dict([former_chunk(partition, "e1")]))


def test_a_row_from_before_stands_for_its_text_in_every_namespace(before: Partition) -> None:
    assert before.namespaces(np.arange(2)).tolist() == [NAMESPACE_UNSTATED] * 2
    apply_all(before, known("e2", "x", 1), anonymous("e2", "y", 1), known("e3", "y", 2), anonymous("e1", "y", 3))
    apply_all(before, known("e1", "z", 1), anonymous("e1", "z", 1))
    assert counted(before) == {
        ("known", "x"): (2, 2000),
        ("known", "y"): (3, 3000),
        ("known", "z"): (1, 1000),
        ("anonymous", "z"): (1, 1000),
    }
    number = row_number(before.table, "y", NAMESPACE_KNOWN)
    assert (
        number == row_number(before.table, "y", NAMESPACE_ANONYMOUS) == row_number(before.table, "y", NAMESPACE_ACCOUNT)
    )
    heir = restored(dict(records_of(before.checkpoint())))
    assert counted(heir) == counted(before)


def test_a_layout_of_before_is_read_as_it_was(before: Partition) -> None:
    assert sorted(rows_of(before)) == [b"x", b"y"]
    assert before.next_offset == 2
