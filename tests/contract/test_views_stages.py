"""The views over paths: dwell time, levers, ends, interactivity, survival, closing. Results worked out by hand."""

import pytest
from support.report_rows import START, day, judgement, meaning, policy, profile
from support.report_views import asked, event_hash, path, store, touch

from streams.reports.sink import Sink

QUARTER = 365.25 / 4


def test_a_stay_lasts_until_the_next_or_until_the_last_known_instant(sink: Sink) -> None:
    ann = path("ann", ("awareness", 0), ("exploration", 2), ("dissolution", 12))
    bob = path("bob", ("awareness", 0), ("exploration", 6))
    cat = path("cat", ("exploration", 1), ("commitment", 5))
    mended = cat[0] | {"id": "cat-2", "at": day(4), "supersedes": ["cat-0", "cat-1"], "offset": 2, "cause": "late"}
    store(sink, transitions=[*ann, *bob, *cat, mended], profiles=[profile(as_of=day(26))])
    stays = asked(sink, "SELECT customer_id, stage, since, until, days, came_from, went_to FROM stays ORDER BY ALL")
    assert [tuple(row.values()) for row in stays] == [
        ("ann", "awareness", day(0), day(2), 2.0, "none", "exploration"),
        ("ann", "dissolution", day(12), None, 14.0, "exploration", ""),
        ("ann", "exploration", day(2), day(12), 10.0, "awareness", "dissolution"),
        ("bob", "awareness", day(0), day(6), 6.0, "none", "exploration"),
        ("bob", "exploration", day(6), None, 20.0, "awareness", ""),
        ("cat", "exploration", day(4), None, 22.0, "none", ""),
    ]
    assert [tuple(row.values()) for row in asked(sink, "SELECT * FROM dwell ORDER BY stage")] == [
        ("awareness", 2, 2, 4.0, 4.0, 0, None, None, 4.0),
        ("dissolution", 1, 0, None, None, 1, 14.0, 14.0, None),
        ("exploration", 3, 1, 10.0, 10.0, 2, 21.0, 21.0, 52.0),
    ]


def test_levers_are_what_came_before_moves_more_often_than_otherwise(sink: Sink) -> None:
    touches = [
        touch("ann", "page_viewed", 5),
        touch("ann", "email_delivered", 20),
        touch("ann", "products_searched", 40),
        touch("bob", "page_viewed", 10),
        touch("bob", "email_delivered", 20),
        touch("bob", "page_viewed", 45),
        touch("bob", "email_delivered", 49),
        touch("bob", "page_viewed", 60),
        touch("cat", "email_delivered", 3),
    ]
    moves = [
        *path("ann", ("awareness", 0), ("exploration", 40), ("dissolution", 50)),
        *path("bob", ("awareness", 0), ("exploration", 50)),
        *path("cat", ("awareness", 3)),
    ]
    store(
        sink,
        touches,
        transitions=moves,
        policies=[policy()],
        meanings=[meaning(kind="email_delivered") | {"initiative": "firm"}],
    )
    assert [tuple(row.values()) for row in asked(sink, "SELECT * FROM levers ORDER BY lift DESC")] == [
        ("awareness", "exploration", "email_delivered", "firm", 3, 2, 2, 1.0, 0.75, 0.2, 3.75),
        ("awareness", "exploration", "page_viewed", "", 1, 1, 2, 0.5, 0.25, 0.6, round(0.25 / 0.6, 12)),
    ]


@pytest.mark.slow
def test_an_end_has_the_reason_that_was_known_until_the_return(sink: Sink) -> None:
    complaint, block = touch("ann", "complaint_filed", 9), touch("ann", "customer_blocked", 30)
    same = touch("bob", "page_viewed", 1, event_id=complaint["event_id"])
    filed, blocked = event_hash(complaint["event_id"]), event_hash(block["event_id"])
    reason = {"judgement": "end_reason", "before": "", "at": day(10), "evidence_event": "", "evidence_at": None}
    facts = [
        reason | {"id": "1", "after": "neglect", "known_at": day(10), "offset": 1},
        reason | {"id": "2", "judgement": "ended_by", "after": "customer", "known_at": day(10), "offset": 1},
        reason
        | {"id": "3", "before": "neglect", "after": "core_failure", "known_at": day(15), "offset": 2}
        | {"evidence_event": filed, "evidence_at": day(9)},
        reason | {"id": "4", "after": "", "at": day(20), "known_at": day(20), "offset": 3},
        reason | {"id": "5", "after": "explicit", "at": day(30), "known_at": day(30), "offset": 4},
    ]
    ended = {"stage": "dissolution", "ended_by": "firm", "end_reason": "explicit", "end_at": day(30)}
    store(
        sink,
        [complaint, block, same],
        transitions=[
            *path("ann", ("exploration", 0), ("dissolution", 10), ("exploration", 20), ("dissolution", 30)),
            *path("bob", ("commitment", 0), ("dissolution", 40)),
        ],
        judgements=[judgement(**fact) for fact in facts],
        profiles=[
            profile(**ended, end_evidence_event=blocked, end_evidence_at=day(30)),
            profile(customer_id="bob", ended_by="customer", end_reason="unknown", end_at=day(15)),
        ],
    )
    found = asked(sink, "SELECT * EXCEPT (namespace, episode, cause) FROM dissolutions ORDER BY customer_id, at")
    assert [tuple(row.values())[7:] for row in found] == [
        (filed, complaint["event_id"], "complaint_filed", day(9)),
        (blocked, block["event_id"], "customer_blocked", day(30)),
        ("", "", "", None),
    ]
    assert [tuple(row.values())[:7] for row in found] == [
        ("ann", day(10), day(20), "exploration", "customer", "core_failure", None),
        ("ann", day(30), None, "exploration", "firm", "explicit", day(30)),
        ("bob", day(40), None, "commitment", "customer", "unknown", day(15)),
    ]
    months = asked(sink, "SELECT * FROM dissolution_reasons ORDER BY month, ended_by")
    first, second = day(0).date().replace(day=1), day(30).date().replace(day=1)
    assert [tuple(row.values()) for row in months] == [
        (first, "customer", "core_failure", 1, 1, 1.0),
        (second, "customer", "unknown", 1, 0, 0.5),
        (second, "firm", "explicit", 1, 0, 0.5),
    ]


def test_contact_belongs_to_the_stage_at_that_time(sink: Sink) -> None:
    kinds = [
        meaning(kind="live_chat_started", two_way=True, initiative="customer"),
        meaning(kind="live_chat_ended", two_way=True, individual=True, initiative="both"),
        meaning(kind="call_made", two_way=True, individual=True, initiative="firm"),
        meaning(kind="email_delivered", initiative="firm"),
    ]
    touches = [
        touch("ann", "live_chat_started", -1),
        touch("ann", "live_chat_started", 5),
        touch("ann", "live_chat_started", QUARTER),
        touch("ann", "live_chat_ended", 95),
        touch("ann", "page_viewed", 96),
        touch("bob", "email_delivered", 10),
        touch("bob", "call_made", 11),
        touch("bob", "live_chat_started", 100),
        touch("bob", "live_chat_started", 150),
    ]
    store(
        sink,
        touches,
        transitions=[*path("ann", ("exploration", 0), ("commitment", QUARTER)), *path("bob", ("exploration", 0))],
        profiles=[profile(as_of=day(2 * QUARTER))],
        policies=[policy()],
        meanings=kinds,
    )
    assert [tuple(row.values()) for row in asked(sink, "SELECT * FROM interactivity ORDER BY stage")] == [
        ("commitment", 1, 1.0, 2, 2.0, 1, 1, 1.0),
        ("exploration", 2, 3.0, 4, round(4 / 3, 12), 2, 1, 0.5),
    ]


def test_survival_is_that_of_kaplan_and_meier(sink: Sink) -> None:
    paths = [
        *path("ann", ("exploration", 0), ("dissolution", 10.5)),
        *path("bob", ("awareness", 0), ("dissolution", 40)),
        *path("cat", ("exploration", 60)),
        *path("dan", ("exploration", 0), ("commitment", 50)),
        *path("eve", ("exploration", 0), ("dissolution", 5), ("exploration", 50)),
    ]
    store(sink, transitions=paths, profiles=[profile(as_of=day(100))])
    assert [tuple(row.values()) for row in asked(sink, "SELECT * FROM survival ORDER BY months")] == [
        (0, 5, 0, 1.0),
        (1, 4, 1, 0.8),
        (2, 2, 1, 0.6),
        (3, 2, 0, 0.6),
    ]
    (row,) = asked(sink, "SELECT * FROM base_half_life")
    assert tuple(row.values()) == (None, 5, 2, 0.6, day(100))


def test_half_of_the_base_is_gone_at_its_half_life(sink: Sink) -> None:
    (row,) = asked(sink, "SELECT * EXCEPT known_until FROM base_half_life")
    assert tuple(row.values()) == (None, 0, 0, None)
    assert asked(sink, "SELECT * FROM survival") == []
    ends = (("ann", 9), ("bob", 30), ("cat", 70))
    paths = [step for name, at in ends for step in path(name, ("exploration", 0), ("dissolution", at))]
    store(sink, transitions=[*paths, *path("dan", ("exploration", 0))], profiles=[profile(as_of=day(80))])
    (row,) = asked(sink, "SELECT * EXCEPT known_until FROM base_half_life")
    assert tuple(row.values()) == (30, 4, 3, 0.25)


def test_an_opening_closes_within_thirty_days(sink: Sink) -> None:
    kinds = [
        meaning(kind="product_viewed"),
        meaning(kind="order_completed", purchase=True),
        meaning(kind="contract_signed", tie="opened"),
    ]
    touches = [
        touch("ann", "product_viewed", 1, channel="web"),
        touch("ann", "product_viewed", 1.2, channel="web"),
        touch("ann", "order_completed", 4, amount_minor=100),
        touch("ann", "order_completed", 5, amount_minor=0),
        touch("ann", "product_viewed", 21, channel="web"),
        touch("ann", "order_completed", 52, amount_minor=100),
        touch("ann", "checkout_started", 55, channel="app"),
        touch("bob", "quote_requested", 3),
        touch("bob", "contract_signed", 3.5),
    ]
    store(
        sink,
        touches,
        transitions=[*path("ann", ("exploration", 0), ("commitment", 20)), *path("bob", ("exploration", 3))],
        profiles=[profile(as_of=day(60))],
        policies=[policy()],
        meanings=kinds,
    )
    found = asked(sink, "SELECT * FROM closing_rate ORDER BY stage, channel")
    assert [tuple(row.values()) for row in found] == [
        ("commitment", "app", "checkout_started", 1, 0, 0.0, 1, None),
        ("commitment", "web", "product_viewed", 1, 0, 0.0, 0, None),
        ("exploration", "web", "product_viewed", 1, 1, 1.0, 0, 3.0),
        ("none", "", "quote_requested", 1, 1, 1.0, 0, 0.5),
    ]


def test_shares_of_a_day_add_up(sink: Sink) -> None:
    paths = [step for name in ("ann", "bob", "cat") for step in path(name, ("exploration", 0))]
    store(sink, transitions=[*paths, *path("dan", ("awareness", 0), ("none", 1))])
    found = asked(sink, "SELECT day, stage, customers, share FROM stage_daily WHERE customers > 0 ORDER BY day, stage")
    assert [tuple(row.values()) for row in found] == [
        (START.date(), "awareness", 1, 0.25),
        (START.date(), "exploration", 3, 0.75),
        (day(1).date(), "exploration", 3, 1.0),
    ]


def test_nobody_is_known_before_anything_is(sink: Sink) -> None:
    (row,) = sink.query("SELECT toUnixTimestamp64Milli(at) AS ms FROM known_until").to_pylist()
    assert row == {"ms": 0}
    store(sink, transitions=path("ann", ("exploration", 3)))
    (row,) = sink.query("SELECT at FROM known_until").to_pylist()
    assert row["at"] == day(3)


@pytest.mark.parametrize("name", ["e1", "", "日本", "x" * 100])
def test_evidence_is_found_by_the_hash_that_the_model_stores(sink: Sink, name: str) -> None:
    store(sink, [touch("ann", "page_viewed", 0, event_id=name)])
    assert asked(sink, "SELECT event_hash FROM touchpoints") == [{"event_hash": event_hash(name)}]
