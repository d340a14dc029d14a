"""What a tenure takes out at one moment, and when it rests."""

from typing import Final, cast

import pytest
from support.kafka_release import JUDGED, MOVED, some_days
from support.kafka_release import TOPICS as NAMES
from support.messages import DAY, START, Message, batch, schemas, tick
from support.rules import Life, policy_with
from support.shell import new_partition, records_of, rows_of

from schemas.registry import FileRegistry
from streams.engine.checkpoint import stored_in_columns
from streams.engine.partition import Partition
from streams.engine.results import Applied, Refused
from streams.kafka.fences import Fence
from streams.kafka.tenure import Snapshot, Tenure
from streams.log.batches import read_batches
from streams.outputs.catalogue import SPOKEN
from streams.outputs.triggers import TRIGGERS


def new_tenure(*, reports: bool = True) -> Tenure:
    return Tenure(new_partition(), NAMES, FileRegistry(), -1, cast(Fence, None), reports=reports)


def apply(tenure: Tenure, messages: list[Message], base: int) -> Applied | Refused:
    return tenure.apply(read_batches(batch(messages, base), base))


def taken(tenure: Tenure, *, profiles: bool = False, final: bool = False, now: float = 0.0) -> Snapshot | None:
    return tenure.snapshot([], tenure.take_standing(100) if profiles else [], now, final)


@pytest.mark.parametrize("profiles", [False, True])
@pytest.mark.parametrize("final", [False, True])
def test_what_a_snapshot_holds(profiles: bool, final: bool) -> None:
    tenure = new_tenure()
    assert taken(tenure, profiles=profiles, final=final) is None
    apply(tenure, some_days(0), 0)
    snapshot = taken(tenure, profiles=profiles, final=final)
    assert snapshot is not None
    assert snapshot.rows
    assert bool(snapshot.standing) is profiles
    assert snapshot.checkpoint.offset == 4
    assert taken(tenure, profiles=profiles, final=final) is None


def test_a_trigger_that_only_a_tick_brings_goes_out() -> None:
    """A timer of a rule changes no stage and no judgement."""
    rule = '[triggers.wait]\non = "quiet 1 hour after product_added"\nhold_out = 0.0\ncooldown_days = 1\n'
    log = Life().tell("newsletter_subscribed", 0).tell("product_added", 1).log
    partition = Partition(0, policy_with(rule), schemas())
    tenure = Tenure(partition, NAMES, FileRegistry(), -1, cast(Fence, None), reports=True)
    apply(tenure, log, 0)
    assert taken(tenure) is not None
    tenure.outgoing.forget_messages()
    apply(tenure, Life().tick(2.5).log, len(log))
    assert tenure.outgoing.undigested
    tenure.outgoing.digest()
    assert tenure.outgoing.speaks(TRIGGERS)
    snapshot = taken(tenure)
    assert snapshot is not None
    assert [rows.table for rows in snapshot.rows] == ["triggers_raw"]


def test_profiles_alone_are_worth_a_checkpoint() -> None:
    tenure = new_tenure()
    apply(tenure, some_days(0), 0)
    before = taken(tenure)
    assert before is not None
    assert tenure.unreported
    snapshot = taken(tenure, profiles=True)
    assert snapshot is not None
    assert snapshot.rows == []
    assert [rows.table for rows in snapshot.standing] == ["profiles_raw"]
    # That they are reported is in it.
    heir = new_partition()
    heir.restore(stored_in_columns([*records_of(before.checkpoint), *records_of(snapshot.checkpoint)]))
    assert not heir.has_unreported()
    assert rows_of(heir) == rows_of(tenure.partition)


def test_of_profiles_no_more_are_taken_than_was_said() -> None:
    tenure = new_tenure()
    apply(tenure, [*some_days(0), *some_days(2), *some_days(4)], 0)
    assert [sum(map(len, tenure.take_standing(2))) for _ in range(3)] == [2, 1, 0]
    assert not tenure.unreported


@pytest.mark.parametrize("most", [1, 3, 100])
def test_rows_that_were_copied_before_are_in_the_checkpoint_and_what_changed_since_wins(most: int) -> None:
    tenure = new_tenure()
    apply(tenure, some_days(0), 0)
    first = taken(tenure)
    assert first is not None
    apply(tenure, [*some_days(2), *some_days(4), *some_days(6), *some_days(8)], 4)
    copied = [tenure.copy_rows(most)]
    # Of one that was copied and of one that was not there yet.
    apply(tenure, [*some_days(10, customer="c2"), *some_days(12)], 20)
    copied.append(tenure.copy_rows(most))
    snapshot = tenure.snapshot(copied, [], 0.0, False)
    assert snapshot is not None
    assert snapshot.checkpoint.offset == 28
    assert tenure.partition.changed == 0
    heir = new_partition()
    heir.restore(stored_in_columns([*records_of(first.checkpoint), *records_of(snapshot.checkpoint)]))
    assert rows_of(heir) == rows_of(tenure.partition)
    assert heir.next_offset == 28


def ticks(days: int) -> list[Message]:
    """Time alone; nobody is there yet of whom it could say something."""
    return [Message(tick(START + day), START + day) for day in range(days)]


def test_ticks_alone_are_worth_a_header_a_minute() -> None:
    tenure = new_tenure()
    written = []
    for second in range(150):
        apply(tenure, [Message(tick(START + second * 1000), START + second * 1000)], second)
        if (snapshot := taken(tenure, now=float(second))) is not None:
            written.append((second, snapshot.checkpoint.offset))
            assert (snapshot.rows, snapshot.checkpoint.rows) == ([], 0)
            assert snapshot.checkpoint.bytes <= (300 if second else 100_000)
    assert written == [(0, 1), (60, 61), (120, 121)]
    assert tenure.outgoing.silent


def test_the_first_ticks_behind_a_change_are_remembered_at_once_and_the_last_ones_too() -> None:
    tenure = new_tenure()
    apply(tenure, ticks(1), 0)
    assert taken(tenure, now=0.0) is not None
    apply(tenure, some_days(0), 1)
    assert taken(tenure, now=1.0) is not None
    for second, base, final in ((2.0, 5, False), (3.0, 6, False), (4.0, 7, True)):
        at = START + DAY + base * 1000
        apply(tenure, [Message(tick(at), at)], base)
        tenure.outgoing.digest()
        assert (taken(tenure, now=second, final=final) is not None) is (second != 3.0)


def test_rows_are_taken_out_once_and_messages_stay_to_be_taken() -> None:
    tenure = new_tenure()
    apply(tenure, some_days(0), 0)
    first = taken(tenure)
    assert first is not None
    assert {"touchpoints_raw", "transitions_raw", "judgements_raw"} == {rows.table for rows in first.rows}
    assert tenure.take_rows() == []
    assert {NAMES.of(output.topic) for output in SPOKEN if output.topic and tenure.outgoing.speaks(output)} == {
        MOVED,
        JUDGED,
    }


def test_a_snapshot_is_of_what_was_applied_before_it() -> None:
    tenure = new_tenure()
    apply(tenure, some_days(0), 0)
    first = taken(tenure, profiles=True)
    apply(tenure, some_days(2), 4)
    second = taken(tenure, profiles=True)
    assert first is not None
    assert second is not None
    assert (first.checkpoint.offset, second.checkpoint.offset) == (4, 8)
    (profiles,) = first.standing
    assert len(profiles) == 1


def test_without_reports_there_are_no_rows() -> None:
    tenure = new_tenure(reports=False)
    apply(tenure, some_days(0), 0)
    snapshot = taken(tenure, profiles=True, final=True)
    assert snapshot is not None
    assert (snapshot.rows, snapshot.standing) == ([], [])


def test_what_is_refused_changes_nothing() -> None:
    tenure = new_tenure()
    assert apply(tenure, some_days(0), 5) == Refused(0)
    assert taken(tenure, profiles=True) is None
    assert not tenure.outgoing.undigested


# Where the log begins, where a fetch does, and where the next one has to.
BEGINNINGS: Final = [(0, 0, 4), (12, 12, 16), (12, 13, None), (12, 0, 4), (0, 12, None)]


@pytest.mark.parametrize(("log_start", "base", "following"), BEGINNINGS)
def test_a_log_may_begin_where_its_head_was_removed(log_start: int, base: int, following: int | None) -> None:
    tenure = new_tenure()
    tenure.log_start = log_start
    applied = apply(tenure, some_days(0), base)
    assert (applied.next_offset if isinstance(applied, Applied) else None) == following
    if following is not None:
        # From here on nothing may be missing.
        assert apply(tenure, some_days(2), following + 1) == Refused(following)


@pytest.mark.parametrize(
    ("since", "took", "rests"),
    [(0.0, 0.0, False), (3.9, 1.0, True), (4.0, 1.0, False), (39.0, 10.0, True), (float("inf"), 1.0, False)],
)
def test_it_rests_four_times_as_long_as_the_last_checkpoint_took(since: float, took: float, rests: bool) -> None:
    tenure = new_tenure()
    tenure.remembered_at, tenure.remembering_took = 1000.0 - since, took
    assert tenure.rests(1000.0) is rests


def test_only_what_fails_while_it_goes_out_tears() -> None:
    tenure = new_tenure()
    with tenure.going_out():
        pass
    assert not tenure.torn
    with pytest.raises(KeyboardInterrupt), tenure.going_out():
        raise KeyboardInterrupt
    with tenure.going_out():
        pass
    assert tenure.torn
