"""When an event occurred, by its own word and by two clocks."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.collecting import NOW, one, place, refusal

from streams.collector.times import DAY, QUEUED, corrected, skew_of

HOUR = 3_600_000


def at(**more: Any) -> int:
    return int(one({"type": "page", "userId": "u", **more})["occurred_at"])


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({}, NOW),
        ({"timestamp": "2023-11-14T20:00:00.250Z"}, 1_699_992_000_250),
        ({"timestamp": "2023-11-14T21:00:00+01:00"}, 1_699_992_000_000),
        ({"timestamp": 1_699_992_000_000}, 1_699_992_000_000),
        ({"timestamp": None, "originalTimestamp": "2023-11-14T20:00:00Z"}, 1_699_992_000_000),
        ({"timestamp": "", "originalTimestamp": ""}, NOW),
        ({"timestamp": "2023-11-14T20:00:00Z", "originalTimestamp": "2020-01-01T00:00:00Z"}, 1_699_992_000_000),
        # The way of a request is no wrong clock.
        ({"timestamp": NOW - 9000, "sentAt": NOW - 8000}, NOW - 9000),
        # A clock that is an hour behind, or ahead.
        ({"timestamp": NOW - HOUR - 500, "sentAt": NOW - HOUR}, NOW - 500),
        ({"timestamp": NOW + HOUR - 500, "sentAt": NOW + HOUR}, NOW - 500),
        ({"timestamp": NOW + 400 * DAY - 500, "sentAt": NOW + 400 * DAY}, NOW - 500),
        # Sent again for two days with the first try's stamp: the clock may be right.
        ({"timestamp": NOW - 3 * DAY, "sentAt": NOW - 2 * DAY}, NOW - 3 * DAY),
        # A backfill by a device whose clock is wrong.
        ({"timestamp": "2020-01-01T00:00:00Z", "sentAt": NOW - HOUR}, 1_577_836_800_000),
        ({"timestamp": NOW - 500, "sentAt": "yesterday"}, NOW - 500),
        ({"timestamp": NOW + HOUR}, NOW + HOUR),
    ],
)
def test_when_it_occurred(event: dict[str, Any], expected: int) -> None:
    assert at(**event) == expected


@pytest.mark.parametrize("timestamp", [NOW + DAY + 1, "1969-12-31T23:59:59Z", "2090-01-01"])
def test_what_can_not_be_is_refused(timestamp: object) -> None:
    assert refusal({"type": "page", "userId": "u", "timestamp": timestamp}) == "impossible_time"


def test_the_batch_says_when_it_was_sent_for_all() -> None:
    here = place()
    events = [{"type": "page", "userId": "u", "messageId": str(n), "timestamp": NOW - HOUR - n} for n in range(3)]
    here.ask("/v1/batch", {"batch": events, "sentAt": NOW - HOUR})
    assert [each["occurred_at"] for each in here.memory.touchpoints] == [NOW, NOW - 1, NOW - 2]


def test_events_of_one_device_have_one_clock() -> None:
    """Each was stamped when it was queued; only the last stamp tells the clock."""
    here = place()
    events = [
        {"type": "page", "anonymousId": "a", "messageId": str(n), "timestamp": NOW - HOUR - n, "sentAt": NOW - HOUR - n}
        for n in range(3)
    ]
    other = {"type": "page", "anonymousId": "b", "messageId": "b", "timestamp": NOW - 5, "sentAt": NOW - 5}
    here.ask("/v1/batch", {"batch": [*events, other]})
    assert [each["occurred_at"] for each in here.memory.touchpoints] == [NOW, NOW - 1, NOW - 2, NOW - 5]


@given(
    sent=st.integers(NOW - 400 * DAY, NOW + 400 * DAY),
    one=st.integers(0, NOW + 500 * DAY),
    other=st.integers(0, NOW + 500 * DAY),
)
def test_a_correction_keeps_the_order(sent: int, one: int, other: int) -> None:
    skew = skew_of(sent, NOW)
    early, late = sorted((one, other))
    assert corrected(early, skew) <= corrected(late, skew)


@given(sent=st.integers(NOW - 400 * DAY, NOW + 400 * DAY), age=st.integers(0, QUEUED - 1))
def test_what_waited_on_the_device_never_comes_out_of_the_future(sent: int, age: int) -> None:
    if sent >= NOW:
        assert corrected(sent - age, skew_of(sent, NOW)) <= NOW + 10_000
