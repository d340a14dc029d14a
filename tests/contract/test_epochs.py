"""A log that is made anew beside the reports of another one: of a customer whom it names, it alone counts."""

from typing import Any, Final

import numpy as np
import pytest
from support.report_rows import day, judgement, policy, profile, table, transition
from support.report_views import packed, touch

from streams.reports.container import Places
from streams.reports.logs import epoch_of, known_epochs
from streams.reports.sink import Sink

FORMER: Final = 5
LATER: Final = 1_700_000_000_000
ANN: Final = touch("ann", "page_viewed", 0, event_id="e1")
VISITOR: Final = touch("", "page_viewed", 1, event_id="e2", customer_id=None, anonymous_id="browser-2")


def store(sink: Sink, epoch: int, *who: dict[str, Any], first: int = 0) -> None:
    """Touchpoints, one after the other in the log of an epoch."""
    places = Places(0, np.arange(first, first + len(who)), epoch)
    sink.insert_touchpoints(packed(list(who), places=places))


@pytest.fixture
def told(sink: Sink) -> Sink:
    """The former log knows ann, who goes on in the later one under smaller offsets, and bob, whom that never names."""
    store(sink, FORMER, ANN, ANN | {"event_id": "e2"}, ANN | {"customer_id": "bob"}, first=900)
    store(sink, LATER, ANN, VISITOR)
    sink.insert("profiles_raw", table("profiles_raw", [profile(offset=901, epoch=FORMER, touchpoints=2)]))
    sink.insert("profiles_raw", table("profiles_raw", [profile(customer_id="bob", offset=902, epoch=FORMER)]))
    sink.insert("profiles_raw", table("profiles_raw", [profile(offset=0, epoch=LATER, touchpoints=1)]))
    sink.insert(
        "transitions_raw",
        table(
            "transitions_raw",
            [
                transition(id="1", epoch=FORMER, offset=900),
                transition(id="2", epoch=FORMER, offset=901, supersedes=["1"]),
                transition(id="1", epoch=LATER, offset=0),
                transition(id="3", customer_id="bob", epoch=FORMER, offset=902),
            ],
        ),
    )
    sink.insert(
        "judgements_raw",
        table(
            "judgements_raw",
            [judgement(epoch=FORMER), judgement(epoch=LATER, offset=3), judgement(id="x", epoch=FORMER)],
        ),
    )
    return sink


def test_a_customer_is_told_by_the_last_log_that_names_him(told: Sink) -> None:
    events = told.query("SELECT customer_id, event_id, count() AS n FROM touchpoints GROUP BY ALL ORDER BY ALL")
    assert [tuple(row.values()) for row in events.to_pylist()] == [
        ("ann", "e1", 1),
        ("bob", "e1", 1),
        ("browser-2", "e2", 1),
    ]
    profiles = told.query("SELECT customer_id, touchpoints, offset FROM profiles ORDER BY customer_id").to_pylist()
    assert [tuple(row.values()) for row in profiles] == [("ann", 1, 0), ("bob", profile()["touchpoints"], 902)]
    facts = told.query("SELECT id, offset, superseded_by FROM transitions ORDER BY id").to_pylist()
    assert [tuple(row.values()) for row in facts] == [("1", 0, ""), ("3", 902, "")]
    assert told.query("SELECT id, offset FROM judgements").to_pylist() == [{"id": judgement()["id"], "offset": 3}]


def test_the_policy_in_force_is_that_of_the_last_log(sink: Sink) -> None:
    former = [policy(hash="p1", epoch=FORMER), policy(hash="p2", epoch=FORMER, known_at=day(9), offset=500)]
    sink.insert("policies_raw", table("policies_raw", former))
    sink.insert("policies_raw", table("policies_raw", [policy(hash="p1", epoch=LATER, offset=0)]))
    stored = sink.query("SELECT hash, epoch, offset FROM policies ORDER BY hash").to_pylist()
    assert [tuple(row.values()) for row in stored] == [("p1", LATER, 0), ("p2", FORMER, 500)]


def test_a_log_keeps_its_epoch_and_a_later_one_has_a_greater_one(sink: Sink) -> None:
    assert epoch_of(sink, "first", 1_000) == 1_000
    assert epoch_of(sink, "first", 2_000) == 1_000
    # By a clock that is behind.
    assert epoch_of(sink, "second", 10) == 1_001
    assert epoch_of(sink, "third", 3_000) == 3_000
    assert known_epochs(sink) == {"first": 1_000, "second": 1_001, "third": 3_000}


def test_rows_from_before_are_those_of_the_first_log_that_is_asked_for(sink: Sink) -> None:
    store(sink, 0, ANN)
    assert epoch_of(sink, "first", 1_000) == 0
    assert epoch_of(sink, "second", 1_000) == 1_000


def test_where_there_is_one_log_nothing_is_asked(sink: Sink) -> None:
    store(sink, LATER, ANN, VISITOR)
    for view in ("touchpoints", "profiles", "transitions", "judgements"):
        plan = "\n".join(sink.query(f"EXPLAIN PLAN actions = 1 SELECT * FROM {view}").column("explain").to_pylist())
        assert "notIn" not in plan, plan
