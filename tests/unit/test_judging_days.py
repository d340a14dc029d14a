"""The engine's days: whatever the ticks, the same judgements are made of the same instants, each row once a day."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st
from support.messages import Message, batch, schemas, tick, touchpoint
from support.presets import policy_of
from support.sampled import examples

from processors.row.layout import NEVER, NONE
from streams.engine.partition import Partition
from streams.engine.results import Refused
from streams.engine.rows import USED_TOUCHED
from streams.log.batches import read_batches

DAY: Final = 86_400_000
START: Final = 19_723 * DAY
UNTIL: Final = START + 700 * DAY
KINDS: Final = ("order_completed", "support_ticket_opened", "call_received", "order_delivered", "email_delivered")
lives: Final = st.lists(
    st.tuples(st.integers(0, 24 * 200), st.integers(0, 3), st.sampled_from(KINDS)), min_size=1, max_size=25
).map(sorted)


def judged(values: list[bytes], policy: Any = None) -> tuple[npt.NDArray[Any], Partition]:
    partition = Partition(0, policy or policy_of(), schemas())
    result = partition.apply(read_batches(batch([Message(value, written_at=START) for value in values]), 0))
    assert not isinstance(result, Refused)
    return result.judged, partition


def log_of(life: list[tuple[int, int, str]], ticks: list[int]) -> list[bytes]:
    """Touchpoints in order of time; each tick comes before the first that is later."""
    told = [
        (START + hour * DAY // 24, 1, touchpoint(f"e{n}", f"c{who}", START + hour * DAY // 24, kind, amount_minor=5000))
        for n, (hour, who, kind) in enumerate(life)
    ]
    passed = [(at, 0, tick(at)) for at in [*ticks, UNTIL]]
    return [value for _, _, value in sorted([*told, *passed], key=lambda one: one[:2])]


def by_customer(facts: npt.NDArray[Any]) -> dict[int, list[tuple[int, ...]]]:
    found: dict[int, list[tuple[int, ...]]] = {}
    for fact in facts:
        found.setdefault(int(fact["customer"]), []).append(
            tuple(int(fact[name]) for name in ("id", "judgement", "before", "after", "at"))
        )
    return found


@settings(max_examples=examples(40))
@given(lives, st.lists(st.integers(0, 24 * 600), max_size=20))
def test_ticks_change_nothing_but_when_it_is_known(life: list[tuple[int, int, str]], hours: list[int]) -> None:
    # A tick at the very instant of a touchpoint comes before it.
    few, _ = judged(log_of(life, [START + hour * DAY // 24 for hour in hours]))
    daily, partition = judged(log_of(life, [START + day * DAY for day in range(700)]))
    none, _ = judged(log_of(life, []))
    assert by_customer(few) == by_customer(daily) == by_customer(none)
    assert partition.table.used[USED_TOUCHED] == 0


def test_a_touched_row_is_judged_at_the_first_tick_of_the_next_day_and_not_before() -> None:
    seen = touchpoint("e", "c", START + DAY // 2, "order_delivered")
    hours = [13, 18, 23, 24, 25, 48]
    for count, expected in ((3, 0), (4, 1), (6, 1)):
        ticks = [tick(START + hour * DAY // 24) for hour in hours[:count]]
        facts, partition = judged([seen, *ticks])
        trust = facts[facts["judgement"] == 15]
        assert len(trust) == expected
        assert partition.table.used[USED_TOUCHED] == (1 if count == 3 else 0)
    assert trust["at"].tolist() == [START + DAY]
    assert trust["known_at"].tolist() == [START + DAY]


def test_a_row_stands_in_the_list_once_however_often_it_is_touched() -> None:
    told = [touchpoint(f"e{n}", f"c{n % 3}", START + n, "product_viewed") for n in range(60)]
    _, partition = judged(told)
    assert partition.table.used[USED_TOUCHED] == 3
    assert sorted(partition.table.touched[:3].tolist()) == [0, 1, 2]


def test_a_row_that_is_late_by_days_is_judged_at_once_for_the_days_that_passed() -> None:
    facts, partition = judged([tick(START + 30 * DAY), touchpoint("e", "c", START, "order_delivered")])
    row = partition.rows(np.arange(1))[0]
    assert facts["at"][facts["judgement"] == 15].tolist() == [START + DAY]
    assert NONE < row.reviewed_at < NEVER
    assert np.all(facts["known_at"] == START + 30 * DAY)
