"""A story becomes a log with a tick at each midnight, and what a partition says of it is its outcome."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from support.stories import ORDER, records_of, story_of, touched

from streams.stories.compare import answers
from streams.stories.run import fetch_of, run
from streams.stories.story import Touchpoint

DAY: Final = 86_400_000
HOUR: Final = 3_600_000
A_DAY: Final = timedelta(days=1)


def story_log(story: Any) -> list[tuple[str, Any]]:
    """The log of a story as (name of the record, instant or event id)."""
    return [
        (name, round(value["at"].timestamp() * 1000) if name == "Tick" else value["event_id"])
        for _, name, value in records_of(fetch_of(story)[0])
    ]


def log_by_hand(instants: Sequence[int], until: int) -> list[tuple[str, Any]]:
    """The same, day by day."""
    log: list[tuple[str, Any]] = []
    midnight = instants[0] // DAY * DAY
    for number, at in enumerate([*instants, until]):
        while midnight <= at:
            log.append(("Tick", midnight))
            midnight += DAY
        if number < len(instants):
            log.append(("Touchpoint", str(number)))
    return log if until == midnight - DAY else [*log, ("Tick", until)]


@given(st.lists(st.integers(0, 6 * DAY), min_size=1, max_size=6), st.integers(0, 3 * DAY))
def test_time_passes_in_midnights_and_ends_at_the_judgement(instants: list[int], beyond: int) -> None:
    # Hours, so that touchpoints and judgements fall on midnights too.
    instants = [at // HOUR * HOUR for at in instants]
    until = max(instants) + beyond // HOUR * HOUR
    story = story_of()
    told = story.touchpoints[0].told
    points = [Touchpoint({**told, "occurred_at": at, "event_id": str(number)}) for number, at in enumerate(instants)]
    story = replace(story, touchpoints=tuple(points), at=until)
    log = story_log(story)
    assert log == log_by_hand(instants, until)
    places = fetch_of(story)[1]
    assert [log[place] for place in places.tolist()] == [("Touchpoint", point.told["event_id"]) for point in points]


def test_everything_that_a_touchpoint_says_is_in_the_log() -> None:
    story = story_of(
        touched(
            "2025-01-06T09:00:00Z",
            "order_completed",
            'amount = 1.10\ncost = 2.20\nmargin = 3.30\ncurrency = "EUR"\nchannel = "shop"\ncampaign = "spring"\n'
            'order_id = "o"\nagent_id = "anna"\nsatisfaction = 4.5\ncustomer = "ben"\nevent_id = "e"\n'
            "properties = { a = 1, b = false }",
        )
    )
    ((key, _, value),) = [record for record in records_of(fetch_of(story)[0]) if record[1] == "Touchpoint"]
    at = datetime(2025, 1, 6, 9, tzinfo=UTC)
    assert key == b"ben"
    assert value == {
        "event_id": "e",
        "customer_id": "ben",
        "anonymous_id": None,
        "occurred_at": at,
        "received_at": at,
        "kind": "order_completed",
        "channel": "shop",
        "amount_minor": 110,
        "currency": "EUR",
        "cost_minor": 220,
        "margin_minor": 330,
        "campaign": "spring",
        "order_id": "o",
        "lines": [],
        "agent_id": "anna",
        "satisfaction": 4.5,
        "properties": {"a": "1", "b": "false"},
        "import_id": None,
        "known": None,
        "is_account": None,
    }


def test_what_is_late_was_received_when_time_stood_where_it_stands() -> None:
    story = story_of(touched("2025-01-20T10:00:00Z", "page_viewed"), touched("2025-01-06T09:00:00Z", "page_viewed"))
    received = [v["received_at"] for _, name, v in records_of(fetch_of(story)[0]) if name == "Touchpoint"]
    assert received == [datetime(2025, 1, 20, 10, tzinfo=UTC)] * 2


def test_silence_is_noticed_at_the_next_midnight_or_at_the_judgement() -> None:
    (_, end) = run(story_of(ORDER, expect="at = 2026-01-01")).transitions
    assert (end["to_stage"], end["cause"]) == ("dissolution", "silence")
    # The chance of return is looked at from day to day, so the end is a midnight, and that one notices.
    assert end["at"] == end["known_at"] == end["at"].replace(hour=0, minute=0, second=0, microsecond=0)
    # The tick at the judgement notices it too.
    (_, end) = run(story_of(ORDER, expect=f"at = {end['at'].isoformat()}")).transitions
    assert end["known_at"] == end["at"]
    # A moment before the end nothing has happened yet.
    before = end["at"] - timedelta(milliseconds=1)
    assert len(run(story_of(ORDER, expect=f"at = {before.isoformat()}")).transitions) == 1


def test_a_late_touchpoint_corrects_and_the_corrections_are_in_the_path() -> None:
    story = story_of(
        touched("2025-03-10T10:00:00Z", "order_completed", "amount = 10"),
        touched("2025-03-11T10:00:00Z", "page_viewed"),
        touched("2025-03-03T10:00:00Z", "email_delivered"),
        expect="at = 2025-03-12",
    )
    got = answers(run(story))
    assert got["path"] == ("exploration", "awareness", "exploration")
    assert got["causes"] == ("touchpoint", "late", "late")
    assert got["stage"] == "exploration"


def test_equal_ids_are_one_event() -> None:
    twice = ORDER + '\nevent_id = "one"'
    profile = run(story_of(twice, twice, ORDER)).profile
    assert profile is not None
    assert (profile["touchpoints"], profile["purchases"], profile["spend_minor"]) == (2, 2, 16_000)


def test_amounts_count_in_the_currency_of_the_policy() -> None:
    profile = run(story_of(touched("2025-01-06", "order_completed", 'amount = 10.00\ncurrency = "EUR"'))).profile
    assert profile is not None
    assert (profile["spend_minor"], profile["currency"]) == (1_080, "USD")


def test_each_customer_has_a_profile_and_a_path_of_its_own() -> None:
    both = [
        ORDER + '\ncustomer = "anna"',
        touched("2025-01-07", "page_viewed", 'customer = "ben"'),
        touched("2025-01-08", "account_deleted", 'customer = "anna"'),
    ]
    anna = answers(run(story_of(*both)))
    ben = answers(run(story_of(*both, expect='at = 2025-02-01\ncustomer = "ben"')))
    assert (anna["stage"], anna["path"]) == ("dissolution", ("exploration", "dissolution"))
    assert (ben["stage"], ben["path"]) == ("awareness", ("awareness",))


def test_what_the_engine_rejects_is_told_by_the_number_of_its_touchpoint() -> None:
    unpriced = touched("2025-01-20", "order_completed", 'amount = 10\ncurrency = "CHF"')
    outcome = run(story_of(ORDER, unpriced, touched("2025-01-21", "page_viewed")))
    assert outcome.rejected == [(2, "the policy has no rate for this currency")]
    assert outcome.profile is not None
    assert outcome.profile["touchpoints"] == 2
    assert run(story_of(unpriced)).profile is None


def test_kinds_that_the_policy_does_not_name_are_told() -> None:
    outcome = run(story_of(ORDER, touched("2025-01-07", "order_complete"), touched("2025-01-08", "order_complete")))
    assert outcome.unmapped == ["order_complete"]


def test_many_days_do_not_overflow_a_batch() -> None:
    story = story_of(ORDER, expect="at = 2055-01-01T12:00:00Z")
    log = story_log(story)
    assert len(log) == len(np.arange(story.touchpoints[0].at // DAY * DAY, story.at, DAY)) + 2
    assert answers(run(story))["stage"] == "dissolution"
