"""A log of nothing but rejects stops a partition, unless it was told to accept them."""

from typing import Final

import pytest
from support.messages import START, Message, batch, policy, policy_text, tick, touchpoint
from support.shell import Refusal, applied, apply_all, new_partition, records_of, refusals_of

from streams.engine.checkpoint import stored_in_columns
from streams.engine.cursor import POISON_RUN
from streams.engine.results import PoisonedLog
from streams.log.batches import read_batches

pytestmark = pytest.mark.usefixtures("hot_rows")

SMALL: Final = Message(touchpoint("good", "ann", START))


def flood(count: int, base: int) -> bytes:
    return batch([Message(b"poison")] * count, base)


@pytest.mark.parametrize("cuts", [[POISON_RUN + 500], [POISON_RUN, 500], [4000, 4000, 4000], [POISON_RUN - 1, 1, 1]])
def test_ten_thousand_consecutive_rejects_stop_the_partition_after_they_were_told(cuts: list[int]) -> None:
    partition = new_partition()
    told: list[Refusal] = []

    def go_on() -> None:
        for count in cuts:
            base = partition.next_offset
            told.extend(refusals_of(applied(partition, read_batches(flood(count, base), base))))
        base = partition.next_offset
        applied(partition, read_batches(batch([SMALL], base), base))

    with pytest.raises(PoisonedLog, match=rf"partition 3: {POISON_RUN} consecutive.*offset {POISON_RUN};"):
        go_on()
    assert [refusal.offset for refusal in told] == list(range(POISON_RUN))
    assert partition.next_offset == POISON_RUN

    patient = new_partition(accept_rejects=True)
    impatient = new_partition()
    records = list(stored_in_columns(records_of(partition.checkpoint())))
    patient.restore(records)
    impatient.restore(records)
    rest = read_batches(flood(500, POISON_RUN) + batch([SMALL], POISON_RUN + 500), POISON_RUN)
    with pytest.raises(PoisonedLog):
        impatient.apply(rest)
    came = applied(patient, rest)
    assert (came.counts["rejected"], came.counts["accepted"]) == (500, 1)


def test_something_useful_ends_a_run_of_rejects_and_a_tick_does_not() -> None:
    partition = new_partition()
    for useful in (SMALL.value, SMALL.value, policy(policy_text())):
        base = partition.next_offset
        applied(partition, read_batches(flood(POISON_RUN - 1, base), base))
        apply_all(partition, useful)
    base = partition.next_offset
    applied(partition, read_batches(flood(POISON_RUN - 1, base), base))
    apply_all(partition, tick(START), b"poison")
    with pytest.raises(PoisonedLog):
        apply_all(partition, SMALL.value)


def test_all_may_be_rejects_where_that_is_accepted() -> None:
    partition = new_partition(accept_rejects=True)
    came = applied(partition, read_batches(flood(3 * POISON_RUN, 0), 0))
    assert came.counts["rejected"] == 3 * POISON_RUN
