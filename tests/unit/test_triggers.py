"""Rules fire: at changes, touchpoints and timers; what holds them back; what takes them back; replays."""

import json
from dataclasses import replace
from operator import itemgetter
from random import Random
from typing import Any, Final

import numpy as np
import pytest
from support.rules import DAY, HOUR, START, Fired, Life, crashed_and_restored, fired, lived, policy_with, text_with

from processors.policy.policy import Policy
from processors.triggers.settled import AT_ONCE
from streams.engine.partition import Partition

OPEN = "hold_out = 0.0\n"


def rule(name: str, on: str, **keys: object) -> str:
    told = {"hold_out": 0.0, **keys}
    lines = "".join(f"{key} = {_toml(value)}\n" for key, value in told.items())
    return f'[triggers.{name}]\non = "{on}"\n{lines}'


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, str | list) else str(value)


CART = rule("cart", "quiet 1 hour after product_added, checkout_started unless order_completed")
WELCOME = rule("welcome", "touchpoint: account_created")


def consenting(hours: float = 0.0, customer: str = "ann") -> Life:
    return Life().tell("newsletter_subscribed", hours, customer)


def test_a_touchpoint_of_a_named_kind_fires_at_its_instant() -> None:
    log = consenting().tell("account_created", 2).tell("signed_in", 3)
    assert fired(log, policy_with(WELCOME)) == [Fired("welcome", "sent", 2)]


def test_a_condition_holds_a_rule_back_without_a_word() -> None:
    of = policy_with(rule("second", "touchpoint: order_completed", when="purchases == 2"))
    log = consenting().tell("order_completed", 1).tell("order_completed", 30).tell("order_completed", 60)
    assert fired(log, of) == [Fired("second", "sent", 30)]


OWN = '[properties]\nplan = "string"\nseats = "number"\nbeta = "boolean"\n'


@pytest.mark.parametrize(
    ("told", "when", "expected"),
    [
        ([{"plan": "gold"}], "properties.plan == 'gold'", True),
        ([{"plan": "gold"}, {"plan": "silver"}], "properties.plan == 'gold'", False),
        ([{"plan": "gold"}, {"other": "silver"}], "properties.plan == 'gold'", True),
        ([{"traits.plan": "gold"}], "properties.plan == 'gold'", True),
        ([{"seats": "12.5", "beta": "true"}], "properties.seats > 12 and properties.beta", True),
        # What is no number says nothing: what was known before goes on.
        ([{"seats": "12"}, {"seats": "a dozen"}], "properties.seats == 12", True),
        ([{"plan": "gold"}], "properties.seats < 5 or properties.seats >= 5", False),
    ],
)
def test_a_condition_asks_for_what_touchpoints_told_of_the_customer(
    told: list[dict[str, str]], when: str, expected: bool
) -> None:
    of = policy_with(rule("asked", "touchpoint: account_created", when=when) + OWN)
    log = consenting()
    for hour, properties in enumerate(told, 1):
        log.tell("signed_in", hour, properties=properties)
    found = fired(log.tell("account_created", 9), of)
    assert found == ([Fired("asked", "sent", 9)] if expected else [])


def test_the_touchpoint_that_fires_may_tell_the_property_itself() -> None:
    of = policy_with(rule("asked", "touchpoint: account_created", when="properties.plan == 'gold'") + OWN)
    log = consenting().tell("account_created", 2, properties={"plan": "gold"})
    assert fired(log, of) == [Fired("asked", "sent", 2)]


def test_the_newest_value_counts_whenever_it_arrives() -> None:
    of = policy_with(rule("asked", "1 day after last_purchase", when="properties.plan == 'gold'") + OWN)
    late = consenting().tell("order_completed", 5, properties={"plan": "gold"})
    late.tell("signed_in", 3, appended=6, properties={"plan": "silver"}).tick(40)
    assert fired(late, of) == [Fired("asked", "sent", 29)]
    newer = consenting().tell("order_completed", 5, properties={"plan": "gold"})
    newer.tell("signed_in", 7, properties={"plan": "silver"}).tick(40)
    assert fired(newer, of) == []


SAID = "context.consent.categoryPreferences"
MANAGED = "context.consentManagement."


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([{SAID: '{"email":true}'}], "sent"),
        ([{SAID: '{"Newsletter":true,"ads":false}'}], "sent"),
        ([{SAID: '{"ads":true}'}], "no_consent"),
        ([{SAID: '{"sms":true}'}], "no_consent"),
        ([{SAID: '{"email":true}'}, {SAID: '{"email":false}'}], "no_consent"),
        ([{MANAGED + "allowedConsentIds": '["newsletter"]'}], "sent"),
        ([{MANAGED + "allowedConsentIds": '["newsletter"]', MANAGED + "deniedConsentIds": '["email"]'}], "no_consent"),
    ],
)
def test_what_the_consent_manager_said_is_consent_to_a_channel(told: list[dict[str, str]], expected: str) -> None:
    of = policy_with(WELCOME + '[consent]\nemail = ["newsletter", "email"]\n')
    log = Life()
    for hour, properties in enumerate(told, 1):
        log.tell("signed_in", hour, properties=properties)
    assert fired(log.tell("account_created", 9), of) == [Fired("welcome", expected, 9)]


def hourly(told: list[tuple[str, int]]) -> Life:
    """Touchpoints, kind and hour, while time goes on."""
    log = consenting()
    for hour in range(1, 121):
        for kind, at in told:
            if at == hour:
                log.tell(kind, hour)
        log.tick(hour)
    return log


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([("order_completed", 1), ("product_reviewed", 30)], []),
        ([("order_completed", 1)], [Fired("asked", "sent", 73)]),
        ([("product_reviewed", 1), ("order_completed", 2)], [Fired("asked", "sent", 74)]),
        ([("order_completed", 1), ("product_reviewed", 30), ("order_completed", 40)], [Fired("asked", "sent", 112)]),
        ([("order_completed", 1), ("product_viewed", 30)], [Fired("asked", "sent", 73)]),
        (
            [("order_completed", 1), ("product_reviewed", 80)],
            [Fired("asked", "sent", 73), Fired("asked", "withdrawn", 80)],
        ),
    ],
    ids=["reviewed", "not", "before", "and bought again", "another kind", "after it was sent"],
)
def test_what_ends_a_rule_ends_what_waits_for_its_instant(told: list[tuple[str, int]], expected: list[Fired]) -> None:
    of = policy_with(rule("asked", "3 days after last_purchase", unless=["product_reviewed"]))
    assert fired(hourly(told), of) == expected


def test_what_ends_a_rule_and_moves_its_instant_begins_it_anew() -> None:
    of = policy_with(rule("missed", "3 days after last_purchase", unless=["order_completed"]))
    log = hourly([("order_completed", 1), ("order_completed", 30)])
    assert fired(log, of) == [Fired("missed", "sent", 102)]


def test_a_no_of_the_consent_manager_takes_back_what_is_on_its_way() -> None:
    of = policy_with(WELCOME + rule("text", "touchpoint: account_created", channel="sms"), "most = 4")
    log = Life().tell("signed_in", 0, properties={SAID: '{"email":true,"sms":true}'}).tell("account_created", 1)
    log.tell("signed_in", 2, properties={SAID: '{"email":false,"sms":true}'})
    log.tell("signed_in", 3, properties={SAID: '{"email":false,"sms":true}'})
    assert [each for each in fired(log, of) if each.rule == "welcome"] == [
        Fired("welcome", "sent", 1),
        Fired("welcome", "withdrawn", 2),
    ]
    assert [each.outcome for each in fired(log, of) if each.rule == "text"] == ["outranked"]


def test_who_unsubscribed_is_not_asked_anew_by_a_banner() -> None:
    log = consenting().tell("unsubscribed", 1).tell("signed_in", 2, properties={SAID: '{"email":true}'})
    assert fired(log.tell("account_created", 3), policy_with(WELCOME)) == [Fired("welcome", "no_consent", 3)]
    log.tell("newsletter_subscribed", 4).tell("account_created", 5)
    assert fired(log, policy_with(WELCOME))[1:] == [Fired("welcome", "sent", 5)]


def test_a_transition_fires_with_what_was_before() -> None:
    of = policy_with(
        rule("ended", "stage: any -> dissolution", when="before == 'exploration' and purchases > 0")
        + rule("came_back", "stage: dissolution -> any")
    )
    log = consenting().tell("order_completed", 1)
    for day in range(2, 300):
        log.tick(24.0 * day)
    log.tell("order_completed", 24 * 300 + 5)
    found = fired(log, of)
    assert [(each.rule, each.outcome) for each in found] == [("ended", "sent"), ("came_back", "sent")]
    assert found[1].at == 24 * 300 + 5


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (["product_added"], [Fired("cart", "sent", 11)]),
        (["product_added", "order_completed"], []),
        (["order_completed", "product_added"], [Fired("cart", "sent", 11.5)]),
        (["product_added", "checkout_started"], [Fired("cart", "sent", 11.5)]),
        (["product_added", "signed_in"], [Fired("cart", "sent", 11)]),
    ],
)
def test_silence_after_a_cart_fires_unless_it_was_bought(kinds: list[str], expected: list[Fired]) -> None:
    log = consenting()
    for i, kind in enumerate(kinds):
        log.tell(kind, 10 + 0.5 * i)
    assert fired(log.tick(12), policy_with(CART)) == expected


def test_the_spacing_of_ticks_changes_nothing() -> None:
    of = policy_with(CART + rule("after", "3 days after last_purchase") + rule("due", "14 days before due"))
    histories = []
    for spacing in (24.0, 7.0, 1.0, 0.25):
        log, now = consenting(), 0.0
        for day in range(1, 130):
            while now + spacing <= 24.0 * day:
                now += spacing
                log.tick(now)
            if day in (3, 17):
                log.tell("order_completed", 24.0 * day + 0.1)
            if day in (5, 30):
                log.tell("product_added", 24.0 * day + 0.1)
        histories.append(fired(log, of))
    assert [each.rule for each in histories[0]] == ["cart", "after", "after", "cart", "due"] or len(histories[0]) >= 4
    assert histories[1:] == histories[:1] * 3


@pytest.mark.parametrize(
    ("on", "hours"),
    [
        ("3 days after first_purchase", [24 + 72]),
        ("3 days after last_purchase", [24 + 72, 24 * 11 + 72]),
        ("1 interval after last_purchase", [24 * 21]),
        ("2 hours after last_initiative", [2, 26, 24 * 11 + 2]),
        ("2 hours after first_touchpoint", [2]),
        ("yearly on first_purchase", [24 * 366]),
    ],
)
def test_timers_count_from_instants_of_the_row(on: str, hours: list[float]) -> None:
    log = consenting()
    for day in range(1, 400):
        log.tick(24.0 * day)
        if day in (1, 11):
            log.tell("order_completed", 24.0 * day)
    assert fired(log, policy_with(rule("timed", on))) == [Fired("timed", "sent", each) for each in hours]


def test_a_birthday_comes_every_year() -> None:
    log = Life().tell("newsletter_subscribed", 0, properties={"birthday": "1984-02-29"})
    for day in range(1, 800):
        log.tick(24.0 * day)
    # 2026 and 2027 have no 29th of February: the 28th; 2028 is beyond.
    assert [each.at for each in fired(log, policy_with(rule("birthday", "yearly on birthday")))] == [
        24.0 * 58,
        24.0 * (365 + 58),
        24.0 * (730 + 59),
    ]


def test_a_resolved_complaint_is_followed_up() -> None:
    of = policy_with(
        rule("resolved", "3 days after complaint_resolved")
        + rule("open", "2 days after complaint_open", channel="internal")
    )
    log = consenting().tell("complaint_filed", 10)
    for day in range(1, 8):
        log.tick(24.0 * day)
    log.tell("support_ticket_solved", 24 * 8)
    for day in range(9, 14):
        log.tick(24.0 * day)
    assert fired(log, of) == [Fired("open", "sent", 58), Fired("resolved", "sent", 24 * 11)]


def test_nothing_goes_out_without_consent_or_after_it_is_withdrawn_or_after_an_exit() -> None:
    of = policy_with(WELCOME)
    assert fired(Life().tell("account_created", 1), of) == [Fired("welcome", "no_consent", 1)]
    assert fired(consenting().tell("unsubscribed", 1).tell("account_created", 2), of) == [
        Fired("welcome", "no_consent", 2)
    ]
    ended = policy_with(rule("ended", "stage: any -> dissolution"))
    assert fired(consenting().tell("order_completed", 1).tell("account_deleted", 2), ended) == [
        Fired("ended", "no_consent", 2)
    ]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0)])
def test_consent_is_what_was_said_last_whatever_arrives_first(order: tuple[int, ...]) -> None:
    told = [("newsletter_subscribed", 1.0), ("unsubscribed", 2.0), ("newsletter_subscribed", 3.0)]
    log = Life()
    for i in order:
        log.tell(*told[i], appended=4)
    assert fired(log.tell("account_created", 5), policy_with(WELCOME)) == [Fired("welcome", "sent", 5)]


def test_consent_is_by_channel() -> None:
    sms = policy_with(rule("text", "touchpoint: account_created", channel="sms"))
    assert fired(consenting().tell("account_created", 1), sms) == [Fired("text", "no_consent", 1)]
    log = Life().tell("newsletter_subscribed", 0, properties={"channel": "sms"}).tell("account_created", 1)
    assert fired(log, sms) == [Fired("text", "sent", 1)]
    # Without a channel a refusal is of everything.
    log = Life().tell("newsletter_subscribed", 0, channel="sms").tell("unsubscribed", 1).tell("account_created", 2)
    assert fired(log, sms) == [Fired("text", "no_consent", 2)]


def test_what_must_go_out_needs_no_consent_and_what_stays_inside_neither() -> None:
    of = policy_with(
        rule("failed", "touchpoint: payment_failed", transactional=True)
        + rule("task", "touchpoint: payment_failed", channel="internal")
    )
    assert fired(Life().tell("payment_failed", 1), of) == [Fired("failed", "sent", 1), Fired("task", "sent", 1)]


def test_cooldown_and_cap_hold_back_and_say_so() -> None:
    of = policy_with(rule("viewed", "touchpoint: product_viewed", cooldown_days=2))
    log = consenting().tell("product_viewed", 1).tell("product_viewed", 30).tell("product_viewed", 50)
    assert [each.outcome for each in fired(log, of)] == ["sent", "cooling", "sent"]
    of = policy_with(
        "".join(
            rule(f"rule_{i}", f"touchpoint: {kind}")
            for i, kind in enumerate(("product_viewed", "signed_in", "cart_viewed"))
        ),
        "most = 2\ndays = 7",
    )
    log = (
        consenting()
        .tell("product_viewed", 1)
        .tell("signed_in", 2)
        .tell("cart_viewed", 3)
        .tell("cart_viewed", 24 * 7 + 2)
    )
    assert [each.outcome for each in fired(log, of)] == ["sent", "sent", "capped", "sent"]


def test_of_one_moment_the_greatest_priority_goes_out() -> None:
    of = policy_with(
        rule("low", "touchpoint: account_created", priority=10)
        + rule("high", "touchpoint: account_created", priority=90)
        + rule("must", "touchpoint: account_created", transactional=True)
    )
    assert sorted(fired(consenting().tell("account_created", 1), of)) == [
        Fired("high", "sent", 1),
        Fired("low", "outranked", 1),
        Fired("must", "sent", 1),
    ]


def test_a_share_is_held_back_at_random_and_counts_as_sent() -> None:
    of = policy_with(rule("welcome", "touchpoint: account_created", hold_out=0.3), "most = 1\nhold_out = 0.02")
    log = Life()
    for i in range(2000):
        log.tell("newsletter_subscribed", 0.001 * i, f"c{i}").tell("account_created", 3 + 0.001 * i, f"c{i}")
    rows = lived(log.log, of)[1]
    shares = [sum(row["arm"] == arm for row in rows) / len(rows) for arm in ("held", "held_from_all", "treated")]
    assert shares == pytest.approx([0.3 * 0.98, 0.02, 0.7 * 0.98], abs=0.035)
    assert {row["arm"] for row in rows if row["outcome"] == "sent"} == {"treated"}
    assert {row["arm"] for row in rows if row["outcome"] == "held"} == {"held", "held_from_all"}


def test_an_import_of_history_sends_nothing_and_then_the_log_goes_on_live() -> None:
    of = policy_with(
        CART + WELCOME + rule("ended", "stage: any -> dissolution") + rule("year", "yearly on first_purchase")
    )
    log, now = Life(), 24.0 * 800
    for day in range(1, 730):
        log.tick(24.0 * day, appended=now)
        for customer in ("ann", "bob"):
            if day % 90 == 3:
                log.tell("newsletter_subscribed", 24.0 * day + 1, customer, appended=now)
                log.tell("account_created", 24.0 * day + 2, customer, appended=now)
                log.tell("order_completed", 24.0 * day + 3, customer, appended=now)
            if day % 40 == 7:
                log.tell("product_added", 24.0 * day + 3, customer, appended=now)
    imported = fired(log, of)
    assert {each.outcome for each in imported} == {"stale"}
    assert {each.rule for each in imported} >= {"cart", "welcome"}
    log.tell("account_created", now + 1, "ann").tick(now + 2)
    live = fired(log, of)[len(imported) :]
    assert Fired("welcome", "sent", now + 1) in live
    assert all(each.outcome in ("sent", "stale") for each in live)


def test_a_late_file_sends_nothing() -> None:
    log = consenting().tick(100).tell("account_created", 10, appended=100)
    assert fired(log, policy_with(WELCOME)) == [Fired("welcome", "stale", 10)]


def test_a_new_policy_sends_nothing_for_what_it_makes_true() -> None:
    log = (
        consenting()
        .tell("order_completed", 1)
        .tick(24 * 20)
        .change(text_with(rule("after", "3 days after last_purchase")), 481)
    )
    log.tick(24 * 21).tick(24 * 22)
    assert fired(log, policy_with("")) == [Fired("after", "stale", 73)]


def test_what_was_sent_is_taken_back_by_an_exit_a_refusal_or_what_ends_it() -> None:
    rules = policy_with(CART)
    log = consenting().tell("product_added", 1).tick(3)
    for kind in ("order_completed", "unsubscribed", "account_deleted"):
        told = Life()
        told.log = list(log.log)
        rows = lived(told.tell(kind, 5).tick(6).log, rules)[1]
        assert [row["outcome"] for row in rows] == ["sent", "withdrawn"], kind
        assert rows[1]["takes_back"] == rows[0]["id"]
        assert rows[1]["id"] != rows[0]["id"]
    told = Life()
    told.log = list(log.log)
    # Beyond its validity there is nothing to take back; and what was taken back is not taken back again.
    assert len(lived(told.tell("order_completed", 24 * 4).log, rules)[1]) == 1
    told.log = list(log.log)
    assert (
        len(lived(told.tell("order_completed", 5).tell("order_completed", 6).tell("unsubscribed", 7).log, rules)[1])
        == 2
    )


def test_a_purchase_that_arrives_late_takes_the_cart_mail_back() -> None:
    log = consenting().tell("product_added", 1).tick(3).tell("order_completed", 1.5, appended=4)
    assert [each.outcome for each in fired(log, policy_with(CART))] == ["sent", "withdrawn"]


def test_a_refund_is_no_purchase() -> None:
    of = policy_with(rule("bought", "touchpoint: order_completed"))
    assert fired(consenting().tell("order_completed", 1, amount_minor=-500), of) == []


def busy_log(seed: int) -> tuple[Life, Policy]:
    random, log, now = Random(seed), Life(), 0.0
    kinds = (
        "newsletter_subscribed", "unsubscribed", "product_added", "order_completed", "account_created",
        "complaint_filed", "support_ticket_solved", "account_deleted",
        "product_viewed", "checkout_started", "signed_in", "payment_failed",
    )  # fmt: skip
    for _ in range(700):
        now += random.expovariate(1 / 8)
        if random.random() < 0.3:
            log.tick(now)
        else:
            late = random.random() < 0.15
            at = now - random.expovariate(1 / 40) if late else now
            who = f"c{random.randrange(14)}"
            log.tell(random.choice(kinds), max(at, 0.0), who, appended=now)
    of = policy_with(
        CART
        + WELCOME
        + rule("ended", "stage: any -> dissolution", when="p_alive < 0.9")
        + rule("risk", "risk_band: any -> high", when="purchases >= 2")
        + rule("open", "2 days after complaint_open", channel="internal")
        + rule("again", "1 interval after last_purchase", priority=70)
        + rule("viewed", "touchpoint: product_viewed", cooldown_days=3, unless=["order_completed"])
        + rule("year", "yearly on first_purchase")
        + rule("failed", "touchpoint: payment_failed", transactional=True)
        + rule("asked", "3 days after last_purchase", channel="internal", unless=["product_viewed"])
    )
    return log, of


@pytest.mark.parametrize("seed", range(4))
def test_the_same_log_gives_the_same_triggers_in_any_cutting(seed: int) -> None:
    log, of = busy_log(seed)
    whole = lived(log.log, of)
    assert len({row["outcome"] for row in whole[1]}) >= 4
    ids = [row["id"] for row in whole[1]]
    assert len(set(ids)) == len(ids)
    for batches, hot in ((3, 65_536), (60, 4), (700, 2)):
        partition, rows = lived(log.log, of, batches, hot_rows=hot)
        assert rows == whole[1]
        assert np.array_equal(_told(partition), _told(whole[0]))


OFTEN: Final = (
    rule("silent", "20 days after last_initiative", channel="internal")
    + rule("unseen", "9 days after last_touchpoint", channel="internal")
    + rule("soon", "14 days before due", channel="internal")
    + rule("written", "1 interval after last_contact", channel="internal")
    + rule("renewed", "30 days before renewal", channel="internal")
    + rule("open", "2 days after complaint_open", channel="internal")
    + rule("solved", "3 days after complaint_resolved", channel="internal")
    + rule("began", "yearly on first_touchpoint", channel="internal")
)
"""Timers from everything that touchpoints move."""


@pytest.mark.parametrize("more", ["", rule("staying", "5 days after stage", channel="internal")], ids=["", "stage"])
@pytest.mark.parametrize("seed", range(6))
def test_what_is_settled_without_a_look_is_what_a_look_finds(seed: int, more: str) -> None:
    log, _ = busy_log(20 + seed)
    of = policy_with(OFTEN + CART + more)
    attentive = of.rules.copy()
    attentive.timer_touch_ms = AT_ONCE
    found, wanted = lived(log.log, of)[1], lived(log.log, replace(of, rules=attentive))[1]
    # Whose turn it is within a tick may differ; each customer's own are the same in the same order.
    assert sorted(found, key=itemgetter("customer_id")) == sorted(wanted, key=itemgetter("customer_id"))
    assert len({row["rule"] for row in found}) >= 6


def _told(partition: Partition) -> Any:
    rows = partition.rows(partition.numbers())
    names = ("fired", "fired_rule", "handled", "sent", "timer_at", "armed_at", "cleared_at", "given_at", "taken_at")
    return np.concatenate([np.asarray(rows[name]).reshape(len(rows), -1).astype(np.int64) for name in names], axis=1)


@pytest.mark.parametrize("seed", range(3))
def test_a_replay_after_a_crash_gives_the_same_triggers(seed: int) -> None:
    log, of = busy_log(10 + seed)
    whole = lived(log.log, of)[1]
    told = {row["id"]: row for row in crashed_and_restored(log.log, of, Random(seed))}
    assert told == {row["id"]: row for row in whole}


def test_freshness_is_the_time_from_when_it_became_true_to_the_append_of_what_made_it_known() -> None:
    of = policy_with(CART, "fresh_hours = 2")
    log = consenting().tell("product_added", 1)
    assert fired(Life().tell("newsletter_subscribed", 0).tell("product_added", 1).tick(3.9), of)[0].outcome == "sent"
    assert fired(log.tick(4.1), of)[0].outcome == "stale"
    assert START % DAY == 0
    assert HOUR == 3_600_000
