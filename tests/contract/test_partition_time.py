"""Time is a message: what ticks and changes of policy do, also where they move more rows than facts have room for."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numba
import numpy as np
import pytest
from support.messages import DAY, START, Message, policy, policy_text, raw_batch, record, tick, touchpoint
from support.shell import Fact, applied, apply_all, everybody, facts_of, new_partition, rows_of

from processors.lifecycle.facts import FACTS_PER_EVENT
from processors.row.layout import NEVER, NONE
from schemas.bodies import bodies_of
from streams.engine.partition import FACTS, Partition
from streams.engine.results import Applied
from streams.engine.rows import USED_HEAP, USED_TOUCHED
from streams.log.batches import read_batches, write_batch

pytestmark = pytest.mark.usefixtures("hot_rows")

SILENCE, POLICY = 1, 4
DISSOLUTION = 4
# Enough to fill the room for facts more than once; plain Python would take minutes.
MANY = 300 if numba.config.DISABLE_JIT else 2 * FACTS + 1000  # type: ignore[attr-defined]


def crowd(partition: Partition, number: int, *, kind: str = "product_viewed", first: int = 0) -> Applied:
    """So many customers, each with a touchpoint a second after the one before; keyed as a producer does."""
    names = [f"customer-{i}" for i in range(first, first + number)]
    values = [touchpoint(f"{kind}-{i}", name, START + 1000 * i, kind) for i, name in enumerate(names)]
    keys = bodies_of([name.encode() for name in names])
    base = partition.next_offset
    data = write_batch(keys, bodies_of(values), np.full(number, START, np.int64), base)
    return applied(partition, read_batches(data, base))


def test_ticks_move_time_forward_only() -> None:
    partition = new_partition()
    assert partition.time == NONE
    came = apply_all(partition, tick(START), tick(START), tick(START - 1), tick(0), tick(-5), tick(START + 1))
    assert partition.time == START + 1
    assert (came.counts["ticks"], came.counts["ticks_ignored"]) == (2, 4)


def test_a_tick_beyond_what_reports_can_hold_is_ignored() -> None:
    partition = new_partition()
    came = apply_all(partition, touchpoint("1", "ann", START), tick(2**63 - 1), tick(10_413_791_999_999 + 1))
    assert (partition.time, came.counts["ticks_ignored"]) == (NONE, 2)
    assert apply_all(partition, tick(10_413_791_999_999)).counts["ticks"] == 1


@pytest.mark.parametrize("fixed", [False, True], ids=["create time", "log append time"])
def test_a_tick_ahead_of_its_record_is_ignored(fixed: bool) -> None:
    partition = new_partition(ahead_limit=5000)
    written = [0, 10_000, 20_000]
    ticks = [START + 5000, START + 15_001, START + 25_000]
    records = b"".join(
        record(Message(tick(at)), i, -99 if fixed else after)
        for i, (at, after) in enumerate(zip(ticks, written, strict=True))
    )
    fetch = read_batches(raw_batch(records, 3, 0), 0)
    if fixed:
        fetch.spans[:, 5] = 1
    came = applied(partition, fetch)
    assert partition.time == (START + 5000 if fixed else START + 25_000)
    assert (came.counts["ticks"], came.counts["ticks_ignored"]) == ((1, 2) if fixed else (2, 1))


def test_without_a_limit_a_tick_may_be_far_ahead() -> None:
    partition = new_partition()
    apply_all(partition, Message(tick(START + 9999 * DAY), written_at=0))
    assert partition.time == START + 9999 * DAY


def silenced(facts: list[Fact]) -> list[Fact]:
    return [fact for fact in facts if fact.cause == SILENCE]


def test_silence_is_told_in_the_order_in_which_it_fell() -> None:
    partition = new_partition()
    order = [5, 3, 9, 1, 7, 3]
    apply_all(partition, *(touchpoint(f"{i}", f"c{i}", START + day * DAY) for i, day in enumerate(order)))
    facts = silenced(facts_of(partition, came := apply_all(partition, tick(START + 187 * DAY))))
    assert [fact.at for fact in facts] == [START + (180 + day) * DAY for day in (1, 3, 3, 5, 7)]
    assert {fact.known_at for fact in facts} == {START + 187 * DAY}
    assert {fact.to_stage for fact in facts} == {DISSOLUTION}
    assert came.counts["transitions"] == 5
    rest = silenced(facts_of(partition, apply_all(partition, tick(START + 189 * DAY))))
    assert [(fact.customer, fact.at) for fact in rest] == [(b"c2", START + 189 * DAY)]


def test_one_more_touchpoint_puts_silence_off() -> None:
    partition = new_partition()
    apply_all(partition, touchpoint("1", "ann", START), touchpoint("2", "ann", START + 100 * DAY))
    assert facts_of(partition, apply_all(partition, tick(START + 279 * DAY))) == []
    (fact,) = facts_of(partition, apply_all(partition, tick(START + 281 * DAY)))
    assert (fact.at, fact.cause) == (START + 280 * DAY, SILENCE)


def told_of_many(partition: Partition, came: Applied) -> dict[bytes, Fact]:
    facts = facts_of(partition, came)
    found = {fact.customer: fact for fact in facts}
    assert len(facts) == len(found) == MANY == came.counts["transitions"]
    assert len({fact.id for fact in facts}) == MANY
    return found


@pytest.mark.slow
def test_a_tick_that_ends_more_relationships_than_facts_have_room_for() -> None:
    partition = new_partition()
    told_of_many(partition, crowd(partition, MANY))
    came = apply_all(partition, tick(START + 400 * DAY), touchpoint("after", "somebody", START + 400 * DAY))
    facts = facts_of(partition, came)
    assert facts.pop().customer == b"somebody"
    assert [fact.at for fact in facts] == [START + 1000 * i + 180 * DAY for i in range(MANY)]
    assert [fact.customer for fact in facts] == [f"customer-{i}".encode() for i in range(MANY)]
    assert partition.time == START + 400 * DAY
    assert came.counts["ticks"] == 1
    assert facts_of(partition, apply_all(partition, tick(START + 900 * DAY)))[0].customer == b"somebody"


@pytest.mark.slow
def test_a_change_of_policy_judges_more_rows_than_facts_have_room_for() -> None:
    partition = new_partition()
    crowd(partition, MANY)
    apply_all(partition, tick(START + 100 * DAY))
    stricter = policy_text(name="strict", hiatus=50)
    came = apply_all(partition, policy(stricter), touchpoint("after", "customer-0", START + 101 * DAY))
    facts = facts_of(partition, came)
    returned = facts.pop()
    assert (returned.customer, returned.from_stage) == (b"customer-0", DISSOLUTION)
    assert len({fact.customer for fact in facts}) == len(facts) == MANY
    assert {(fact.cause, fact.to_stage, fact.offset) for fact in facts} == {(POLICY, DISSOLUTION, MANY + 1)}
    assert [(change.offset, change.known_at, change.policy.name) for change in came.policies] == [
        (MANY + 1, START + 100 * DAY, "strict")
    ]
    assert came.policy.name == "test"
    assert partition.policy.name == "strict"
    assert len(facts_of(partition, apply_all(partition, tick(START + 152 * DAY)))) == 1


def test_a_policy_moves_what_is_due() -> None:
    partition = new_partition()
    apply_all(partition, touchpoint("1", "ann", START), tick(START + 10 * DAY))
    assert facts_of(partition, apply_all(partition, policy(policy_text(hiatus=20)))) == []
    (fact,) = facts_of(partition, apply_all(partition, tick(START + 30 * DAY)))
    assert (fact.at, fact.cause) == (START + 20 * DAY, SILENCE)
    longer = policy_text(hiatus=1000)
    (fact,) = facts_of(partition, apply_all(partition, policy(longer)))
    assert (fact.cause, fact.from_stage) == (POLICY, DISSOLUTION)


@pytest.mark.slow
def test_a_crowd_comes_back_and_is_known() -> None:
    """Enough rows for the loop to look ahead, found by keys, without keys, and with keys that mislead."""
    partition = new_partition()
    crowd(partition, MANY)
    for turn, keyed in enumerate(("right", "none", "wrong")):
        order = np.random.default_rng(turn).permutation(MANY)[: MANY // 4]
        at = START + (1 + turn) * DAY + 10**8
        values = bodies_of([touchpoint(f"{turn}-{i}", f"customer-{i}", at) for i in order])
        keys = bodies_of([f"customer-{i if keyed == 'right' else i * 7}".encode() for i in order])
        base = partition.next_offset
        data = write_batch(None if keyed == "none" else keys, values, np.full(len(order), at, np.int64), base)
        came = applied(partition, read_batches(data, base))
        assert came.counts["accepted"] == len(order)
        assert partition.customers == MANY
        rows = everybody(partition)
        assert np.array_equal(np.flatnonzero(rows.last_at == at), np.sort(order))
    assert int(everybody(partition).touchpoints.sum()) == MANY + 3 * (MANY // 4)


def test_facts_of_one_touchpoint_always_find_room() -> None:
    """However full the room for facts happens to be when a correction of several facts comes."""
    begin = START + 40 * DAY
    story = [touchpoint(f"o{i}", "ann", begin + i * 8 * DAY, "order_completed", amount_minor=5) for i in range(7)]
    late = touchpoint("late", "ann", START, "order_completed", amount_minor=5)
    others = [touchpoint("1", f"customer-{i}", begin + 900 * DAY) for i in range(min(FACTS, MANY))]
    told = []
    for before in (0, len(others) - FACTS_PER_EVENT - 1, len(others) - FACTS_PER_EVENT, len(others) - 2):
        partition = new_partition()
        apply_all(partition, *story, tick(begin + 900 * DAY))
        values = bodies_of([*others[:before], late])
        data = write_batch(None, values, np.full(before + 1, START, np.int64), offset := partition.next_offset)
        came = applied(partition, read_batches(data, offset))
        assert len(came.facts) > before + 1
        came = replace(came, facts=came.facts[before:])
        told.append([(f.customer, f.at, f.to_stage, f.supersedes) for f in facts_of(partition, came)])
    assert {fact[0] for fact in told[0]} == {b"ann"}
    assert told == [told[0]] * 4


def test_the_spacing_of_ticks_changes_nothing_for_a_customer() -> None:
    days = [0, 3, 30, 200, 600, 601, 640]
    values = [touchpoint(f"{day}", "ann", START + day * DAY, "order_completed", amount_minor=9) for day in days]
    stories = []
    for spacing in (1, 7, 50, 10_000):
        partition = new_partition()
        facts = []
        for (day, next_day), value in zip(pairwise([*days, 1000]), values, strict=True):
            facts += facts_of(partition, apply_all(partition, value))
            for passed in range(day + spacing, next_day, spacing):
                facts += facts_of(partition, apply_all(partition, tick(START + passed * DAY)))
        facts += facts_of(partition, apply_all(partition, tick(START + 1000 * DAY)))
        stories.append([(f.id, f.at, f.from_stage, f.to_stage, f.cause, f.episode, f.supersedes) for f in facts])
        assert rows_of(partition, ["touchpoints"])[b"ann"] == np.int32(len(days)).tobytes()
    assert stories == [stories[0]] * 4
    assert len(stories[0]) > 5


def fill_with_stale_entries(partition: Partition, room: int) -> None:
    """Leave room for so many entries in the due index until it has to be swept."""
    table, limit = partition.table, 4 * partition.customers + 1024 - room
    used = int(table.used[USED_HEAP])
    at, row = np.full(2 * limit, NEVER, np.int64), np.zeros(2 * limit, np.int32)
    at[:used], row[:used] = table.heap_at[:used], table.heap_row[:used]
    partition.table = table._replace(heap_at=at, heap_row=row)
    partition.table.used[USED_HEAP] = limit


def test_a_sweep_of_the_due_index_in_the_middle_of_a_day_leaves_nobody_out() -> None:
    plain, swept = new_partition(), new_partition()
    # Customers of value: each is due again within the month once the day has judged them, which is one more entry.
    order: dict[str, Any] = {"kind": "order_completed", "amount_minor": 100_000, "currency": "USD"}
    seen = [touchpoint(str(i), f"c{i}", START, **order) for i in range(12)]
    for partition in (plain, swept):
        apply_all(partition, *seen, tick(START))
    fill_with_stale_entries(swept, 4)
    for partition in (plain, swept):
        apply_all(partition, tick(START + DAY), tick(START + 2 * DAY))
    assert swept.table.used[USED_HEAP] < 100
    assert rows_of(swept) == rows_of(plain)
    assert swept.table.used[USED_TOUCHED] == 0
