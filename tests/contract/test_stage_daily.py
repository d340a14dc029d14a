"""The daily counts in SQL are those of a computation that looks at every customer on every day."""

import datetime as dt
import random
from collections import Counter
from typing import Any

import pytest
from support.report_rows import day, profile, table, transition
from support.sampled import some

from streams.reports.sink import Sink

STAGES = ("awareness", "exploration", "commitment", "dissolution")
Daily = dict[tuple[dt.date, str], int]


def random_facts(draw: random.Random) -> list[dict[str, Any]]:
    """Facts of some customers, in any order, with corrections of corrections, several on one day and ties in `at`."""
    facts: list[dict[str, Any]] = []
    for customer in range(draw.randrange(1, 12)):
        mine: list[dict[str, Any]] = []
        for number in range(draw.randrange(1, 9)):
            at = day(draw.choice((draw.uniform(0, 40), draw.randrange(0, 40), 20.5)))
            late = day(draw.uniform(0, 50))
            superseded = draw.sample(mine, min(len(mine), draw.choice((0, 0, 0, 1, 2))))
            mine.append(
                transition(
                    id=f"{customer}-{number}",
                    customer_id=f"c{customer}",
                    at=at,
                    known_at=max(at, late),
                    to_stage=draw.choice((*STAGES, "none")),
                    cause="late" if superseded else "touchpoint",
                    supersedes=[fact["id"] for fact in superseded],
                    offset=draw.randrange(0, 5) * 10 + number,
                )
            )
        facts += mine
    draw.shuffle(facts)
    return facts


def by_looking_at_everyone(facts: list[dict[str, Any]], last: dt.date) -> Daily:
    gone = {name for fact in facts for name in fact["supersedes"]}
    left = [fact for fact in facts if fact["id"] not in gone]
    counts: Daily = {}
    today = min(fact["at"].date() for fact in left)
    while today <= last:
        standing = {}
        for fact in sorted(left, key=lambda fact: (fact["at"], fact["known_at"], fact["offset"])):
            if fact["at"].date() <= today:
                standing[fact["customer_id"]] = fact["to_stage"]
        stood = Counter(standing.values())
        counts |= {(today, stage): stood[stage] for stage in STAGES}
        today += dt.timedelta(days=1)
    return counts


def in_sql(sink: Sink) -> Daily:
    rows = sink.query("SELECT day, stage, customers FROM stage_daily").to_pylist()
    counts = {(row["day"], row["stage"]): row["customers"] for row in rows}
    assert len(counts) == len(rows)
    return counts


@pytest.mark.parametrize("seed", some(range(25), 6))
def test_every_past_day_is_right(sink: Sink, seed: int) -> None:
    draw = random.Random(seed)
    facts = random_facts(draw)
    whole = table("transitions_raw", facts)
    cut = draw.randrange(0, len(facts) + 1)
    for part in (whole.slice(0, cut), whole.slice(cut), whole.slice(cut)):
        sink.insert("transitions_raw", part)
    last = max(max(fact["at"], fact["known_at"]) for fact in facts).date()
    assert in_sql(sink) == by_looking_at_everyone(facts, last)


def test_days_go_on_until_the_last_that_a_profile_knows(sink: Sink) -> None:
    sink.insert("transitions_raw", table("transitions_raw", [transition(to_stage="exploration")]))
    sink.insert("profiles_raw", table("profiles_raw", [profile(as_of=day(3))]))
    counts = in_sql(sink)
    assert {date for date, _ in counts} == {day(number).date() for number in range(4)}
    assert all(count == (stage == "exploration") for (_, stage), count in counts.items())


def test_a_late_correction_rewrites_the_days_between(sink: Sink) -> None:
    gone = transition(id="b", from_stage="awareness", to_stage="dissolution", at=day(4), known_at=day(4), offset=8)
    sink.insert("transitions_raw", table("transitions_raw", [transition(id="a"), gone]))
    assert in_sql(sink)[day(4).date(), "dissolution"] == 1
    moved = gone | {"id": "c", "at": day(6), "known_at": day(9), "cause": "late", "supersedes": ["b"], "offset": 9}
    sink.insert("transitions_raw", table("transitions_raw", [moved]))
    counts = in_sql(sink)
    assert [counts[day(number).date(), "dissolution"] for number in (3, 4, 5, 6, 9)] == [0, 0, 0, 1, 1]
    assert [counts[day(number).date(), "awareness"] for number in (3, 4, 5, 6, 9)] == [1, 1, 1, 0, 0]


def test_without_facts_there_are_no_days(sink: Sink) -> None:
    assert in_sql(sink) == {}
    sink.insert("profiles_raw", table("profiles_raw", [profile()]))
    assert in_sql(sink) == {}
