"""Editions on Kafka: what defines one, by partition, and what the views of a server are made of."""

import asyncio
from pathlib import Path
from typing import Final

import pytest
from support.kafka_worker import WorkerShell
from support.messages import START, Message, touchpoint

from processors.row.namespaces import NAMESPACE_ANONYMOUS, NAMESPACE_KNOWN
from streams.engine.edition import FIRST, Edition, pair
from streams.kafka.editions import Definition, Editions, NoSuchEdition
from streams.reports.ddl import statements
from streams.reports.editions import database_of, shown_from, view_of

SECOND = Definition(2, "", (0, 0), ("a",), (10, 20))


def test_the_next_edition_keeps_what_those_before_it_changed() -> None:
    none = Editions()
    second = none.following(None, ("a",), (10, 20))
    assert second == SECOND
    assert (none.of(1, 0), none.in_force, none.pending, none.at_work) == (FIRST, 1, [], [])
    third = Editions({2: second}, in_force=2).following("text", ("b",), (30, 40))
    assert third == Definition(3, "text", (30, 40), ("a", "b"), (30, 40))
    fourth = Editions({2: second, 3: third}, in_force=3).following(None, (), (50, 60))
    assert fourth.of(1) == Edition(4, "text", 40, ("a", "b"), 60)
    apart = pair((NAMESPACE_ANONYMOUS, "a1"), (NAMESPACE_KNOWN, "u"))
    fifth = Editions({4: fourth}, in_force=4).following(None, (), (70, 80), (apart, apart))
    assert fifth.of(0) == Edition(5, "text", 30, ("a", "b"), 70, (apart,))
    assert Editions({5: fifth}, in_force=5).following(None, (), (70, 80)).unlinked == (apart,)


def test_one_that_was_given_up_is_followed_by_another_number() -> None:
    """What its workers left may still stand under its number."""
    defined = Editions({2: SECOND, 3: Definition(3, "", (0, 0), ("a", "b"), (30, 40))}, in_force=2)
    assert (defined.pending, defined.at_work) == ([3], [2, 3])
    assert defined.following(None, (), (50, 60)) == Definition(4, "", (0, 0), ("a",), (50, 60))
    with pytest.raises(NoSuchEdition, match="there is no edition 4; there are 1, 2, 3"):
        defined.of(4, 0)


def test_every_view_is_made_over_the_tables_of_an_edition_or_of_all() -> None:
    views = {view_of(each) for each in statements()} - {None}
    shown = {view_of(each): shown_from(each, "da`ta") for each in statements() if view_of(each)}
    assert views == shown.keys()
    assert {name for name, each in shown.items() if each is not None and each.common} == {"imports", "deliveries"}
    for name, each in shown.items():
        assert each is not None
        if not each.common:
            assert each.text.startswith(f"CREATE OR REPLACE VIEW `da\\`ta`.{name}")
    rejects = shown["rejects"]
    assert rejects is not None
    assert "`da\\`ta`.rejects_raw FINAL WHERE `partition` < 0" in rejects.text
    assert (database_of("d", 1), database_of("d", 2)) == ("d", "d_edition_2")


BUILT_UNTIL: Final = 6


def events(first: int, stop: int) -> list[Message]:
    """Touchpoints of one customer, whom partition 0 of four has; each comes again three later."""
    names = [f"e{n % 3}" for n in range(first, stop)]
    return [
        Message(touchpoint(name, "eve", START, "order_completed", amount_minor=100, currency="USD"), START, b"eve")
        for name in names
    ]


@pytest.mark.parametrize("cut", [1, 2, 3, 5, 6])
def test_a_build_that_was_cut_off_begins_anew_and_meets_nothing_twice(tmp_path: Path, cut: int) -> None:
    """Of the window two identities are remembered: below the offset where an edition was begun all of them count."""
    edition = Edition(2, until=BUILT_UNTIL)

    async def story(changelog: dict[int, list[tuple[bytes, bytes | None]]], stop: int) -> WorkerShell:
        shell = WorkerShell(tmp_path, changelog=changelog, edition=edition, window=2)
        shell.broker.ends[shell.tp(0)] = stop
        await shell.own(1, 0)
        begin = shell.tenures[0].partition.next_offset
        await shell.take(0, events(begin, stop), begin)
        await shell.worker.checkpoint_all()
        return shell

    first = asyncio.run(story({}, cut))
    assert first.failures == []
    second = asyncio.run(story(first.producer.changelog, BUILT_UNTIL + 1))
    third = asyncio.run(story(second.producer.changelog, BUILT_UNTIL + 2))
    whole = asyncio.run(story({}, BUILT_UNTIL + 2))
    for shell in (second, third, whole):
        assert shell.failures == []
    found, wanted = (shell.tenures[0].partition for shell in (third, whole))
    assert found.next_offset == wanted.next_offset == BUILT_UNTIL + 2
    # Three before that offset, and none of their repetitions; behind it the window has forgotten e0, and then e1.
    rows = [each.rows(each.numbers()) for each in (found, wanted)]
    assert [int(each.touchpoints[0]) for each in rows] == [5, 5]
