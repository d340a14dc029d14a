"""What a tenure takes out at one moment, and when it rests."""

from typing import Final, cast

import pytest
from support.kafka_release import JUDGED, MOVED, some_days
from support.kafka_release import TOPICS as NAMES
from support.messages import Message, batch
from support.shell import new_partition, records_of, rows_of

from schemas.registry import FileRegistry
from streams.engine.checkpoint import stored_in_columns
from streams.engine.results import Applied, Refused
from streams.kafka.fences import Fence
from streams.kafka.tenure import Tenure
from streams.log.batches import read_batches
from streams.outputs.catalogue import SPOKEN


def new_tenure(*, reports: bool = True) -> Tenure:
    return Tenure(new_partition(), NAMES, FileRegistry(), -1, cast(Fence, None), reports=reports)


def apply(tenure: Tenure, messages: list[Message], base: int) -> Applied | Refused:
    return tenure.apply(read_batches(batch(messages, base), base))


@pytest.mark.parametrize("profiles", [False, True])
@pytest.mark.parametrize("final", [False, True])
def test_what_a_snapshot_holds(profiles: bool, final: bool) -> None:
    tenure = new_tenure()
    assert tenure.snapshot(profiles, final) is None
    apply(tenure, some_days(0), 0)
    snapshot = tenure.snapshot(profiles, final)
    assert snapshot is not None
    assert snapshot.rows
    assert bool(snapshot.standing) is profiles
    assert snapshot.checkpoint.offset == 4
    assert tenure.snapshot(profiles, final) is None


@pytest.mark.parametrize(("final", "there"), [(False, False), (True, True)])
def test_profiles_alone_are_worth_the_last_checkpoint_only(final: bool, there: bool) -> None:
    tenure = new_tenure()
    apply(tenure, some_days(0), 0)
    before = tenure.snapshot(False, False)
    assert before is not None
    snapshot = tenure.snapshot(True, final)
    assert (snapshot is not None) is there
    if snapshot is not None:
        assert snapshot.rows == []
        assert [rows.table for rows in snapshot.standing] == ["profiles_raw"]
        # That they are reported is in it.
        heir = new_partition()
        heir.restore(stored_in_columns([*records_of(before.checkpoint), *records_of(snapshot.checkpoint)]))
        assert not heir.has_unreported()
        assert rows_of(heir) == rows_of(tenure.partition)


def test_rows_are_taken_out_once_and_messages_stay_to_be_taken() -> None:
    tenure = new_tenure()
    apply(tenure, some_days(0), 0)
    first = tenure.snapshot(False, False)
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
    first = tenure.snapshot(True, False)
    apply(tenure, some_days(2), 4)
    second = tenure.snapshot(True, False)
    assert first is not None
    assert second is not None
    assert (first.checkpoint.offset, second.checkpoint.offset) == (4, 8)
    (profiles,) = first.standing
    assert len(profiles) == 1


def test_without_reports_there_are_no_rows() -> None:
    tenure = new_tenure(reports=False)
    apply(tenure, some_days(0), 0)
    snapshot = tenure.snapshot(True, True)
    assert snapshot is not None
    assert (snapshot.rows, snapshot.standing) == ([], [])


def test_what_is_refused_changes_nothing() -> None:
    tenure = new_tenure()
    assert apply(tenure, some_days(0), 5) == Refused(0)
    assert tenure.snapshot(True, False) is None
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
