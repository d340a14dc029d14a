"""What came of a partition waits until it is stored and said, and neither is forgotten or doubled."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import pyarrow as pa
import pytest
from support.messages import tick, touchpoint
from support.shell import apply_all, new_partition

from schemas.registry import FileRegistry
from schemas.wire import unframe
from streams.engine.partition import Partition
from streams.engine.results import Applied
from streams.outputs.catalogue import OUTPUTS, SPOKEN
from streams.outputs.judgements import JUDGEMENTS
from streams.outputs.outgoing import Outgoing
from streams.outputs.output import Batch, Messages, Rows, Topic
from streams.outputs.rejects import REJECTS
from streams.outputs.transitions import TRANSITIONS
from streams.reports.tables import TABLES

DAY = 86_400_000
START = 1_700_000_000_000
REGISTRY = FileRegistry()


def feed(outgoing: Outgoing, partition: Partition, first: int, count: int = 3) -> None:
    """A few days of a customer, fetch by fetch, with a record that can't be used."""
    for day in range(first, first + count):
        at = START + day * DAY
        bought = touchpoint(f"e{day}", f"c{day % 2}", at, "order_completed", amount_minor=1000)
        outgoing.add(apply_all(partition, tick(at), bought, b"no message"))


@pytest.fixture
def partition() -> Partition:
    return new_partition()


def ids(messages: Messages | None) -> list[bytes]:
    """The ids of facts, in order: the first field after the header, and two bytes of length."""
    bodies = messages.bodies if messages else None
    count = len(bodies.offsets) - 1 if bodies else 0
    return [unframe(bodies.message(i))[1][1:33] for i in range(count)] if bodies else []


def ids_in(rows: Sequence[Batch], table: str) -> list[bytes]:
    found: list[bytes] = []
    for each in rows:
        if each.table == table and isinstance(each, Rows):
            found += [text.encode() for text in each.content.column("id").to_pylist()]
    return found


def test_rows_and_messages_of_several_fetches_speak_of_the_same_facts(partition: Partition) -> None:
    outgoing = Outgoing(partition, REGISTRY, "source")
    feed(outgoing, partition, 0)
    rows = outgoing.rows()
    for output, table in ((TRANSITIONS, "transitions_raw"), (JUDGEMENTS, "judgements_raw")):
        told = ids(outgoing.take_messages(output))
        assert told
        assert told == ids_in(rows, table)
    rejected = outgoing.take_messages(REJECTS)
    assert rejected is not None
    assert rejected.keys is None
    assert len(rejected.bodies.offsets) - 1 == 3
    assert [each.table for each in rows] == ["touchpoints_raw", "transitions_raw", "judgements_raw", "rejects_raw"]
    assert {each.table for each in rows} - {"touchpoints_raw"} <= set(TABLES)


def test_what_was_cut_into_fetches_says_the_same_as_one(partition: Partition) -> None:
    together, apart = Outgoing(partition, REGISTRY, ""), []
    other = new_partition()
    single = Outgoing(other, REGISTRY, "")
    feed(together, partition, 0, 5)
    for day in range(5):
        feed(single, other, day, 1)
        single.digest()
        apart.append({output.name: single.take_messages(output) for output in SPOKEN})
    for output in SPOKEN:
        parts = [some[output.name] for some in apart]
        bodies = [part.bodies.message(i) for part in parts if part for i in range(len(part.bodies.offsets) - 1)]
        together.digest()
        whole = together.take_messages(output)
        assert bodies == ([whole.bodies.message(i) for i in range(len(whole.bodies.offsets) - 1)] if whole else [])


def test_what_could_not_be_stored_is_given_again_and_said_once(partition: Partition) -> None:
    outgoing = Outgoing(partition, REGISTRY, "")
    feed(outgoing, partition, 0)
    first = outgoing.rows()
    feed(outgoing, partition, 3)
    # The first ones were not stored; nobody forgot them.
    again = outgoing.rows()
    assert ids_in(again, "judgements_raw")[: len(ids_in(first, "judgements_raw"))] == ids_in(first, "judgements_raw")
    # The transaction failed the first time: they are told again, all of them and none twice.
    for _ in range(2):
        parts = [ids(messages) for topic, messages in outgoing.messages() if topic.record == "Judgement"]
        assert [told for part in parts for told in part] == ids_in(again, "judgements_raw")
    outgoing.forget_rows()
    outgoing.forget_messages()
    assert outgoing.rows() == []
    assert list(outgoing.messages()) == []
    assert (outgoing.silent, outgoing.waiting) == (True, 0)


def told_of(parts: Iterator[tuple[Topic, Messages]], record: str) -> list[bytes]:
    return [told for topic, messages in parts if topic.record == record for told in ids(messages)]


def test_what_is_handed_over_says_all_in_order_while_the_partition_goes_on(partition: Partition) -> None:
    outgoing, whole = Outgoing(partition, REGISTRY, ""), Outgoing(partition, REGISTRY, "")
    for outgoing_too in (outgoing, whole):
        assert not outgoing_too.hand_over()
    added = outgoing.add

    def both(applied: Applied) -> None:
        added(applied)
        whole.add(applied)

    outgoing.add = both  # type: ignore[method-assign]
    feed(outgoing, partition, 0)
    outgoing.digest()  # some of it became messages before
    feed(outgoing, partition, 3)
    handed = outgoing.hand_over()
    assert handed
    rows = whole.rows()
    # More customers than there was room for: the table is another one by now.
    outgoing.add = added  # type: ignore[method-assign]
    many = [touchpoint(f"n{i}", f"new {i}", START + 9 * DAY, "order_completed", amount_minor=1) for i in range(5_000)]
    outgoing.add(apply_all(partition, *many))
    for record, table in (("Transition", "transitions_raw"), ("Judgement", "judgements_raw")):
        assert told_of(handed.messages(), record) == ids_in(rows, table)
        assert told_of(handed.messages(), record) == told_of(whole.messages(), record)
    made = list(handed.rows())
    assert [each.table for each in made] == [each.table for each in rows]
    assert [each.content for each in made if isinstance(each, Rows)] == [
        each.content for each in rows if isinstance(each, Rows)
    ]
    assert len(told_of(outgoing.hand_over().messages(), "Transition")) == 5_000
    assert (outgoing.silent, outgoing.waiting) == (True, 0)


def test_without_reports_judgements_are_said_and_nothing_is_kept_for_rows(partition: Partition) -> None:
    outgoing = Outgoing(partition, REGISTRY, "", reports=False)
    feed(outgoing, partition, 0)
    before = outgoing.undigested
    outgoing.digest()
    assert (before, outgoing.undigested) == (True, False)
    assert outgoing.waiting == outgoing.message_bytes > 0
    assert ids(outgoing.take_messages(JUDGEMENTS))
    assert outgoing.take_messages(JUDGEMENTS) is None
    for output in SPOKEN:
        outgoing.take_messages(output)
    assert (outgoing.silent, outgoing.waiting, outgoing.rows()) == (True, 0, [])
    assert list(outgoing.standing()) == []


def test_customers_whose_profiles_could_not_be_stored_are_reported_again(partition: Partition) -> None:
    outgoing = Outgoing(partition, REGISTRY, "")
    feed(outgoing, partition, 0)

    def given(standing: Iterator[Rows]) -> list[str]:
        return [who for rows in standing for who in _customers(rows.content)]

    def fail() -> None:
        with closing(outgoing.standing()) as standing:
            for _ in standing:
                raise OSError

    with pytest.raises(OSError):  # noqa: PT011  # what failed is not what is tested
        fail()
    assert given(outgoing.standing()) == ["c0", "c1"]
    assert given(outgoing.standing()) == []
    assert not partition.has_unreported()


def _customers(content: Any) -> list[str]:
    assert isinstance(content, pa.Table)
    return sorted(content.column("customer_id").to_pylist())


def test_every_table_has_its_output() -> None:
    """Whoever adds a table adds who fills it: profiles and policies are filled by what the tests above leave out."""
    # Logs, editions, imports and deliveries come of no partition.
    elsewhere = {"meanings", "logs", "editions", "imports", "deliveries"}
    assert {output.name for output in OUTPUTS} >= {name.removesuffix("_raw") for name in TABLES} - elsewhere
