"""Levers as rates, campaigns, cohorts, revenue, RFM, channels and agents: by hand, or by counting days one by one."""

import math
from random import Random
from typing import Any, Final

import pytest
from support.report_rows import day, meaning, policy, profile
from support.report_views import asked, path, store, touch

from streams.reports.sink import Sink

ORDERED: Final = meaning(kind="order_completed", purchase=True, initiative="customer")
MAILED: Final = meaning(kind="email_delivered", initiative="firm", cost_minor=10)
CLICKED: Final = meaning(kind="ad_clicked", initiative="none", cost_minor=100, acquisition=True)
VISITED: Final = meaning(kind="store_visited", initiative="customer", two_way=True)
BANDS: Final = {"first month": (0, 30), "first year": (30, 365), "later": (365, 36_500)}
KNOWN: Final = 800


def order(customer: str, at: float, amount: int, **told: Any) -> dict[str, Any]:
    return touch(customer, "order_completed", at, amount_minor=amount, order_id=f"{customer}{at}", **told)


def lives(random: Random) -> list[tuple[str, list[tuple[str, int]], list[tuple[str, int]]]]:
    """(customer, stages with the day on which each began, touchpoints with their days)."""
    found = []
    for number in range(40):
        at, steps = random.randrange(60), []
        for stage in ("awareness", "exploration", "dissolution", "exploration")[: random.randrange(1, 5)]:
            steps.append((stage, at))
            at += random.choice((3, 40, 200, 390))
        touches = [(random.choice(("email_delivered", "ad_clicked")), random.randrange(KNOWN)) for _ in range(8)]
        found.append((f"c{number}", [step for step in steps if step[1] < KNOWN], touches))
    return found


def counted(kind: str, stage: str, tenure: str, random: Random) -> tuple[int, int, int, int]:
    """(days with, days without, moves with, moves without), one customer and day at a time."""
    found = [0, 0, 0, 0]
    first, last = BANDS[tenure]
    for _, steps, touches in lives(random):
        if not steps:
            continue
        began, days = steps[0][1], [at for which, at in touches if which == kind]
        for i, (which, since) in enumerate(steps):
            until = steps[i + 1][1] if i + 1 < len(steps) else KNOWN
            if which != stage:
                continue
            for now in range(since, until):
                if first <= now - began < last:
                    found[0 if any(at <= now < at + 30 for at in days) else 1] += 1
            upward = i + 1 < len(steps) and (stage, steps[i + 1][0]) != ("exploration", "dissolution")
            if upward and first < until - began <= last:
                found[2 if any(at < until <= at + 30 for at in days) else 3] += 1
    return found[0], found[1], found[2], found[3]


def test_levers_are_moves_for_each_customer_day(sink: Sink) -> None:
    told = lives(Random(3))
    store(
        sink,
        [
            touch(who, kind, at, event_id=f"{who}{n}")
            for who, _, touches in told
            for n, (kind, at) in enumerate(touches)
        ],
        transitions=[step for who, steps, _ in told for step in path(who, *steps)],
        profiles=[profile(as_of=day(KNOWN))],
        policies=[policy()],
        meanings=[MAILED, CLICKED],
    )
    rows = asked(sink, "SELECT * FROM lever_rates")
    seen = 0
    for row in rows:
        with_it, without, moved_with, moved_without = counted(row["kind"], row["stage"], row["tenure"], Random(3))
        assert (row["days_with"], row["days_without"]) == pytest.approx((with_it, without)), row
        assert (row["moves_with"], row["moves_without"]) == (moved_with, moved_without), row
        if moved_with and moved_without and without:
            seen += 1
            ratio = moved_with / with_it / (moved_without / without)
            spread = math.exp(1.96 * math.sqrt(1 / moved_with + 1 / moved_without))
            assert (row["ratio"], row["ratio_low"], row["ratio_high"]) == pytest.approx(
                (ratio, ratio / spread, ratio * spread)
            )
    assert seen >= 3
    assert {row["stage"] for row in rows} == {"awareness", "dissolution", "exploration"}


def test_a_mailing_that_doubles_the_rate_shows_as_two(sink: Sink) -> None:
    # Of 40 mailed at day 0, twenty move on day 10; of 40 others ten do. Nobody else moves until day 10.
    touches, moves = [], []
    for number in range(80):
        who, mailed = f"c{number}", number < 40
        moves += path(who, ("awareness", 0), *([("exploration", 10)] if number % 40 < (20 if mailed else 10) else []))
        touches += [touch(who, "email_delivered", 0)] if mailed else []
    store(sink, touches, transitions=moves, profiles=[profile(as_of=day(10))], policies=[policy()], meanings=[MAILED])
    (row,) = asked(sink, "SELECT * FROM lever_rates WHERE stage = 'awareness'")
    assert (row["moves_with"], row["moves_without"], row["ratio"]) == (20, 10, 2.0)
    assert row["ratio_low"] < 1 < 2 < row["ratio_high"]


def test_campaigns_win_by_first_touch_last_touch_and_shares(sink: Sink) -> None:
    touches = [
        touch("ann", "ad_clicked", 0, campaign="brand", channel="search"),
        touch("ann", "ad_clicked", 2, campaign="spring", channel="social"),
        touch("ann", "ad_clicked", 3, campaign="spring", channel="social"),
        order("ann", 4, 900),
        touch("ann", "email_delivered", 9, campaign="spring", channel="social"),
        touch("bob", "ad_clicked", 1, campaign="brand", channel="search"),
        touch("cid", "ad_clicked", 1, campaign="brand", channel="search"),
        order("cid", 2, 300),
        order("dan", 2, 300),
    ]
    store(sink, touches, policies=[policy()], meanings=[ORDERED, MAILED, CLICKED])
    brand, spring = asked(sink, "SELECT * EXCEPT (channel, currency) FROM campaigns ORDER BY campaign")
    assert brand == {
        "campaign": "brand",
        "reached": 3,
        "cost_minor": 300,
        "keeping_cost_minor": 0,
        "won_first": 2,
        "won_last": 1,
        "won_shares": round(4 / 3, 12),
        "cost_for_each_won_minor": 225.0,
        "first_purchases_minor": 600.0,
    }
    assert spring == {
        "campaign": "spring",
        "reached": 1,
        "cost_minor": 200,
        "keeping_cost_minor": 10,
        "won_first": 0,
        "won_last": 1,
        "won_shares": round(2 / 3, 12),
        "cost_for_each_won_minor": 300.0,
        "first_purchases_minor": 600.0,
    }


# Day 27 is the first of February, day 55 that of March.
SALES: Final = [
    *(order("ann", 0, 100), order("ann", 30, 200), order("bob", 1, 300), order("cid", 28, 50)),
    *(order("dan", 2, 70), order("dan", 29, 80), order("dan", 29.5, 5)),
]
PATHS: Final = [
    *path("ann", ("exploration", 0), ("dissolution", 20), ("exploration", 30)),
    *path("bob", ("exploration", 1), ("dissolution", 60)),
    *path("cid", ("exploration", 28)),
    *path("dan", ("exploration", 2)),
]


def test_cohorts_by_the_month_of_the_first_purchase(sink: Sink) -> None:
    store(sink, SALES, transitions=PATHS, policies=[policy()], meanings=[ORDERED])
    rows = asked(sink, "SELECT * EXCEPT (currency) FROM cohorts ORDER BY cohort, month")
    assert [(f"{row['cohort']:%m}", *list(row.values())[2:]) for row in rows] == [
        ("01", 0, 3, 3, 1.0, 3, 470),
        ("01", 1, 3, 2, round(2 / 3, 12), 3, 285),
        ("02", 0, 1, 1, 1.0, 1, 50),
    ]


def test_revenue_by_who_brought_it_and_what_was_lost(sink: Sink) -> None:
    store(sink, SALES, transitions=PATHS, policies=[policy()], meanings=[ORDERED])
    rows = asked(sink, "SELECT * EXCEPT (month, currency) FROM revenue_monthly ORDER BY month")
    assert [tuple(row.values()) for row in rows] == [
        # buyers, new, won back, returning; the money of each, of all, for each; lost
        (3, 3, 0, 0, 470, 0, 0, 470, round(470 / 3, 12), 1, 100),
        (3, 1, 1, 1, 50, 200, 85, 335, round(335 / 3, 12), 0, 0),
        (0, 0, 0, 0, 0, 0, 0, 0, 0.0, 1, 300),
    ]


def test_fifths_of_recency_frequency_and_money(sink: Sink) -> None:
    rows = [
        profile(
            customer_id=f"c{n}",
            purchases=1 if n < 5 else n,
            last_purchase_at=day(n),
            spend_minor=1_000 * (10 - n),
            refunded_minor=9_000 if n == 0 else 0,
            as_of=day(20),
        )
        for n in range(10)
    ]
    never = profile(customer_id="never", purchases=0, purchase_days=0, first_purchase_at=None, last_purchase_at=None)
    store(sink, profiles=[*rows, never], policies=[policy()])
    found = asked(sink, "SELECT * FROM rfm ORDER BY customer_id")
    assert [row["days_since_purchase"] for row in found] == [31.0 - n for n in range(10)], "known until day 31"
    assert [row["recency"] for row in found] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert [row["frequency"] for row in found] == [1, 1, 1, 1, 1, 3, 4, 4, 5, 5]
    # Net of what was given back: c0 has 1,000, as c9, so both are among the lowest.
    assert [row["monetary"] for row in found] == [1, 5, 5, 4, 4, 3, 3, 2, 2, 1]


def test_the_channel_that_a_customer_chooses(sink: Sink) -> None:
    touches = [
        *(touch("ann", "store_visited", n, channel="store") for n in (0, 1)),
        touch("ann", "order_completed", 2, amount_minor=100, channel="web"),
        *(touch("ann", "email_delivered", n, channel="email") for n in range(5)),
        touch("ann", "store_visited", 9),
        touch("bob", "store_visited", 1, channel="store"),
        touch("bob", "order_completed", 2, amount_minor=100, channel="app"),
        touch("cid", "email_delivered", 1, channel="email"),
    ]
    store(sink, touches, policies=[policy()], meanings=[ORDERED, MAILED, VISITED])
    assert [tuple(row.values()) for row in asked(sink, "SELECT * FROM favourite_channels ORDER BY customer_id")] == [
        ("ann", "known", "store", 2, round(2 / 3, 12)),
        ("bob", "known", "app", 1, 0.5),
    ]


def test_what_service_people_do(sink: Sink) -> None:
    touches = [
        touch("ann", "store_visited", 0, agent_id="eva", satisfaction=5.0),
        touch("ann", "store_visited", 1, agent_id="eva", satisfaction=4.0),
        touch("ann", "store_visited", 2, agent_id="max"),
        order("ann", 3, 900),
        order("ann", 40, 100),
        touch("bob", "store_visited", 3, agent_id="eva"),
        order("bob", 9, 50, agent_id="kim"),
        touch("rob", "store_visited", 3, agent_id="eva", satisfaction=1.0, properties={"bot": "true"}),
        order("bob", 2, 700),
    ]
    store(sink, touches, policies=[policy()], meanings=[ORDERED, VISITED])
    assert [tuple(row.values()) for row in asked(sink, "SELECT * FROM agents ORDER BY agent_id")] == [
        ("eva", 3, 2, 2, 4.5, 2, 950),
        ("kim", 1, 1, 0, None, 1, 50),
        ("max", 1, 1, 0, None, 1, 900),
    ]
