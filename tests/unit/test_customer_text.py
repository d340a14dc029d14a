"""How a customer's document reads: what rarely holds, what is not known, and what does not fit on one line."""

from typing import Any

import pytest

from streams.commands.customer_history import judgements, stages
from streams.commands.customer_lines import WIDTH, end_evidence, entry, money, number, touchpoint, wrapped
from streams.commands.customer_text import let_go

AT = "2024-02-03T04:05:06.789Z"
EVENT = {"event_hash": "0" * 15 + "1", "event_id": "e1", "kind": "order_delayed", "at": AT}
LOST = EVENT | {"event_id": None, "kind": None}
INSTANT = LOST | {"event_hash": None}
NOTHING = INSTANT | {"at": None}


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        (EVENT, "order_delayed e1, 2024-02-03 04:05 UTC"),
        (LOST, "an event that the history does not hold, 2024-02-03 04:05 UTC"),
        (INSTANT, "2024-02-03 04:05 UTC"),
        (NOTHING, ""),
        (None, ""),
    ],
)
def test_evidence_is_named_as_far_as_it_is_known(evidence: dict[str, Any] | None, said: str) -> None:
    assert touchpoint(evidence) == said


@pytest.mark.parametrize(
    ("reason", "evidence", "said"),
    [
        ("core_failure", EVENT, "order_delayed e1, 2024-02-03 04:05 UTC"),
        ("neglect", INSTANT, "last contact by the firm 2024-02-03 04:05 UTC"),
        ("neglect", NOTHING, "no contact by the firm before it"),
        ("neglect", None, "no contact by the firm before it"),
        ("life_stage", INSTANT, "last bought in a category that ends by itself 2024-02-03 04:05 UTC"),
        ("explicit", None, "nothing that would explain it"),
        ("unknown", None, "nothing that would explain it"),
    ],
)
def test_an_end_without_an_event_says_what_it_rests_on(reason: str, evidence: dict[str, Any] | None, said: str) -> None:
    assert end_evidence(reason, evidence) == said


@pytest.mark.parametrize(
    ("minor", "currency", "said"),
    [
        (123_456.4, "USD", "1,234.56 USD"),
        (-50, "EUR", "-0.50 EUR"),
        (1_234, "JPY", "1,234 JPY"),
        (1, "KWD", "0.001 KWD"),
    ],
)
def test_money_has_the_decimals_of_its_currency(minor: float, currency: str, said: str) -> None:
    assert money(minor, currency) == said


def test_one_is_singular() -> None:
    assert [number(n, "order") for n in (0, 1, 2_000)] == ["0 orders", "1 order", "2,000 orders"]
    assert number(2, "day with a purchase", "days with purchases") == "2 days with purchases"


def test_lines_break_between_words_and_ids_stay_whole() -> None:
    lines = entry("evidence", " ".join(["word"] * 40))
    assert len(lines) == 3
    assert all(len(each) <= WIDTH and each.startswith(" " * 18 if each != lines[0] else "  evidence") for each in lines)
    assert " ".join(lines).split() == ["evidence", *["word"] * 40]
    assert wrapped("    ", "a-" * 70) == ["    " + "a-" * 70]
    assert wrapped("  label  ", "") == ["  label"]


def reason(name: str, **evidence: Any) -> list[str]:
    told = {"currency": "USD", "let_go": [{"reason": name, "cost_minor": 1_050, "evidence": evidence}]}
    return " ".join(let_go(told)).split(maxsplit=1)


def test_each_reason_to_let_go_tells_its_counts() -> None:
    assert reason("deal_seeker", discounted=1, purchases=1) == [
        "deal_seeker",
        "costs 10.50 USD: 1 of 1 purchase discounted",
    ]
    returned = {"returned_orders": 3, "orders": 5}
    assert reason("norm_violator", **returned, blocked_at=None)[1] == (
        "costs 10.50 USD: 3 of 5 orders returned or cancelled"
    )
    assert " ".join(reason("norm_violator", **returned, blocked_at=AT)[1].split()) == (
        "costs 10.50 USD: 3 of 5 orders returned or cancelled; blocked by the firm 2024-02-03 04:05 UTC"
    )
    assert " ".join(reason("high_maintenance", two_way=7, cost_minor=4_000, margin_minor=-100)[1].split()) == (
        "costs 10.50 USD: 7 two-way contacts, cost to serve 40.00 USD against a margin of -1.00 USD"
    )
    assert reason("out_of_target", touchpoints_outside=2, touchpoints_inside=1)[1] == (
        "costs 10.50 USD: 2 touchpoints out of target, 1 in it"
    )


def change(judgement: str, before: str, after: str, evidence: dict[str, Any], **more: Any) -> list[str]:
    its = {"count": 0, "value": 0.0, **evidence, **more}
    told = {"judgement": judgement, "before": before, "after": after, "at": AT, "currency": "USD", "evidence": its}
    return list(judgements({"judgements": [told], "currency": "USD"}))


def test_a_change_tells_what_its_numbers_are() -> None:
    assert change("value_tier", "", "high", INSTANT, count=3, value=250_000.0) == [
        "  2024-02-03 04:05 UTC",
        "    value_tier                 not judged → high              3 purchases, worth 2,500.00 USD",
    ]
    assert change("let_go", "deal_seeker", "", INSTANT)[1].split("  ")[-1].strip() == "0 purchases, cost 0.00 USD"
    assert "deal_seeker → none" in change("let_go", "deal_seeker", "", INSTANT)[1]
    assert change("trust_fulfilment", "none", "negative", EVENT, value=-1 / 3)[1:] == [
        "    trust_fulfilment           none → negative",
        " " * 31 + "index -0.33; order_delayed e1, 2024-02-03 04:05 UTC",
    ]
    assert " ".join(" ".join(change("end_reason", "", "neglect", NOTHING, count=2)[1:]).split()) == (
        "end_reason none → neglect no contact by the firm before it; 2 complaints in all"
    )
    assert change("end_reason", "neglect", "", NOTHING)[1:] == ["    end_reason                 neglect → none"]


def test_changes_of_one_instant_stand_together() -> None:
    fact = {"judgement": "need", "before": "", "after": "price", "at": AT, "currency": "USD"}
    its = {**INSTANT, "count": 2, "value": 0.5}
    later = fact | {"at": "2024-03-01T00:00:00.000Z", "before": "price", "after": "advice", "evidence": its}
    told = {"judgements": [fact | {"evidence": its}, fact | {"evidence": its}, later], "currency": "USD"}
    assert [each[:22].strip() for each in judgements(told)] == [
        "2024-02-03 04:05 UTC",
        *["need"] * 2,
        "2024-03-01 00:00 UTC",
        "need",
    ]
    assert next(judgements({"judgements": [], "currency": "USD"})).startswith("  none yet")


def test_a_stage_without_any_initiative() -> None:
    nothing = dict.fromkeys(("event_id", "kind", "first_purchase_at", "last_purchase_at", "last_sign_at"))
    evidence = {**nothing, "purchases": 0, "weeks": 0}
    fact: dict[str, Any] = {
        "id": "a" * 16 + "b" * 16,
        "at": AT,
        "from_stage": "none",
        "to_stage": "awareness",
        "cause": "merge",
    }
    fact |= {"evidence": evidence, "supersedes": [], "superseded_by": "c" * 16 + "d" * 16}
    assert list(stages({"stages": [fact]})) == [
        "  2024-02-03 04:05 UTC  none → awareness  (merge)",
        "      no initiative of the customer yet",
        f"      no longer true: {'b' * 16} was corrected by {'d' * 16}",
    ]
