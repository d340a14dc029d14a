"""A touchpoint that is delivered again counts once, as far as the window of identities reaches; beyond it, twice."""

from itertools import islice
from random import Random
from typing import Any, Final

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.changelogs import Changelog, restored, store
from support.contacts import assert_same
from support.messages import DAY, START, Message, cut, policy, policy_text, touchpoint
from support.random_logs import random_cuts, random_log
from support.sampled import examples
from support.shell import (
    PROFILE,
    Log,
    Shell,
    Worker,
    accepted_of,
    applied,
    apply_all,
    everybody,
    finish,
    named,
    new_partition,
    refusals_of,
    rows_of,
)

from streams.engine.partition import Partition
from streams.engine.window import ENTRY_BYTES, TOLD_COUNT, TOLD_LIMIT, TOLD_NEXT, TOLD_TOTAL

PLAIN: Final = bool(numba.config.DISABLE_JIT)  # type: ignore[attr-defined]
YEAR: Final = 365 * DAY


def bought(event: int, at: int = START, who: str = "ann", **fields: Any) -> bytes:
    told: dict[str, Any] = {"amount_minor": 1000, "currency": "USD", **fields}
    return touchpoint(f"e{event}", who, at, "order_completed", **told)


def a_batch(size: int) -> list[bytes]:
    return [bought(number, START + number) for number in range(size)]


def remembered(partition: Partition) -> list[bytes]:
    """The entries of the window, the oldest first."""
    window = partition.table.window
    count, next_one = int(window.told[TOLD_COUNT]), int(window.told[TOLD_NEXT])
    entries = [window.entries[i * ENTRY_BYTES : (i + 1) * ENTRY_BYTES].tobytes() for i in range(count)]
    return entries[next_one:] + entries[:next_one] if count == window.told[TOLD_LIMIT] else entries


def state(partition: Partition) -> tuple[Any, ...]:
    """All that a partition is: rows, place and window."""
    told = (partition.next_offset, partition.time, int(partition.table.window.told[TOLD_TOTAL]))
    return rows_of(partition), told, remembered(partition)


@pytest.mark.parametrize("size", [17, 100, 2_500])
def test_a_batch_that_is_sent_twice_counts_once(size: int) -> None:
    partition = new_partition()
    first = apply_all(partition, *a_batch(size))
    once = rows_of(partition)
    again = apply_all(partition, *a_batch(size))
    assert (first.counts["accepted"], again.counts["accepted"], again.counts["duplicate"]) == (size, 0, size)
    assert rows_of(partition) == once
    (row,) = everybody(partition)
    assert (row.purchases, row.spend_minor) == (size, 1000 * size)
    # What the reports get is what the profile counted.
    assert (len(first.taken), len(again.taken)) == (size, 0)


@pytest.mark.parametrize("size", [17, 100, 2_500])
def test_it_does_so_with_another_worker_in_between_and_half_of_it_remembered(size: int) -> None:
    half = size // 2
    for kept in (0, half, size):
        partition, changelog = new_partition(), Changelog()
        apply_all(partition, *a_batch(kept)) if kept else None
        store(changelog, partition.checkpoint())
        apply_all(partition, *a_batch(size)[kept:]) if kept < size else None
        # The first one is gone; its heir is sent what it did not remember, and then all of it again.
        heir = restored(changelog)
        again = [Message(value) for value in [*a_batch(size)[kept:], *a_batch(size)]]
        counts = apply_all(heir, *again).counts
        assert (counts["accepted"], counts["duplicate"]) == (size - kept, size)
        (row,) = everybody(heir)
        assert (row.purchases, row.spend_minor) == (size, 1000 * size)


def test_a_worker_may_die_after_any_step() -> None:
    """Half of the batch, the other half, and both again; checkpoints fall in between, and are lost and kept."""
    batch_ = [Message(value) for value in a_batch(40)]
    log = Log(cut([*batch_, *batch_], [10, 20, 30, 40, 50, 60, 70]))
    steps = finish(Worker(Shell(log), Random(1)).steps(orderly=True))
    assert steps > 30
    for stop in range(0, steps, 5 if PLAIN else 1):
        shell = Shell(log)
        list(islice(Worker(shell, Random(1)).steps(orderly=True), stop))
        heir = Worker(shell, Random(stop))
        finish(heir.steps(orderly=True))
        (row,) = everybody(heir.partition)
        assert (row.purchases, row.spend_minor) == (40, 40_000), stop
        assert len(shell.accepted) == 40, stop


def test_beyond_the_window_a_retry_counts_for_the_reports_too() -> None:
    partition = new_partition(window=100)
    apply_all(partition, *a_batch(150))
    counted = apply_all(partition, *(bought(number) for number in range(50)))
    assert (counted.counts["accepted"], len(counted.taken)) == (50, 50)
    known = apply_all(partition, *(bought(number) for number in range(100, 150)))
    assert (known.counts["accepted"], known.counts["duplicate"], len(known.taken)) == (0, 50, 0)
    (row,) = everybody(partition)
    assert row.purchases == 200


@pytest.mark.parametrize(
    "again",
    [
        bought(1, START - YEAR),
        bought(1, START + YEAR),
        touchpoint("e1", "ann", START, "page_viewed", anonymous_id="browser"),
        bought(1, currency="XXX"),
        bought(1, -5),
        touchpoint("e1", "ann", START, "nobody_names_it"),
        touchpoint("e1", "ann", START, ""),
    ],
    ids=["earlier", "later", "kind", "currency", "time", "refused kind", "no kind"],
)
def test_neither_time_nor_kind_nor_content_make_another_event_of_it(again: bytes) -> None:
    partition = new_partition()
    apply_all(partition, bought(1), policy(policy_text(unmapped="reject")))
    before = rows_of(partition)
    came = apply_all(partition, again)
    assert (came.counts["duplicate"], came.counts["rejected"], len(came.taken)) == (1, 0, 0)
    assert rows_of(partition) == before


def test_the_same_event_id_of_others_is_another_event() -> None:
    partition = new_partition()
    others = [touchpoint("e1", None, START, anonymous_id="ann"), bought(1, who="bob"), bought(2), bought(1, who="an")]
    assert apply_all(partition, bought(1), *others).counts["accepted"] == 5
    assert apply_all(partition, bought(1), *others).counts["duplicate"] == 5


def test_what_was_rejected_counts_when_it_is_sent_again() -> None:
    partition = new_partition()
    apply_all(partition, policy(policy_text(unmapped="reject")))
    odd = touchpoint("e1", "ann", START, "nobody_names_it")
    assert apply_all(partition, odd).counts["rejected"] == 1
    apply_all(partition, policy(policy_text(name="lenient")))
    assert apply_all(partition, odd, odd).counts["accepted"] == 1


def test_imported_touchpoints_are_recognised_and_not_remembered() -> None:
    """An import knows every identity that is stored; a history would push all others out of the window."""
    partition = new_partition(window=10)
    apply_all(partition, bought(1))
    imported = [bought(number, import_id="a-file") for number in range(2, 40)]
    assert apply_all(partition, bought(1, import_id="a-file"), *imported).counts["accepted"] == 38
    assert apply_all(partition, bought(1), bought(2)).counts["duplicate"] == 1
    assert len(remembered(partition)) == 2
    # Marked as known it is one, whatever is remembered.
    assert apply_all(partition, bought(77, import_id="a-file", known=True)).counts["duplicate"] == 1
    assert apply_all(partition, bought(77)).counts["accepted"] == 1


def test_how_much_a_log_remembers_is_fixed_when_it_is_made() -> None:
    partition, changelog = new_partition(window=20), Changelog()
    apply_all(partition, *a_batch(30))
    store(changelog, partition.checkpoint())
    heir = restored(changelog, window=1_000)
    assert int(heir.table.window.told[TOLD_LIMIT]) == 20
    apply_all(heir, *(bought(number) for number in range(100, 115)))
    assert apply_all(heir, bought(25), bought(24)).counts["duplicate"] == 1


@settings(max_examples=examples(40))
@given(st.integers(0, 5), st.integers(0, 2**32), st.sampled_from([1, 2, 7, 40, 300]))
def test_a_replay_finds_the_same_wherever_it_begins(story: int, seed: int, window: int) -> None:
    told, random = random_log(300 + story, 120, customers=8), Random(seed)
    log = Log(cut(told, random_cuts(random, len(told), 12)))
    whole = new_partition(window=window)
    outcome = applied(whole, log.fetch(0))
    partition, changelog = new_partition(window=window), Changelog()
    accepted: dict[int, tuple[int, bytes]] = {}
    while partition.next_offset < log.end:
        came = applied(partition, log.fetch(partition.next_offset, random.randrange(1, 4)))
        for entry, body in zip(came.taken, accepted_of(came), strict=True):
            assert accepted.setdefault(int(entry[3]), body) == body
        chance = random.random()
        if chance < 0.2:
            partition.take_back(partition.checkpoint())
        elif chance < 0.6:
            store(changelog, partition.checkpoint())
        if random.random() < 0.3:
            partition = restored(changelog, window=window)
    assert state(partition) == state(whole)
    assert list(accepted.values()) == accepted_of(outcome)
    assert refusals_of(outcome)


def delivered(random: Random, events: int, window: int, most: int) -> list[tuple[int, bool]]:
    """Events in an order of their own, each delivered up to ``most`` times: (event, whether it is the first time).

    As long as an event is among the last ``window`` that were new, it may come again.
    """
    order = random.sample(range(events), events)
    stream: list[tuple[int, bool]] = []
    for place, event in enumerate(order):
        stream.append((event, True))
        recent = order[max(0, place + 1 - window) : place + 1]
        times = random.choice([0, 1, 1, 3, most if random.random() < 0.05 else 2])
        stream += [(random.choice(recent), False) for _ in range(times)]
    return stream


@settings(max_examples=examples(15 if PLAIN else 40))
@given(st.integers(0, 2**32), st.sampled_from([1, 5, 30, 10_000]))
def test_a_stream_that_is_doubled_and_shuffled_gives_the_profiles_of_the_plain_one(seed: int, window: int) -> None:
    random = Random(seed)
    kinds = ["order_completed", "product_viewed", "page_viewed", "email_delivered", "loyalty_enrolled"]
    events = [(START + random.randrange(-YEAR, YEAR), random.choice("abc"), random.choice(kinds)) for _ in range(40)]
    orders = [number for number, (_, _, kind) in enumerate(events) if kind == "order_completed"]
    # As many purchases as the sets of the newest hold: which are forgotten depends on the order.
    events = [(at, who, "page_viewed" if n in orders[4:] else kind) for n, (at, who, kind) in enumerate(events)]
    events = [
        (at, who, kind if kind != "loyalty_enrolled" or n < 8 else "page_viewed")
        for n, (at, who, kind) in enumerate(events)
    ]

    def told(number: int, moved: int = 0) -> bytes:
        at, who, kind = events[number]
        money: dict[str, Any] = {"amount_minor": 500, "currency": "USD"} if kind == "order_completed" else {}
        return touchpoint(f"e{number}", who, at + moved, kind, received_at=START + 3 * YEAR, **money)

    stream = delivered(random, len(events), window, 200)
    doubled, plain, in_order = (new_partition(window=window) for _ in range(3))
    apply_all(doubled, *(told(n, 0 if first else random.randrange(-YEAR, YEAR)) for n, first in stream))
    apply_all(plain, *(told(n) for n, first in stream if first))
    apply_all(in_order, *(told(n) for n in sorted(range(len(events)), key=lambda n: events[n][0])))
    # What was published follows arrival, and that was the same.
    assert rows_of(doubled, PROFILE) == rows_of(plain, PROFILE)
    ours, theirs = ({named(each, n): row for n, row in enumerate(everybody(each))} for each in (doubled, in_order))
    assert ours.keys() == theirs.keys()
    for name, row in ours.items():
        assert_same(row, theirs[name])
    assert np.array_equal(doubled.counts[[0]], plain.counts[[0]])


def ordered(event: int, at: int = START, order: str = "O1", **fields: Any) -> bytes:
    return bought(event, at, order_id=order, **fields)


def told_of(*messages: bytes) -> tuple[int, int]:
    """(purchases, spend) of the one customer of some messages; what the reports get is what the profile counted."""
    partition = new_partition()
    outcome = apply_all(partition, *messages)
    (row,) = everybody(partition)
    assert len(outcome.taken) == row.touchpoints == outcome.counts["accepted"]
    return int(row.purchases), int(row.spend_minor)


MINUTE: Final = 60_000
ONE_LINE: Final = [{"sku": "a", "category": None, "quantity": 1, "amount_minor": 1000}]
OTHER_LINE: Final = [{"sku": "b", "category": None, "quantity": 1, "amount_minor": 1000}]


def test_a_confirmation_page_that_fires_again_is_the_same_order() -> None:
    assert told_of(ordered(1), ordered(2, START + MINUTE), ordered(3, START + YEAR)) == (1, 1000)
    # Also where the later one comes first, and with lines.
    assert told_of(ordered(2, START + MINUTE), ordered(1)) == (1, 1000)
    assert told_of(ordered(1, lines=ONE_LINE), ordered(2, START + MINUTE, lines=ONE_LINE)) == (1, 1000)
    gifts = [touchpoint(f"g{n}", "ann", START + n, "gift_ordered", order_id="G") for n in range(3)]
    assert apply_all(new_partition(), *gifts).counts["duplicate"] == 2


@pytest.mark.parametrize(
    ("first", "other", "spend"),
    [
        (ordered(1), ordered(2, START + MINUTE, order="O2"), 2000),
        (ordered(1), ordered(2, START + MINUTE, amount_minor=1500), 2500),
        (ordered(1), ordered(2, START + MINUTE, currency="EUR"), 2500),
        (ordered(1), ordered(2, START), 2000),  # lines of one order, of one instant
        (ordered(1, lines=ONE_LINE), ordered(2, START + MINUTE, lines=OTHER_LINE), 2000),
        (ordered(1), bought(2, START + MINUTE), 2000),  # no order id
        (ordered(1), touchpoint("e2", "ann", START + MINUTE, "order_refunded", order_id="O1"), 1000),
    ],
)
def test_other_orders_lines_and_amounts_are_no_repetition(first: bytes, other: bytes, spend: int) -> None:
    assert apply_all(new_partition(), first, other).counts["accepted"] == 2
    assert told_of(first, other)[1] == spend


def test_orders_are_those_of_the_customer_who_is_named() -> None:
    partition = new_partition()
    outcome = apply_all(partition, ordered(1), bought(2, START + MINUTE, "bob", order_id="O1"))
    assert outcome.counts["accepted"] == 2


def test_what_an_import_brings_is_compared_and_not_remembered() -> None:
    live = apply_all(new_partition(), ordered(1), ordered(2, START + MINUTE, import_id="i"))
    assert (live.counts["accepted"], live.counts["duplicate"]) == (1, 1)
    rows = apply_all(new_partition(), ordered(1, import_id="i"), ordered(2, START + MINUTE, import_id="i"))
    assert rows.counts["accepted"] == 2


def orders(random: Random, many: int) -> tuple[list[bytes], dict[bytes, int]]:
    """Orders of two customers, told up to three times at instants of their own, and events told again; purchases."""
    told: list[bytes] = []
    for number in range(many):
        at, who, order = START + number * MINUTE, "ab"[number // 3 % 2], number // 3
        told.append(bought(number, at, who, order_id=f"O{order}", amount_minor=1000 + order))
        if random.random() < 0.3:
            told.append(random.choice(told))
    return told, {b"a": many // 6, b"b": many // 6}


@pytest.mark.parametrize("seed", range(3))
def test_orders_are_told_apart_alike_wherever_a_log_is_cut_and_after_a_restore(seed: int) -> None:
    random = Random(seed)
    messages, expected = orders(random, 60 if PLAIN else 600)
    whole = new_partition()
    apply_all(whole, *messages)
    assert {named(whole, i): int(row.purchases) for i, row in enumerate(everybody(whole))} == expected
    cuts = random_cuts(random, len(messages), 12)
    shell = Shell(Log(cut([Message(value) for value in messages], sorted(cuts))))
    for stop in (7, 19, None):
        worker = Worker(shell, random)
        list(islice(worker.steps(), stop))
    assert rows_of(worker.partition) == rows_of(whole)
    assert remembered(worker.partition) == remembered(whole)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_delivery_changes_no_number_and_no_money(seed: int) -> None:
    random = Random(seed)
    messages, expected = orders(random, 60)
    random.shuffle(messages)
    partition = new_partition()
    apply_all(partition, *messages)
    assert {named(partition, i): int(row.purchases) for i, row in enumerate(everybody(partition))} == expected
    spent = {b"a": sum(1000 + n for n in range(0, 20, 2)), b"b": sum(1000 + n for n in range(1, 20, 2))}
    assert {named(partition, i): int(row.spend_minor) for i, row in enumerate(everybody(partition))} == spent
